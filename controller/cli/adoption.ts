/** How far the fleet has taken what it is offered, and whether waiting for more makes sense. Pure. */
import { adoptionOf } from '../domain/adoption.ts';
import { bucketOf, isExposed } from '../domain/cohort.ts';
import type { DeviceOnWire } from './device-print.ts';
import { isRejected, type RolloutOnWire, shortRevision } from './rollout-wire.ts';

const ACTIVE_WITHIN_MS = 72 * 3_600_000;

export interface Adopted {
  /** Active devices inside the exposure, and those of them that run `current`. */
  readonly exposed: number;
  readonly running: number;
  /** Counted device by device; false: worked out from the percentage, for fleets too large to list. */
  readonly exact: boolean;
}

/**
 * Active devices whose bucket is exposed or that are canaries by name or tag; cohort files count with their buckets.
 * `versionCode` is that of `current`.
 */
export function countAdopted(
  now: RolloutOnWire,
  devices: readonly DeviceOnWire[],
  versionCode: number,
  nowMs: number,
): Adopted {
  const { rollout, exposure } = now;
  const named = new Set(rollout.canary.devices);
  const tags = new Set(rollout.canary.tags);
  const meant = devices.filter(
    device =>
      device.revoked_at === null &&
      device.last_seen_at !== null &&
      nowMs - Date.parse(device.last_seen_at) <= ACTIVE_WITHIN_MS &&
      (named.has(device.device_id) ||
        device.tags.some(t => tags.has(t)) ||
        isExposed(bucketOf(device.device_id, rollout.cohort_seed), exposure.effective_percent)),
  );
  const running = meant.map(d => ({
    versionCode: d.version_code ?? 0,
    buildId: d.build_id ?? undefined,
    devices: 1,
  }));
  const adoption = adoptionOf({ buildId: rollout.current, versionCode }, { active: meant.length, running });
  return { exposed: meant.length, running: adoption.devices, exact: true };
}

export function nominalAdopted(now: RolloutOnWire): Adopted {
  const exposed = Math.round((now.fleet.active * now.exposure.effective_percent) / 100);
  return { exposed, running: Math.min(exposed, now.fleet.running_current), exact: false };
}

export type Progress =
  | { readonly state: 'waiting' | 'reached'; readonly wanted: number; readonly why: string }
  | { readonly state: 'halted'; readonly wanted: number; readonly why: string };

/** `targetPercent`: the share of the exposed devices that must run `current`. */
export function progressOf(
  now: RolloutOnWire,
  adopted: Adopted,
  targetPercent: number,
  nowMs: number,
): Progress {
  const wanted = Math.ceil((adopted.exposed * targetPercent) / 100);
  const halt = haltOf(now, nowMs);
  if (halt !== undefined) return { state: 'halted', wanted, why: halt };
  const { current } = now.rollout;
  if (adopted.exposed === 0) {
    const later = now.exposure.next_change_at;
    if (now.exposure.effective_percent === 0 && later !== null)
      return { state: 'waiting', wanted, why: `exposure is 0 %; it changes at ${later}` };
    if (now.exposure.effective_percent > 0 && now.fleet.enrolled > 0)
      return { state: 'waiting', wanted, why: 'no active device is exposed yet' };
    return { state: 'reached', wanted, why: `nobody is offered ${current}: there is nothing to wait for` };
  }
  const text = `${adopted.running} of ${adopted.exposed} exposed devices run ${current}`;
  return { state: adopted.running >= wanted ? 'reached' : 'waiting', wanted, why: text };
}

function haltOf(now: RolloutOnWire, nowMs: number): string | undefined {
  const { rollout, exposure, reconcile } = now;
  if (rollout.rollback) return `${rollout.current} is rolled back to ${rollout.last_safe ?? 'nothing'}`;
  const { suspend } = rollout;
  if (suspend !== null && Date.parse(suspend.since) <= nowMs && nowMs < Date.parse(suspend.until))
    return `suspended until ${suspend.until}: ${suspend.reason}`;
  if (exposure.declared_percent > 0 && exposure.effective_percent === 0 && suspend === null)
    return `${rollout.current} is withdrawn and offered to nobody`;
  if (isRejected(reconcile)) {
    const first = reconcile.problems.find(p => p.severity === 'error');
    return `revision ${shortRevision(reconcile.attempted_revision)} was refused: ${first?.message ?? first?.code ?? ''}`;
  }
  return undefined;
}
