/** What *Now* is made of, gathered once for all who look in the same second. */
import { adoptionOf } from '../../domain/adoption.ts';
import type { Snapshot } from '../../domain/decision.ts';
import type { Evidence } from '../../domain/gate/evidence.ts';
import { isSuspended, rampOf } from '../../domain/ramp/progress.ts';
import type { Build } from '../../domain/release.ts';
import type { Counted, FleetCounts, RampStepRow, ReconcileStatus } from '../../ports/index.ts';
import type { DashboardOptions } from '../options.ts';

export interface NowFacts {
  readonly nowMs: number;
  readonly status: ReconcileStatus;
  readonly counts: FleetCounts;
  readonly activeWithinMs: number;
  /** Undefined: nothing is in force. */
  readonly inForce: InForce | undefined;
}

export interface InForce {
  readonly snapshot: Snapshot;
  /** Of this snapshot's fleet; undefined while a large fleet is counted for the first time. */
  readonly counted: Counted | undefined;
  /** Undefined without a gate. */
  readonly evidence: Evidence | undefined;
  /** Steps of the standing ramp that were entered, in order. */
  readonly entered: readonly RampStepRow[];
  /** Active devices that run `current`. */
  readonly running: number;
  /** Active devices that run `last_safe`. */
  readonly runningSafe: number;
  readonly suspended: boolean;
}

export async function gatherNow(options: DashboardOptions): Promise<NowFacts> {
  const { ports, activeWithinMs } = options;
  const nowMs = options.nowMs();
  const { snapshot } = ports.picture;
  const counts = await ports.devices.counts(nowMs, activeWithinMs);
  const status = ports.reconciler.status();
  const shared = { nowMs, status, counts, activeWithinMs };
  if (snapshot === undefined) return { ...shared, inForce: undefined };
  const running = (build: Build | undefined): number =>
    build === undefined ? 0 : adoptionOf(build, counts).devices;
  const { progress } = snapshot;
  return {
    ...shared,
    inForce: {
      snapshot,
      counted: await ports.progress.recent(),
      evidence: rampOf(snapshot.rollout)?.gate === undefined ? undefined : options.evidence(snapshot),
      entered: progress === undefined ? [] : await ports.ramps.steps(progress.rampId),
      running: running(snapshot.current),
      runningSafe: running(snapshot.lastSafe),
      suspended: isSuspended(snapshot.rollout, nowMs),
    },
  };
}

export const buildName = ({ buildId, versionName }: Pick<Build, 'buildId' | 'versionName'>): string =>
  `${buildId} ${versionName}`;
