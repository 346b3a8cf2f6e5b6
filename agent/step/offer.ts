/** From an answer to an attempt: eligibility, penalties, constraints (SPEC §9). */
import { bucketOf, isExposed } from '../../controller/domain/cohort.ts';
import type { ResultReason } from '../../controller/domain/outcome.ts';
import { type Unmet, unmetConstraints } from '../constraints.ts';
import type { Step } from '../effect.ts';
import type { Checked, Moment } from '../fact.ts';
import { type Offer, sameApk } from '../offer.ts';
import { CLOCK_SLACK_MS, penaltyLeftMs } from '../penalty.ts';
import { type Conditions, UNKNOWN_CONDITIONS } from '../readings.ts';
import type { AgentState, Ask, Attempt } from '../state.ts';
import { endAttempt, queueReport } from './report.ts';
import { beginCheck, emit, enter, newAsk, rest, stay, then, timer } from './turn.ts';

/** How often a waiting attempt looks again where the platform cannot tell of changes. */
export const OBSERVE_EVERY_MS = 60_000;

/** Why the offered build is not for this device now; undefined when it is. */
export function ineligible(
  state: AgentState,
  offer: Offer,
  installedVersionCode: number,
): Extract<ResultReason, 'already_installed' | 'downgrade_refused' | 'outside_cohort'> | undefined {
  if (offer.versionCode === installedVersionCode) return 'already_installed';
  if (offer.versionCode < installedVersionCode && !offer.forceDowngrade) return 'downgrade_refused';
  const exposed = isExposed(bucketOf(state.deviceId, offer.cohortSeed), offer.stagedRolloutPercent);
  return exposed ? undefined : 'outside_cohort';
}

export function consider(
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
  if (leftMs > 0) return then(stay(seen, eligible), s => onPenalty(s, attempt, leftMs, at));
  return then(stay(seen, eligible), s => proceed(s, attempt, checked.conditions ?? UNKNOWN_CONDITIONS, at));
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

/** A first sight in the future is a clock that was wrong: it starts again. */
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
  // After an install whose answer was lost, the running version tells that it went well.
  if (reason === 'already_installed' && attempt.installTries > 0)
    return endAttempt(state, attempt, { outcome: 'ok', reason: 'installed', versionCode }, at);
  const step =
    reason === 'outside_cohort'
      ? stay(state, emit({ type: 'ota.ineligible.cohort', requestId: attempt.requestId, buildId }))
      : stay(state);
  // Being outside a cohort is a normal answer to a poll, not a result.
  if (reason === 'outside_cohort' && !waited && ask.nudgedBuildId === undefined) return then(step, rest);
  return then(step, s => endAttempt(s, attempt, { outcome: 'skipped', reason, versionCode }, at));
}

function onPenalty(state: AgentState, attempt: Attempt, leftMs: number, at: Moment): Step {
  const { requestId, offer } = attempt;
  const step = stay(state, emit({ type: 'ota.defer.penalty', requestId, buildId: offer.buildId, leftMs }));
  return then(step, s => endAttempt(s, attempt, { outcome: 'deferred', reason: 'penalty' }, at));
}

/** Goes on when the constraints allow it, else waits and tells each new reason once. */
export function proceed(state: AgentState, attempt: Attempt, conditions: Conditions, at: Moment): Step {
  const unmet = unmetOf(state, attempt, conditions, at);
  return unmet.length === 0 ? startDownload(state, attempt, at) : defer(state, attempt, unmet);
}

export const unmetOf = (state: AgentState, attempt: Attempt, conditions: Conditions, at: Moment): Unmet[] =>
  unmetConstraints(attempt.offer, state.firstSeen?.atMs ?? at.atMs, conditions, at.atMs);

const reasonOf = (unmet: Unmet): ResultReason => (unmet.unknown ? 'unknown_conditions' : unmet.reason);

export function defer(state: AgentState, attempt: Attempt, unmet: readonly Unmet[]): Step {
  const { requestId, offer, toldReasons } = attempt;
  const { buildId } = offer;
  const wasWaiting = state.phase.name === 'deferred';
  const fresh = unmet.filter(u => !toldReasons.includes(reasonOf(u)));
  const events = (wasWaiting ? fresh : unmet).map(u =>
    emit({ type: `ota.defer.${u.reason}`, requestId, buildId, unknown: u.unknown }),
  );
  const told = { ...attempt, toldReasons: [...new Set([...toldReasons, ...fresh.map(reasonOf)])] };
  const waiting = enter(state, { name: 'deferred', attempt: told }, epoch => [
    { type: 'abort' },
    ...events,
    { type: 'timer', name: 'retry', inMs: OBSERVE_EVERY_MS, epoch },
  ]);
  return told.toldReasons
    .filter(reason => !toldReasons.includes(reason))
    .reduce(
      (step, reason) =>
        then(step, s =>
          queueReport(s, {
            requestId,
            buildId,
            outcome: 'deferred',
            reason,
            detail: undefined,
            versionCode: attempt.fromVersionCode,
            timingsMs: {},
          }),
        ),
      waiting,
    );
}

/** An offer that was last confirmed a poll interval ago, or a trigger since, is asked about again first. */
function startDownload(state: AgentState, attempt: Attempt, at: Moment): Step {
  const stale = Math.abs(at.atMs - attempt.checkedAtMs) > state.pace.intervalMs;
  if (stale || state.pending !== undefined)
    return beginCheck(state, state.pending ?? newAsk(at, 'poll'), attempt);
  return enter(state, { name: 'downloading', attempt }, epoch => [{ type: 'download', epoch, attempt }]);
}

/** Re-reads the constraints before going on. */
export const lookAgain = (state: AgentState, attempt: Attempt): Step =>
  then(enter(state, { name: 'deferred', attempt }), s =>
    stay(s, { type: 'observe' }, timer(s, 'retry', OBSERVE_EVERY_MS)),
  );
