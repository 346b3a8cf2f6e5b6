/**
 * How far the fleet has taken the build it is led to, and when that is done: the one definition behind
 * `GET /v1/rollout`, the pull request's report, `ota status -w` and the metrics. Pure: counts over devices.
 */
import { runsBuild } from './adoption.ts';
import {
  type Device,
  decide,
  type HoldReason,
  isCanary,
  isRolledBack,
  type Snapshot,
  targetFor,
} from './decision.ts';
import { haltIn } from './halt.ts';
import type { BuildId, DeviceId } from './ids.ts';
import { finalPercent, isSuspended, percentAt } from './ramp/progress.ts';
import type { Build } from './release.ts';

/** The build that a rollout leads devices to. */
export interface Subject {
  readonly buildId: BuildId;
  readonly versionName: string;
  readonly versionCode: number;
  /** `rollback`: devices are led to it from a newer build; `none`: this revision changes no offer. */
  readonly kind: 'rollout' | 'rollback' | 'none';
}

/** A withdrawn `current` leads devices to `last_safe` as a rollback does. */
export function subjectOf(picture: Snapshot): Subject & { readonly build: Build } {
  const { current, lastSafe } = picture;
  const back = isRolledBack(picture) || (current.withdrawn !== undefined && lastSafe !== undefined);
  const build = back ? (lastSafe ?? current) : current;
  const { buildId, versionName, versionCode } = build;
  return { buildId, versionName, versionCode, kind: back ? 'rollback' : 'rollout', build };
}

/** The fields of a device that counting needs; `lastSeenMs` is undefined if it never checked in. */
export interface CountedDevice extends Omit<Device, 'versionCode'> {
  readonly versionCode: number | undefined;
  readonly lastSeenMs: number | undefined;
}

/** Counts of enrolled devices that are not revoked. */
export interface FleetProgress {
  readonly enrolled: number;
  /** Checked in within the active window. */
  readonly active: number;
  /** Devices led to the build: by percentage, as a canary, or by a rollback; active or not. */
  readonly exposed: number;
  /** The active ones among them. */
  readonly seen: number;
  /** Seen, and not staying on a newer version: running + waiting + held. */
  readonly offered: number;
  readonly running: number;
  /** Would be offered the build at their next check. */
  readonly waiting: number;
  /** Led to the build, but cannot be offered it. */
  readonly held: readonly { readonly reason: HoldReason; readonly devices: number }[];
  /** On a newer version and not forced to go back. */
  readonly staying: number;
  /** The canaries among the above; all 0 in a rollback. */
  readonly canaries: { readonly exposed: number; readonly offered: number; readonly running: number };
  /** The first devices in counting order, at most {@link MAX_NAMED} of each. */
  readonly named: { readonly waiting: readonly DeviceId[]; readonly unseen: readonly DeviceId[] };
}

export const MAX_NAMED = 20;

export const NO_PROGRESS: FleetProgress = {
  enrolled: 0,
  active: 0,
  exposed: 0,
  seen: 0,
  offered: 0,
  running: 0,
  waiting: 0,
  held: [],
  staying: 0,
  canaries: { exposed: 0, offered: 0, running: 0 },
  named: { waiting: [], unseen: [] },
};

type Place = 'elsewhere' | 'running' | 'waiting' | 'staying' | { readonly held: HoldReason };

function placeOf(snapshot: Snapshot, subject: Build, device: Device, nowMs: number): Place {
  const target = targetFor(snapshot, device, nowMs);
  if (target.kind === 'hold' || target.build.buildId !== subject.buildId) return 'elsewhere';
  if (runsBuild(subject, device)) return 'running';
  const decision = decide(snapshot, device, nowMs);
  if (decision.kind === 'offer') return 'waiting';
  const newer = device.versionCode > subject.versionCode;
  return newer ? 'staying' : { held: decision.reason };
}

interface ProgressCounter {
  add(device: CountedDevice): void;
  result(): FleetProgress;
}

/** The exposure now, as if offers were not suspended: a suspend freezes a ramp but does not narrow it. */
function unsuspended(picture: Snapshot): Snapshot {
  const percent = percentAt(picture.rollout, picture.progress);
  const exposure = { kind: 'percent', percent } as const;
  return { ...picture, rollout: { ...picture.rollout, suspend: undefined, exposure } };
}

/** Counts devices one by one, so the fleet is never in memory. */
export function progressCounter(picture: Snapshot, nowMs: number, activeWithinMs: number): ProgressCounter {
  const snapshot = unsuspended(picture);
  const { build, kind } = subjectOf(snapshot);
  const counts = { enrolled: 0, active: 0, exposed: 0, seen: 0, running: 0, waiting: 0, staying: 0 };
  const canaries = { exposed: 0, offered: 0, running: 0 };
  const held = new Map<HoldReason, number>();
  const named = { waiting: [] as DeviceId[], unseen: [] as DeviceId[] };
  const name = (list: DeviceId[], id: DeviceId): void => {
    if (list.length < MAX_NAMED) list.push(id);
  };

  function addSeen(place: Exclude<Place, 'elsewhere'>, deviceId: DeviceId, canary: boolean): void {
    counts.seen += 1;
    if (typeof place === 'object') held.set(place.held, (held.get(place.held) ?? 0) + 1);
    else counts[place] += 1;
    if (place === 'waiting') name(named.waiting, deviceId);
    if (!canary || place === 'staying') return;
    canaries.offered += 1;
    if (place === 'running') canaries.running += 1;
  }

  return {
    add: device => {
      const active = device.lastSeenMs !== undefined && device.lastSeenMs >= nowMs - activeWithinMs;
      counts.enrolled += 1;
      if (active) counts.active += 1;
      const asked: Device = { ...device, versionCode: device.versionCode ?? 0 };
      const place = placeOf(snapshot, build, asked, nowMs);
      if (place === 'elsewhere') return;
      const canary = kind === 'rollout' && isCanary(snapshot, device);
      counts.exposed += 1;
      if (canary) canaries.exposed += 1;
      if (active) addSeen(place, device.deviceId, canary);
      else name(named.unseen, device.deviceId);
    },
    result: () => ({
      ...counts,
      offered: counts.seen - counts.staying,
      held: [...held]
        .map(([reason, devices]) => ({ reason, devices }))
        .sort((a, b) => (a.reason < b.reason ? -1 : 1)),
      canaries: { ...canaries },
      named: { waiting: [...named.waiting], unseen: [...named.unseen] },
    }),
  };
}

/** True if the exposure has reached its declared end; a ramp must be on its last step. */
export const hasArrived = (picture: Snapshot): boolean =>
  subjectOf(picture).kind === 'rollback' ||
  percentAt(picture.rollout, picture.progress) === finalPercent(picture.rollout);

/** Percents of devices that a rollout must reach to be done. */
export interface Goal {
  /** Share of the offered devices that must run the build. All canaries must run it. */
  readonly targetPercent: number;
  /** Share of the exposed devices that must have been seen within the active window. */
  readonly minSeenPercent: number;
}

/** Less than 100 %, because devices come and go and one in a drawer must not block for ever. */
export const GOAL: Goal = { targetPercent: 99, minSeenPercent: 50 };

/** Why a rollout is not done yet. */
export type Wait =
  /** No enrolled device is led to the build. */
  | { readonly for: 'exposed' }
  | { readonly for: 'seen'; readonly have: number; readonly need: number }
  | { readonly for: 'canaries'; readonly have: number; readonly need: number }
  | { readonly for: 'running'; readonly have: number; readonly need: number }
  /** A later step is not open yet; it waits for time or for a person. */
  | { readonly for: 'step' };

const shareOf = (percent: number, of: number): number => Math.ceil((percent * of) / 100 - 1e-9);

/**
 * Empty when the rollout is done: at least 99 % of the active offered devices and every active canary run the build,
 * at least half of the exposed devices have been seen, and exposure has arrived where it was declared to end.
 */
export function waitsOf(
  kind: Subject['kind'],
  progress: Pick<FleetProgress, 'exposed' | 'seen' | 'offered' | 'running' | 'canaries'>,
  arrived: boolean,
  goal: Goal = GOAL,
): Wait[] {
  const { exposed, seen, offered, running, canaries } = progress;
  const waits: Wait[] = [];
  const need = (what: 'seen' | 'canaries' | 'running', have: number, least: number): void => {
    if (have < least) waits.push({ for: what, have, need: least });
  };
  if (exposed === 0 && kind !== 'rollback') waits.push({ for: 'exposed' });
  // A seen device that stays on a newer version has nothing to install. At least one device must have been seen.
  need('seen', seen, Math.min(exposed, Math.max(1, shareOf(goal.minSeenPercent, exposed))));
  need('canaries', canaries.running, canaries.offered);
  need('running', running, shareOf(goal.targetPercent, offered));
  if (!arrived) waits.push({ for: 'step' });
  return waits;
}

/** Done, and neither suspended nor halted. */
export const isComplete = (picture: Snapshot, progress: FleetProgress, nowMs: number): boolean =>
  !isSuspended(picture.rollout, nowMs) &&
  haltIn(picture.halts)?.mode !== 'halt' &&
  waitsOf(subjectOf(picture).kind, progress, hasArrived(picture)).length === 0;
