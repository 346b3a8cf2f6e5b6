/** Handles answers to update checks (SPEC §5, §9). */
import { MINUTE_MS } from '../../controller/domain/duration.ts';
import type { ResultReason } from '../../controller/domain/outcome.ts';
import { fullJitterMs, pollDelayMs, retryAfterDelayMs } from '../backoff.ts';
import type { Effect, Step } from '../effect.ts';
import type { CheckAnswer, Checked, Moment } from '../fact.ts';
import { addFailure } from '../penalty.ts';
import type { Installed } from '../readings.ts';
import type { AgentState, Ask, Attempt } from '../state.ts';
import { installedItself } from './eligible.ts';
import { succeed } from './install.ts';
import { evaluateOffer } from './offer.ts';
import { endAttempt, queueReport, sendNext } from './report.ts';
import { andThen, emit, enter, rest, stay, timer } from './turn.ts';
import { OBSERVE_EVERY_MS } from './wait.ts';

const CHECK_RETRY_BASE_MS = 30_000;
const CHECK_RETRY_CAP_MS = 30 * MINUTE_MS;

/** Handles the answer to a check that is not the confirmation before an install. */
export function onChecked(
  state: AgentState,
  ask: Ask,
  attempt: Attempt | undefined,
  checked: Checked,
  at: Moment,
): Step {
  const { answer } = checked;
  if (answer.kind === 'failed') return onCheckFailed(state, ask, attempt, answer, at);
  const pace = (answer.kind === 'invalid' ? undefined : answer.pace) ?? state.pace;
  const heard: AgentState = { ...state, checkFailures: 0, pace };
  const step = andThen(stay(heard, timer(heard, 'poll', pollDelayMs(pace, at.random))), sendNext);
  return andThen(step, s => {
    if (answer.kind === 'hold') return onHold(s, ask, attempt, answer, checked.installed, at);
    if (answer.kind === 'invalid')
      return onInvalid(s, ask, attempt, answer, checked.installed.versionCode, at);
    return evaluateOffer(s, ask, attempt, answer.offer, checked, at);
  });
}

export function onCheckFailed(
  state: AgentState,
  ask: Ask,
  attempt: Attempt | undefined,
  answer: Extract<CheckAnswer, { kind: 'failed' }>,
  at: Moment,
): Step {
  const checkFailures = state.checkFailures + 1;
  const retryInMs =
    answer.retryAfterMs === undefined
      ? fullJitterMs(checkFailures, CHECK_RETRY_BASE_MS, CHECK_RETRY_CAP_MS, at.random)
      : retryAfterDelayMs(answer.retryAfterMs, at.random);
  const said = emit({ type: 'ota.check.fail', requestId: ask.requestId, code: answer.code, retryInMs });
  // A network failure must not lose a nudge: the retry uses its request id.
  const pending = state.pending ?? (ask.trigger === 'nudge' && attempt === undefined ? ask : undefined);
  const failed = { ...state, checkFailures, pending };
  const next = enter(failed, attempt === undefined ? { name: 'idle' } : { name: 'deferred', attempt });
  const waits = attempt === undefined ? [] : [Math.max(OBSERVE_EVERY_MS, retryInMs)];
  return andThen(next, s =>
    stay(s, said, timer(s, 'poll', retryInMs), ...waits.map(ms => timer(s, 'retry', ms))),
  );
}

function onHold(
  state: AgentState,
  ask: Ask,
  attempt: Attempt | undefined,
  answer: Extract<CheckAnswer, { kind: 'hold' }>,
  installed: Installed,
  at: Moment,
): Step {
  const { requestId } = ask;
  const { versionCode } = installed;
  const effects: Effect[] = [emit({ type: 'ota.hold', requestId, reason: answer.reason, versionCode })];
  if (answer.reason === 'outside_cohort')
    effects.push(emit({ type: 'ota.ineligible.cohort', requestId, buildId: undefined }));
  const held: AgentState = {
    ...state,
    hold: answer.etag === undefined ? undefined : { etag: answer.etag, versionCode },
    firstSeen: answer.reason === 'suspended' ? state.firstSeen : undefined,
  };
  const reason =
    answer.reason === 'up_to_date'
      ? 'already_installed'
      : answer.reason === 'outside_cohort'
        ? 'outside_cohort'
        : 'offer_gone';
  const step = stay(held, ...effects);
  if (attempt !== undefined && installedItself(attempt, versionCode))
    return andThen(step, s => succeed(s, attempt, installed, 0, at));
  if (attempt !== undefined)
    return andThen(step, s => endAttempt(s, attempt, { outcome: 'skipped', reason, versionCode }, at));
  return andThen(
    andThen(step, s => answerNudge(s, ask, reason, versionCode)),
    rest,
  );
}

/** A nudge is always answered, so that its sender learns the result. */
function answerNudge(state: AgentState, ask: Ask, reason: ResultReason, versionCode: number): Step {
  if (ask.nudgedBuildId === undefined) return stay(state);
  const { requestId, nudgedBuildId: buildId } = ask;
  return queueReport(state, {
    requestId,
    buildId,
    outcome: 'skipped',
    reason,
    detail: undefined,
    versionCode,
    timingsMs: {},
  });
}

function onInvalid(
  state: AgentState,
  ask: Ask,
  attempt: Attempt | undefined,
  answer: Extract<CheckAnswer, { kind: 'invalid' }>,
  versionCode: number,
  at: Moment,
): Step {
  const { requestId } = ask;
  const { buildId, reason, detail } = answer;
  const step = stay(state, emit({ type: 'ota.verify.fail', requestId, buildId, reason, detail }));
  if (attempt !== undefined)
    return andThen(step, s => endAttempt(s, attempt, { outcome: 'fail', reason, detail, versionCode }, at));
  if (buildId === undefined) return andThen(step, rest);
  return andThen(step, s => {
    const counted = { ...s, penalties: addFailure(s.penalties, buildId, at.atMs) };
    const queued = queueReport(counted, {
      requestId,
      buildId,
      outcome: 'fail',
      reason,
      detail,
      versionCode,
      timingsMs: {},
    });
    return andThen(queued, rest);
  });
}
