/** The rollout in force, as it stands now: picture, fleet, outcomes and adoption brought together. */
import type { Snapshot } from '../domain/decision.ts';
import { finalPercent, isSuspended, nextChangeMs } from '../domain/ramp.ts';
import { reachAt } from '../domain/standing.ts';
import type { AdoptionStore, DeviceStore, OutcomeStore } from '../ports/index.ts';
import type { Progress, RolloutState, Tally } from './progress.ts';
import { subjectOf, tallyFleet } from './tally.ts';

export interface FleetSources {
  readonly devices: Pick<DeviceStore, 'scan' | 'counts'>;
  readonly outcomes: Pick<OutcomeStore, 'counts'>;
  readonly adoption: Pick<AdoptionStore, 'series'>;
  readonly activeWithinMs: number;
}

/** The share that may be missing when a rollout counts as complete: devices come and go. */
const MISSING = 0.01;

/** The next moment at which time alone widens the rollout. */
function nextStep(picture: Snapshot, nowMs: number): Progress['next'] {
  const { rollout, clock } = picture;
  const percent = reachAt(picture, nowMs);
  let atMs: number | undefined = nowMs;
  for (let tries = 0; tries < 100; tries += 1) {
    atMs = nextChangeMs(rollout, clock, atMs);
    if (atMs === undefined) return undefined;
    const then = reachAt(picture, atMs);
    if (then !== percent) return { percent: then, atMs };
  }
  return undefined;
}

function stateOf(
  picture: Snapshot,
  tally: Tally,
  next: Progress['next'],
  percent: number,
  nowMs: number,
): RolloutState {
  const { rollout } = picture;
  if (isSuspended(rollout, nowMs)) return 'suspended';
  const back = subjectOf(picture).kind === 'rollback';
  const missing = tally.offered - tally.installed;
  const arrived = next === undefined && (back || percent === finalPercent(rollout));
  if (arrived && tally.active > 0 && (tally.offered > 0 || back) && missing <= MISSING * tally.offered)
    return 'completed';
  return !back && percent === 0 && tally.offered === 0 ? 'pending' : 'rolling_out';
}

/** A cheap sign that something countable moved; equal signs need no new count of the fleet. */
export async function signOf(
  picture: Snapshot,
  since: Progress,
  sources: FleetSources,
  nowMs: number,
): Promise<string> {
  const { buildId } = subjectOf(picture);
  return JSON.stringify([
    await sources.devices.counts(nowMs, sources.activeWithinMs),
    await sources.outcomes.counts(buildId, since.appliedAtMs),
    reachAt(picture, nowMs),
    isSuspended(picture.rollout, nowMs),
    picture.rollout,
  ]);
}

/** The progress of the revision in force; `before` carries when it came to stand and its exposure so far. */
export async function progressNow(
  picture: Snapshot,
  before: Progress,
  sources: FleetSources,
  nowMs: number,
): Promise<Progress> {
  const { build: _, ...subject } = subjectOf(picture);
  const tally = await tallyFleet(sources.devices, picture, nowMs, sources.activeWithinMs);
  const { ok, fail, deferred, reasons } = await sources.outcomes.counts(subject.buildId, before.appliedAtMs);
  const samples = await sources.adoption.series(subject.buildId, before.appliedAtMs);
  const percent = reachAt(picture, nowMs);
  const next = nextStep(picture, nowMs);
  const last = before.exposure.at(-1);
  const { suspend } = picture.rollout;
  return {
    ...before,
    subject,
    percent,
    tally,
    attempts: { ok, fail, deferred, reasons },
    curve: samples.map(s => ({ atMs: s.atMs, percent: s.active === 0 ? 0 : (100 * s.running) / s.active })),
    exposure: last?.percent === percent ? before.exposure : [...before.exposure, { atMs: nowMs, percent }],
    next,
    suspend:
      suspend !== undefined && isSuspended(picture.rollout, nowMs)
        ? { reason: suspend.reason, untilMs: suspend.untilMs }
        : undefined,
    state: stateOf(picture, tally, next, percent, nowMs),
  };
}
