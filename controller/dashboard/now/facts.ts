/** The data of *Now*, collected once for all viewers in the same second. */
import { adoptionOf } from '../../domain/adoption.ts';
import type { Snapshot } from '../../domain/decision.ts';
import { DAY_MS, HOUR_MS } from '../../domain/duration.ts';
import type { Advice } from '../../domain/gate/advice.ts';
import type { Evidence } from '../../domain/gate/evidence.ts';
import { isSuspended, rampOf } from '../../domain/ramp/progress.ts';
import type { Build } from '../../domain/release.ts';
import type {
  AdoptionHour,
  Counted,
  CountedTroubles,
  FleetCounts,
  KeptRevision,
  RampStepRow,
  ReconcileStatus,
} from '../../ports/index.ts';
import type { DashboardOptions } from '../options.ts';

export interface NowFacts {
  readonly nowMs: number;
  readonly status: ReconcileStatus;
  readonly counts: FleetCounts;
  /** Devices that have checked in within the last hour. */
  readonly lastHour: number;
  readonly activeWithinMs: number;
  /** An object store may be sending APKs to devices. */
  readonly redirects: boolean;
  /** Waiting effects. */
  readonly waiting: Awaited<ReturnType<DashboardOptions['waiting']>>;
  /** Versions of the active devices, oldest hour first. */
  readonly hours: readonly AdoptionHour[];
  /** The newest revisions. */
  readonly revisions: readonly KeptRevision[];
  /** Undefined: nothing is in force. */
  readonly inForce: InForce | undefined;
}

export interface InForce {
  readonly snapshot: Snapshot;
  /** Count of this snapshot's fleet; undefined while a large fleet is counted for the first time. */
  readonly counted: Counted | undefined;
  /** Undefined without a gate. */
  readonly evidence: Evidence | undefined;
  /** Entered steps of the present ramp, in order. */
  readonly entered: readonly RampStepRow[];
  /** Active devices that run `current`. */
  readonly running: number;
  /** Active devices that run `last_safe`. */
  readonly runningSafe: number;
  readonly suspended: boolean;
  /** Advice for a plain percent; undefined for a ramp and before the first count. */
  readonly advice: Advice | undefined;
  /** Undefined while they are counted for the first time. */
  readonly troubles: CountedTroubles | undefined;
}

const CURVE_MS = 14 * DAY_MS;
const CURVE_POINTS = 110;
const REVISIONS = 6;

export async function gatherNow(options: DashboardOptions): Promise<NowFacts> {
  const { ports, activeWithinMs, redirects } = options;
  const nowMs = options.nowMs();
  const { snapshot } = ports.picture;
  const counts = await ports.devices.counts(nowMs, activeWithinMs);
  const { active: lastHour } = await ports.devices.counts(nowMs, HOUR_MS);
  const status = ports.reconciler.status();
  const progress = snapshot?.progress;
  const [waiting, hours, revisions, counted, entered] = await Promise.all([
    options.waiting(),
    ports.adoption.hours(nowMs - CURVE_MS, CURVE_POINTS),
    ports.revisions.list({ limit: REVISIONS }),
    ports.progress.recent(),
    progress === undefined ? [] : ports.ramps.steps(progress.rampId),
  ]);
  const shared = { nowMs, status, counts, lastHour, activeWithinMs, redirects, waiting, hours, revisions };
  if (snapshot === undefined) return { ...shared, inForce: undefined };
  const running = (build: Build | undefined): number =>
    build === undefined ? 0 : adoptionOf(build, counts).devices;
  return {
    ...shared,
    inForce: {
      snapshot,
      counted,
      evidence: rampOf(snapshot.rollout)?.gate === undefined ? undefined : options.evidence(snapshot),
      entered,
      running: running(snapshot.current),
      runningSafe: running(snapshot.lastSafe),
      suspended: isSuspended(snapshot.rollout, nowMs),
      advice: options.advice(),
      troubles: ports.troubles.last(snapshot.current.buildId),
    },
  };
}

export const buildName = ({ buildId, versionName }: Pick<Build, 'buildId' | 'versionName'>): string =>
  `${buildId} ${versionName}`;
