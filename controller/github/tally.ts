/** Counts the enrolled fleet against a picture, device by device with the decision that answers their checks. */
import { decide, type Snapshot, targetFor } from '../domain/decision.ts';
import type { Build } from '../domain/release.ts';
import type { DeviceStore, ScannedDevice } from '../ports/index.ts';
import { fleetOf } from './fleet.ts';
import type { Subject, Tally } from './progress.ts';

export const NO_TALLY: Tally = {
  enrolled: 0,
  active: 0,
  offered: 0,
  installed: 0,
  waiting: 0,
  blocked: [],
  staying: 0,
};

/** The build that a picture leads devices to, and which way; a withdrawn `current` leads them back too. */
export function subjectOf({ rollout, current, lastSafe }: Snapshot): Subject & { build: Build } {
  const back = rollout.rollback || (current.withdrawn !== undefined && lastSafe !== undefined);
  const build = back ? (lastSafe ?? current) : current;
  const { buildId, versionName, versionCode } = build;
  return { buildId, versionName, versionCode, kind: back ? 'rollback' : 'rollout', build };
}

type Place = 'elsewhere' | 'installed' | 'waiting' | 'staying' | { readonly blocked: string };

function placeOf(snapshot: Snapshot, subject: Build, device: ScannedDevice, nowMs: number): Place {
  const versionCode = device.versionCode ?? 0;
  const asked = { ...device, versionCode };
  const target = targetFor(snapshot, asked, nowMs);
  if (target.kind === 'hold' || target.build.buildId !== subject.buildId) return 'elsewhere';
  const runs = versionCode === subject.versionCode && (device.buildId ?? subject.buildId) === subject.buildId;
  if (runs) return 'installed';
  const decision = decide(snapshot, asked, nowMs);
  if (decision.kind === 'offer') return 'waiting';
  return decision.reason === 'ahead' ? 'staying' : { blocked: decision.reason };
}

/**
 * Who is meant to run the subject, and who does. A suspend is looked through: it pauses offers, the figures stay.
 * Reads the fleet in pages and lets other work run between them.
 */
export async function tallyFleet(
  devices: Pick<DeviceStore, 'scan'>,
  picture: Snapshot,
  nowMs: number,
  activeWithinMs: number,
): Promise<Tally> {
  const snapshot: Snapshot = { ...picture, rollout: { ...picture.rollout, suspend: undefined } };
  const { build } = subjectOf(snapshot);
  const blocked = new Map<string, number>();
  const counts = { enrolled: 0, active: 0, installed: 0, waiting: 0, staying: 0 };
  for await (const device of fleetOf(devices)) {
    counts.enrolled += 1;
    if (device.lastSeenMs === undefined || device.lastSeenMs < nowMs - activeWithinMs) continue;
    counts.active += 1;
    const place = placeOf(snapshot, build, device, nowMs);
    if (typeof place === 'object') blocked.set(place.blocked, (blocked.get(place.blocked) ?? 0) + 1);
    else if (place !== 'elsewhere') counts[place] += 1;
  }
  const held = [...blocked]
    .map(([reason, n]) => ({ reason, devices: n }))
    .sort((a, b) => (a.reason < b.reason ? -1 : 1));
  const offered = counts.installed + counts.waiting + held.reduce((sum, b) => sum + b.devices, 0);
  return { ...counts, offered, blocked: held };
}
