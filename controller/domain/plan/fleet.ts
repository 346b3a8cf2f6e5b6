/**
 * The effect of a plan on the enrolled devices: counts only, never an id. Not part of the plan's hash, because the fleet
 * changes by itself.
 */
import { bucketOf, isExposed } from '../cohort.ts';
import { type Decision, type Device, decide, isCanary, type Snapshot } from '../decision.ts';
import { HOUR_MS } from '../duration.ts';
import type { BuildId, DeviceId, Sha256 } from '../ids.ts';
import { isSuspended } from '../ramp/progress.ts';
import { currentOf, pictureOf, type Standing } from '../standing.ts';
import { namedIn } from './dangers.ts';
import type { Plan } from './index.ts';

/** A row of the device store. A device whose version is not known yet counts as fresh. */
export interface FleetDevice {
  readonly deviceId: DeviceId;
  readonly tags: readonly string[];
  readonly versionCode: number | undefined;
  readonly buildId?: BuildId | undefined;
  readonly sdk?: number | undefined;
  readonly signer?: Sha256 | undefined;
  /** Unix ms; undefined: never, or not known. */
  readonly lastSeenMs?: number | undefined;
}

export interface FleetStep {
  readonly percent: number;
  /** `percent` of the fleet, rounded. */
  readonly nominalDevices: number;
  /** Devices whose bucket is below the percent's threshold. */
  readonly actualDevices: number;
  /** Devices that would get a new offer at this exposure, ignoring any suspend. */
  readonly newOffers: number;
  /** Their downloads. */
  readonly bytes: number;
  /** Active devices other than canaries that the percent exposes and that can take `current` or run it. */
  readonly takers: number;
}

export interface FleetPlan {
  readonly devices: number;
  /** Enrolled but never checked in. */
  readonly neverSeen: number;
  readonly canaries: number;
  /** Devices that get an offer as soon as this is applied and do not have the same one now. */
  readonly newOffers: number;
  readonly bytes: number;
  /** Of these, the ones told to go back to an older version. */
  readonly forcedBack: number;
  /** Devices that run a newer version than their target and stay on it. */
  readonly ahead: number;
  /** Devices that cannot update because their installed build is signed with another key. */
  readonly signerMismatch: number;
  /** Devices other than canaries that leave the rollout of the same `current`. */
  readonly leaving: number;
  /** Of these, the ones that run it. */
  readonly leavingWithCurrent: number;
  /** Devices whose Android is too old for `current`, but not for the build it replaces. */
  readonly cutOff: number;
  /** Devices that run `last_safe`. */
  readonly onLastSafe: number;
  /** Canaries that match no enrolled device: the tags, and the number of device ids. */
  readonly strayCanaries: { readonly tags: readonly string[]; readonly devices: number };
  /** At each usual percentage and at the plan's own; empty if nothing is exposed by percentage. */
  readonly steps: readonly FleetStep[];
}

const USUAL_PERCENTS = [1, 5, 10, 25, 50, 100];

const atPercent = ({ state, progress }: Standing, percent: number, nowMs: number): Snapshot => {
  const rollout = { ...state.rollout, exposure: { kind: 'percent', percent } as const, suspend: undefined };
  return pictureOf({ state: { ...state, rollout }, progress }, nowMs);
};

function percentsOf({ head, exposure }: Plan): number[] {
  if (exposure.finalPercent === 0) return [];
  const own = exposure.steps.map(s => s.percent);
  if (head.state.rollout.exposure.kind === 'percent') own.push(head.state.rollout.exposure.percent);
  const today = Math.min(exposure.fromPercent, exposure.toPercent);
  const usual = USUAL_PERCENTS.filter(p => p >= today);
  return [...new Set([...usual, ...own])].filter(p => p > 0).sort((a, b) => a - b);
}

type Tally = { -readonly [K in keyof Omit<FleetPlan, 'steps' | 'strayCanaries'>]: FleetPlan[K] };

interface FleetCounter {
  add(device: FleetDevice): void;
  result(): FleetPlan;
}

/** Default of `OTA_ACTIVE_WINDOW`. */
const ACTIVE_MS = 72 * HOUR_MS;

/** Counts page by page. A device costs at most four decisions and one hash, however many steps there are. */
export function fleetCounter(plan: Plan, activeWithinMs = ACTIVE_MS): FleetCounter {
  const { base, head, atMs } = plan;
  const before = base === undefined ? undefined : pictureOf(base, atMs);
  const after = pictureOf(head, atMs);
  const inside = atPercent(head, 100, atMs);
  const outside = atPercent(head, 0, atMs);
  const steps = percentsOf(plan).map(percent => ({
    percent,
    actualDevices: 0,
    newOffers: 0,
    bytes: 0,
    takers: 0,
  }));
  const tally: Tally = {
    devices: 0,
    neverSeen: 0,
    canaries: 0,
    newOffers: 0,
    bytes: 0,
    forcedBack: 0,
    ahead: 0,
    signerMismatch: 0,
    leaving: 0,
    leavingWithCurrent: 0,
    cutOff: 0,
    onLastSafe: 0,
  };
  const change = changeOf(plan);
  const stray = strayCounter(head);

  function add(row: FleetDevice): void {
    const device: Device = { ...row, versionCode: row.versionCode ?? 0 };
    const was = before === undefined ? undefined : decide(before, device, atMs);
    const is = decide(after, device, atMs);
    tally.devices++;
    if (row.versionCode === undefined) tally.neverSeen++;
    if (isCanary(after, device)) tally.canaries++;
    tally.newOffers += newBytes(was, is) === undefined ? 0 : 1;
    tally.bytes += newBytes(was, is) ?? 0;
    if (is.kind === 'offer' && is.forceDowngrade) tally.forcedBack++;
    if (is.kind === 'hold' && is.reason === 'ahead') tally.ahead++;
    if (is.kind === 'hold' && is.reason === 'signer_mismatch') tally.signerMismatch++;
    if (change.leaves(device)) {
      tally.leaving++;
      if (device.versionCode === after.current.versionCode) tally.leavingWithCurrent++;
    }
    if (change.cutsOff(device)) tally.cutOff++;
    if (device.versionCode === after.lastSafe?.versionCode) tally.onLastSafe++;
    stray.see(device);
    if (steps.length > 0) addSteps(device, was, (row.lastSeenMs ?? 0) >= atMs - activeWithinMs);
  }

  function addSteps(device: Device, was: Decision | undefined, active: boolean): void {
    const bucket = bucketOf(device.deviceId, head.state.rollout.cohortSeed);
    const within = decide(inside, device, atMs);
    const bytesInside = newBytes(was, within);
    const takes = active && !isCanary(after, device) && canTake(within, device, inside);
    const bytesOutside = newBytes(was, decide(outside, device, atMs));
    for (const step of steps) {
      const exposed = isExposed(bucket, step.percent);
      const bytes = exposed ? bytesInside : bytesOutside;
      if (exposed) step.actualDevices++;
      if (exposed && takes) step.takers++;
      if (bytes === undefined) continue;
      step.newOffers++;
      step.bytes += bytes;
    }
  }

  return {
    add,
    result: () => ({
      ...tally,
      strayCanaries: stray.left(),
      steps: steps.map(s => ({ ...s, nominalDevices: Math.round((tally.devices * s.percent) / 100) })),
    }),
  };
}

/** Counts devices that a narrowing or a higher `min_sdk` leaves out. */
function changeOf({ base, head, exposure, atMs }: Plan) {
  const was = base?.state.rollout;
  const is = head.state.rollout;
  const same = was?.current === is.current && !was.rollback && !is.rollback;
  const narrows = same && exposure.toPercent < exposure.fromPercent && !isSuspended(is, atMs);
  const after = pictureOf(head, atMs);
  const minSdk = currentOf(head)?.minSdk ?? 0;
  const stood = base === undefined || same ? undefined : currentOf(base)?.minSdk;
  return {
    leaves: (device: Device): boolean =>
      narrows &&
      !isCanary(after, device) &&
      isExposed(bucketOf(device.deviceId, was?.cohortSeed ?? ''), exposure.fromPercent) &&
      !isExposed(bucketOf(device.deviceId, is.cohortSeed), exposure.toPercent),
    cutsOff: ({ sdk }: Device): boolean =>
      sdk !== undefined && stood !== undefined && sdk >= stood && sdk < minSdk,
  };
}

/** Named canaries that match no enrolled device. */
function strayCounter({ state }: Standing) {
  const named = namedIn(state);
  const tags = new Set(named.tags);
  const devices = new Set(named.devices);
  return {
    see: (device: Device): void => {
      for (const tag of device.tags) tags.delete(tag);
      devices.delete(device.deviceId);
    },
    left: () => ({ tags: [...tags].sort(), devices: devices.size }),
  };
}

/** It is offered `current`, or runs it already. */
const canTake = (decision: Decision, device: Device, { current }: Snapshot): boolean =>
  decision.kind === 'offer'
    ? decision.build.buildId === current.buildId
    : decision.reason === 'up_to_date' && device.versionCode === current.versionCode;

/** Size of the newly offered APK; undefined if there is no offer or the same build was offered before. */
function newBytes(was: Decision | undefined, is: Decision): number | undefined {
  if (is.kind !== 'offer') return undefined;
  if (was?.kind === 'offer' && was.build.buildId === is.build.buildId) return undefined;
  return is.build.sizeBytes;
}

export function countFleet(
  plan: Plan,
  devices: Iterable<FleetDevice>,
  activeWithinMs = ACTIVE_MS,
): FleetPlan {
  const counter = fleetCounter(plan, activeWithinMs);
  for (const device of devices) counter.add(device);
  return counter.result();
}
