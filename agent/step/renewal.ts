/** Renewing the device token when the controller asks for it (SPEC §5): between attempts, at a drawn moment. */
import { MINUTE_MS } from '../../controller/domain/duration.ts';
import type { Step } from '../effect.ts';
import type { Moment, RenewalResult } from '../fact.ts';
import type { AgentState } from '../state.ts';
import { emit, stay, timer } from './turn.ts';

/** Devices that are asked in one minute do not all come in the next. */
const SPREAD_MS = 10 * MINUTE_MS;

/** Once a header: while a renewal is on its way another header changes nothing. */
export function onRenewAsked(state: AgentState, at: Moment): Step {
  if (state.renewal !== undefined) return stay(state);
  const drawn: AgentState = { ...state, renewal: 'drawn' };
  return stay(drawn, timer(drawn, 'renewal', Math.round(at.random * SPREAD_MS)));
}

export const onRenewalDue = (state: AgentState): Step =>
  state.renewal === 'drawn' ? renewIfFree({ ...state, renewal: 'due' }) : stay(state);

/** An attempt that waits, perhaps for weeks, leaves room for it as well as no attempt does. */
export function renewIfFree(state: AgentState): Step {
  const free = state.phase.name === 'idle' || state.phase.name === 'deferred';
  return state.renewal === 'due' && free
    ? stay({ ...state, renewal: 'under_way' }, { type: 'renew' })
    : stay(state);
}

/** A failure is not tried again by itself: the next answer that asks for it is. */
export const onRenewed = (state: AgentState, result: RenewalResult): Step =>
  stay(
    { ...state, renewal: undefined },
    emit(
      result.kind === 'kept' ? { type: 'ota.token.renewed' } : { type: 'ota.token.fail', code: result.code },
    ),
  );
