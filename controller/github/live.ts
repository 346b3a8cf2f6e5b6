/** The present rollout: snapshot, fleet, outcomes and adoption together. */
import type { Snapshot } from '../domain/decision.ts';
import { againstIn } from '../domain/gate/advice.ts';
import { haltIn } from '../domain/halt.ts';
import { type FleetProgress, isComplete, subjectOf } from '../domain/progress.ts';
import { nextStepOf } from '../domain/ramp/forecast.ts';
import { isSuspended } from '../domain/ramp/progress.ts';
import { intendedPercent } from '../domain/standing.ts';
import type {
  AdoptionStore,
  AdviceSource,
  Counted,
  DeviceStore,
  OutcomeStore,
  ProgressSource,
} from '../ports/index.ts';
import type { RevisionProgress, RolloutState } from './revision-progress.ts';

export interface FleetSources {
  readonly devices: Pick<DeviceStore, 'counts'>;
  readonly progress: Pick<ProgressSource, 'count'>;
  readonly gate: AdviceSource;
  readonly outcomes: Pick<OutcomeStore, 'counts'>;
  readonly adoption: Pick<AdoptionStore, 'series'>;
  readonly activeWithinMs: number;
}

function stateOf(picture: Snapshot, fleet: FleetProgress, percent: number, nowMs: number): RolloutState {
  if (isSuspended(picture.rollout, nowMs)) return 'suspended';
  if (haltIn(picture.halts)?.mode === 'halt') return 'halted';
  if (isComplete(picture, fleet, nowMs)) return 'completed';
  return subjectOf(picture).kind === 'rollout' && percent === 0 && fleet.offered === 0
    ? 'pending'
    : 'rolling_out';
}

/** A cheap fingerprint of everything that is counted; if it is equal, no new count of the fleet is needed. */
export async function signOf(
  picture: Snapshot,
  since: RevisionProgress,
  sources: FleetSources,
  nowMs: number,
): Promise<string> {
  const { buildId } = subjectOf(picture);
  return JSON.stringify([
    await sources.devices.counts(nowMs, sources.activeWithinMs),
    await sources.outcomes.counts(buildId, since.appliedAtMs),
    intendedPercent(picture),
    isSuspended(picture.rollout, nowMs),
    picture.halts,
    picture.rollout,
    adviceIn(sources),
  ]);
}

/** Undefined while nothing counts against the build. */
function adviceIn({ gate }: Pick<FleetSources, 'gate'>): RevisionProgress['advice'] {
  const judgement = gate.advice()?.judgement;
  const against = judgement === undefined ? [] : againstIn(judgement);
  return judgement === undefined || against.length === 0
    ? undefined
    : { verdict: judgement.verdict, against };
}

/** The progress of the revision in force, from a count. `before` has the time it was applied and its exposure so far. */
export async function progressNow(
  { picture, atMs, progress: fleet }: Counted,
  before: RevisionProgress,
  sources: FleetSources,
): Promise<RevisionProgress> {
  const { build: _, ...subject } = subjectOf(picture);
  const { ok, fail, deferred, reasons } = await sources.outcomes.counts(subject.buildId, before.appliedAtMs);
  const samples = await sources.adoption.series(subject.buildId, before.appliedAtMs);
  const percent = intendedPercent(picture);
  const last = before.exposure.at(-1);
  const { suspend } = picture.rollout;
  const halt = haltIn(picture.halts);
  return {
    ...before,
    subject,
    percent,
    fleet,
    results: { ok, fail, deferred, reasons },
    curve: samples.map(s => ({ atMs: s.atMs, percent: s.active === 0 ? 0 : (100 * s.running) / s.active })),
    exposure: last?.percent === percent ? before.exposure : [...before.exposure, { atMs, percent }],
    next: nextStepOf(picture, atMs),
    suspend:
      suspend !== undefined && isSuspended(picture.rollout, atMs)
        ? { reason: suspend.reason, untilMs: suspend.untilMs }
        : undefined,
    halt: halt === undefined ? undefined : { kind: halt.kind, reason: halt.reason },
    advice: adviceIn(sources),
    state: stateOf(picture, fleet, percent, atMs),
  };
}
