/** Conditions that an attempt waits for: network, battery, calls, and unreadable readings (SPEC §9). */
import type { ResultReason } from '../../controller/domain/outcome.ts';
import { type Unmet, unmetConstraints } from '../constraints.ts';
import type { Step } from '../effect.ts';
import type { Moment } from '../fact.ts';
import type { Conditions, Installed } from '../readings.ts';
import type { AgentState, Attempt } from '../state.ts';
import { queueReport } from './report.ts';
import { andThen, emit, enter, stay, timer } from './turn.ts';

/** How often a waiting attempt looks again if the platform cannot report changes. */
export const OBSERVE_EVERY_MS = 60_000;

/** A reason to wait. `signer`: the installed signer cannot be read, so a download could not be verified. */
export type Wait = Unmet | { readonly reason: 'signer'; readonly unknown: true };

export function waitsOf(
  state: AgentState,
  attempt: Attempt,
  conditions: Conditions,
  installed: Installed,
  at: Moment,
): Wait[] {
  const firstSeenMs = state.firstSeen?.atMs ?? at.atMs;
  const unmet = unmetConstraints(attempt.offer, firstSeenMs, conditions, at.atMs);
  const unsigned = installed.versionCode > 0 && installed.signer === undefined;
  return unsigned ? [...unmet, { reason: 'signer', unknown: true }] : unmet;
}

const reasonOf = (wait: Wait): ResultReason => (wait.unknown ? 'unknown_conditions' : wait.reason);

/** Waits, logs new reasons, and reports each reason once per attempt. */
export function defer(state: AgentState, attempt: Attempt, waits: readonly Wait[]): Step {
  const { requestId, offer, toldReasons } = attempt;
  const { buildId } = offer;
  const wasWaiting = state.phase.name === 'deferred';
  const fresh = waits.filter(wait => !toldReasons.includes(reasonOf(wait)));
  const events = (wasWaiting ? fresh : waits).map(({ reason, unknown }) =>
    emit({ type: `ota.defer.${reason}`, requestId, buildId, unknown }),
  );
  const untold = [...new Set(fresh.map(reasonOf))];
  const told = { ...attempt, toldReasons: [...toldReasons, ...untold] };
  const waiting = enter(state, { name: 'deferred', attempt: told }, epoch => [
    { type: 'abort' },
    ...events,
    { type: 'timer', name: 'retry', inMs: OBSERVE_EVERY_MS, epoch },
  ]);
  const versionCode = attempt.fromVersionCode;
  const report = {
    requestId,
    buildId,
    outcome: 'deferred',
    detail: undefined,
    versionCode,
    timingsMs: {},
  } as const;
  return untold.reduce((step, reason) => andThen(step, s => queueReport(s, { ...report, reason })), waiting);
}

/** Reads the constraints now, and then each minute, before the attempt goes on. */
export const lookAgain = (state: AgentState, attempt: Attempt): Step =>
  andThen(enter(state, { name: 'deferred', attempt }), s =>
    stay(s, { type: 'observe' }, timer(s, 'retry', OBSERVE_EVERY_MS)),
  );

/** The same, but after a minute: an immediate retry would fail again. */
export const lookLater = (state: AgentState, attempt: Attempt): Step =>
  andThen(enter(state, { name: 'deferred', attempt }), s => stay(s, timer(s, 'retry', OBSERVE_EVERY_MS)));
