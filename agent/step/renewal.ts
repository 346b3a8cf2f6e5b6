/** Renews the device token when the controller asks for it (SPEC §5): between attempts, after a random delay. */
import { MINUTE_MS } from '../../controller/domain/duration.ts';
import type { Step } from '../effect.ts';
import type { Moment, RenewalResult } from '../fact.ts';
import type { AgentState } from '../state.ts';
import { emit, stay, timer } from './turn.ts';

/** Spreads the renewals of devices that were all asked at the same time. */
const SPREAD_MS = 10 * MINUTE_MS;

/** While a renewal is pending, further headers are ignored. */
export function onRenewAsked(state: AgentState, at: Moment): Step {
  if (state.renewal !== undefined) return stay(state);
  const drawn: AgentState = { ...state, renewal: 'drawn' };
  return stay(drawn, timer(drawn, 'renewal', Math.round(at.random * SPREAD_MS)));
}

export const onRenewalDue = (state: AgentState): Step =>
  state.renewal === 'drawn' ? renewIfFree({ ...state, renewal: 'due' }) : stay(state);

/** Renews if idle or deferred: a deferred attempt may wait for weeks. */
export function renewIfFree(state: AgentState): Step {
  const free = state.phase.name === 'idle' || state.phase.name === 'deferred';
  return state.renewal === 'due' && free
    ? stay({ ...state, renewal: 'under_way' }, { type: 'renew' })
    : stay(state);
}

/** A failed renewal is not retried by itself, but at the next answer that asks for one. */
export const onRenewed = (state: AgentState, result: RenewalResult): Step =>
  stay(
    { ...state, renewal: undefined },
    emit(
      result.kind === 'kept' ? { type: 'ota.token.renewed' } : { type: 'ota.token.fail', code: result.code },
    ),
  );
