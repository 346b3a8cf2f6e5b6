/** From an answer to an attempt: eligibility, penalties, constraints (SPEC §9). */
import type { Step } from '../effect.ts';
import type { Checked, Moment } from '../fact.ts';
import { type Offer, sameApk } from '../offer.ts';
import { CLOCK_SLACK_MS, penaltyLeftMs } from '../penalty.ts';
import { type Conditions, type Installed, UNKNOWN_CONDITIONS } from '../readings.ts';
import type { AgentState, Ask, Attempt } from '../state.ts';
import { ineligible, installedItself } from './eligible.ts';
import { installFailed, MAX_INSTALL_TRIES, succeed } from './install.ts';
import { endAttempt } from './report.ts';
import { andThen, beginCheck, emit, enter, newAsk, rest, stay } from './turn.ts';
import { defer, waitsOf } from './wait.ts';

export function evaluateOffer(
  state: AgentState,
  ask: Ask,
  waiting: Attempt | undefined,
  offer: Offer,
  checked: Checked,
  at: Moment,
): Step {
  const versionCode = checked.installed.versionCode;
  if (waiting !== undefined && !sameApk(waiting.offer, offer)) {
    const again = { ...state, pending: state.pending ?? newAsk(at, ask.trigger) };
    return endAttempt(again, waiting, { outcome: 'skipped', reason: 'superseded', versionCode }, at);
  }
  const { buildId } = offer;
  const attempt: Attempt =
    waiting === undefined
      ? newAttempt(ask, offer, versionCode, at)
      : { ...waiting, offer, checkedAtMs: at.atMs };
  if (installedItself(attempt, versionCode)) return succeed(state, attempt, checked.installed, 0, at);
  const why = ineligible(state, offer, versionCode);
  if (why !== undefined)
    return onIneligible(state, ask, attempt, why, versionCode, waiting !== undefined, at);
  const seen = { ...state, hold: undefined, firstSeen: firstSight(state, buildId, at) };
  const eligible = emit({
    type: 'ota.eligible',
    requestId: attempt.requestId,
    buildId,
    versionCode: offer.versionCode,
    eligibleBy: offer.eligibleBy,
  });
  const leftMs = penaltyLeftMs(state.penalties, buildId, at.atMs);
  if (leftMs > 0) return andThen(stay(seen, eligible), s => onPenalty(s, attempt, leftMs, at));
  return andThen(stay(seen, eligible), s =>
    proceed(s, attempt, checked.conditions ?? UNKNOWN_CONDITIONS, checked.installed, at),
  );
}

const newAttempt = (ask: Ask, offer: Offer, fromVersionCode: number, at: Moment): Attempt => ({
  requestId: ask.requestId,
  offer,
  trigger: ask.trigger,
  fromVersionCode,
  checkedAtMs: at.atMs,
  downloadTries: 0,
  installTries: 0,
  toldReasons: [],
  timingsMs: {},
});

/** When the offer was first seen. A time in the future comes from a wrong clock and is reset. */
function firstSight(state: AgentState, buildId: string, at: Moment): NonNullable<AgentState['firstSeen']> {
  const known = state.firstSeen;
  return known !== undefined && known.buildId === buildId && known.atMs <= at.atMs + CLOCK_SLACK_MS
    ? known
    : { buildId, atMs: at.atMs };
}

function onIneligible(
  state: AgentState,
  ask: Ask,
  attempt: Attempt,
  reason: NonNullable<ReturnType<typeof ineligible>>,
  versionCode: number,
  waited: boolean,
  at: Moment,
): Step {
  const { buildId } = attempt.offer;
  const step =
    reason === 'outside_cohort'
      ? stay(state, emit({ type: 'ota.ineligible.cohort', requestId: attempt.requestId, buildId }))
      : stay(state);
  // Being outside a cohort is a normal answer to a poll, not a result.
  if (reason === 'outside_cohort' && !waited && ask.nudgedBuildId === undefined) return andThen(step, rest);
  return andThen(step, s => endAttempt(s, attempt, { outcome: 'skipped', reason, versionCode }, at));
}

function onPenalty(state: AgentState, attempt: Attempt, leftMs: number, at: Moment): Step {
  const { requestId, offer } = attempt;
  const step = stay(state, emit({ type: 'ota.defer.penalty', requestId, buildId: offer.buildId, leftMs }));
  return andThen(step, s => endAttempt(s, attempt, { outcome: 'deferred', reason: 'penalty' }, at));
}

/** Goes on if nothing blocks, else waits. First checks the version that runs now. */
export function proceed(
  state: AgentState,
  attempt: Attempt,
  conditions: Conditions,
  installed: Installed,
  at: Moment,
): Step {
  if (installedItself(attempt, installed.versionCode)) return succeed(state, attempt, installed, 0, at);
  const why = ineligible(state, attempt.offer, installed.versionCode);
  if (why !== undefined) {
    const { versionCode } = installed;
    return endAttempt(state, attempt, { outcome: 'skipped', reason: why, versionCode }, at);
  }
  const waits = waitsOf(state, attempt, conditions, installed, at);
  if (waits.length > 0) return defer(state, attempt, waits);
  if (attempt.installTries >= MAX_INSTALL_TRIES)
    return installFailed(state, attempt, 'interrupted', `${attempt.installTries} times`, at);
  return startDownload(state, attempt, at);
}

/** Checks the offer again first if it was confirmed more than a poll interval ago or a trigger is pending. */
function startDownload(state: AgentState, attempt: Attempt, at: Moment): Step {
  const stale = Math.abs(at.atMs - attempt.checkedAtMs) > state.pace.intervalMs;
  if (stale || state.pending !== undefined)
    return beginCheck(state, state.pending ?? newAsk(at, 'poll'), attempt);
  return enter(state, { name: 'downloading', attempt }, epoch => [{ type: 'download', epoch, attempt }]);
}
