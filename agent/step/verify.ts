/** Handles the verification result: genuine, wrong, or not decidable now (SPEC §9). */
import type { Step } from '../effect.ts';
import type { Moment, VerifyResult } from '../fact.ts';
import type { AgentState, Attempt } from '../state.ts';
import { confirm } from './install.ts';
import { endAttempt } from './report.ts';
import { andThen, emit, enter, stay, timed } from './turn.ts';
import { lookLater } from './wait.ts';

/** Verification tries on a complete file before the attempt fails. */
export const MAX_DOWNLOAD_TRIES = 5;

export const verify = (state: AgentState, attempt: Attempt): Step =>
  enter(state, { name: 'verifying', attempt }, epoch => [{ type: 'verify', epoch, attempt }]);

export function onVerified(state: AgentState, attempt: Attempt, result: VerifyResult, at: Moment): Step {
  const { requestId, offer } = attempt;
  const { buildId } = offer;
  if (result.ok) {
    const said = emit({ type: 'ota.verify.ok', requestId, buildId, ms: Math.round(result.ms) });
    return andThen(stay(state, said), s => confirm(s, timed(attempt, 'verify', result.ms), 0));
  }
  const { reason, detail } = result;
  if (reason === 'unreadable')
    return andThen(stay(state, emit({ type: 'ota.verify.wait', requestId, buildId, detail })), s =>
      lookLater(s, attempt),
    );
  return andThen(stay(state, emit({ type: 'ota.verify.fail', requestId, buildId, reason, detail })), s =>
    endAttempt(s, attempt, { outcome: 'fail', reason, detail }, at),
  );
}

/** Verification broke: a device glitch, or the file is gone. Retries a few times, each after a minute. */
export function verifyBroke(state: AgentState, attempt: Attempt, code: string, at: Moment): Step {
  const tried = { ...attempt, downloadTries: attempt.downloadTries + 1 };
  return tried.downloadTries >= MAX_DOWNLOAD_TRIES
    ? endAttempt(state, attempt, { outcome: 'fail', reason: 'internal', detail: code }, at)
    : lookLater(state, tried);
}
