/**
 * What one device gets: SPEC §4, step by step. Pure; shared by controller, CLI and agent and bound by
 * `schemas/vectors/decision.json`.
 */
import { bucketOf, isExposed } from './cohort.ts';
import { type Halt, haltIn } from './halt.ts';
import type { BuildId, DeviceId, Revision, Sha256 } from './ids.ts';
import { isSuspended, percentAt, type RampProgress, rampOf } from './ramp/progress.ts';
import { allSigners, type Build, type DesiredState, type Rollout, signerFor } from './release.ts';

/** The immutable picture that every check is answered from; swapped whole, never edited. */
export interface Snapshot {
  readonly revision: Revision;
  readonly appliedAtMs: number;
  readonly state: DesiredState;
  readonly rollout: Rollout;
  /** Undefined without a ramp. */
  readonly progress: RampProgress | undefined;
  /** When the leader last looked at the ramp, Unix ms; undefined if nothing judges it. */
  readonly progressReadAtMs?: number | undefined;
  readonly current: Build;
  readonly lastSafe: Build | undefined;
  readonly canaryDevices: ReadonlySet<DeviceId>;
  readonly canaryTags: ReadonlySet<string>;
  readonly buildsByCode: ReadonlyMap<number, Build>;
  /** What stops `current` without a commit. */
  readonly halts: readonly Halt[];
  /** Builds whose APK was lost after admission, by sha256. */
  readonly missingArtifacts: ReadonlySet<Sha256>;
  /** The database has been unreachable for too long: another controller may have stopped this rollout meanwhile. */
  readonly isStale?: boolean | undefined;
}

/** What the decision may know of a device. A version code of 0 means that no agent is installed yet. */
export interface Device {
  readonly deviceId: DeviceId;
  readonly tags: readonly string[];
  readonly versionCode: number;
  readonly buildId?: BuildId | undefined;
  readonly sdk?: number | undefined;
  readonly signer?: Sha256 | undefined;
}

export type EligibleBy = 'canary' | 'rollout' | 'baseline' | 'rollback';

export const HOLD_REASONS = [
  'suspended',
  'outside_cohort',
  'withdrawn',
  'incompatible_sdk',
  'up_to_date',
  'signer_mismatch',
  'ahead',
  'artifact_missing',
  'progress_unread',
] as const;
export type HoldReason = (typeof HOLD_REASONS)[number];

export interface Offer {
  readonly kind: 'offer';
  readonly build: Build;
  readonly eligibleBy: EligibleBy;
  readonly forceDowngrade: boolean;
  /** The exposure for `eligibleBy: rollout`, else 100: what an agent checks its own bucket against. */
  readonly stagedRolloutPercent: number;
  /** The signer this device's SDK will see. */
  readonly signerFingerprint: Sha256;
  readonly mustInstall: boolean;
}

export interface Hold {
  readonly kind: 'hold';
  readonly reason: HoldReason;
}

export type Decision = Offer | Hold;

/** Steps 1–2 alone: the build this device should run, whatever it runs now. Also authorises downloads. */
export type Target =
  | { readonly kind: 'target'; readonly build: Build; readonly eligibleBy: EligibleBy }
  | Hold;

/** Prepares the snapshot. Throws if a named build is not declared; parsing has already ruled that out. */
export function makeSnapshot(
  state: DesiredState,
  at: {
    revision: Revision;
    appliedAtMs: number;
    progress: RampProgress | undefined;
    halts?: readonly Halt[] | undefined;
    missingArtifacts?: ReadonlySet<Sha256>;
    progressReadAtMs?: number | undefined;
  },
): Snapshot {
  const { rollout } = state;
  const current = state.builds.get(rollout.current);
  if (current === undefined) throw new Error(`assertion: current ${rollout.current} is not a declared build`);
  const cohorts = rollout.canary.cohorts.map(name => state.cohorts.get(name));
  return {
    revision: at.revision,
    appliedAtMs: at.appliedAtMs,
    state,
    rollout,
    progress: at.progress,
    progressReadAtMs: at.progressReadAtMs,
    halts: at.halts ?? [],
    current,
    lastSafe: rollout.lastSafe === undefined ? undefined : state.builds.get(rollout.lastSafe),
    canaryDevices: new Set([...rollout.canary.devices, ...cohorts.flatMap(c => c?.devices ?? [])]),
    canaryTags: new Set([...rollout.canary.tags, ...cohorts.flatMap(c => c?.tags ?? [])]),
    buildsByCode: new Map([...state.builds.values()].map(b => [b.versionCode, b])),
    missingArtifacts: at.missingArtifacts ?? new Set(),
  };
}

const hold = (reason: HoldReason): Hold => ({ kind: 'hold', reason });

function unusable(build: Build, sdk: number | undefined): 'withdrawn' | 'incompatible_sdk' | undefined {
  if (build.withdrawn !== undefined) return 'withdrawn';
  return sdk !== undefined && sdk < build.minSdk ? 'incompatible_sdk' : undefined;
}

export const isCanary = (snapshot: Snapshot, device: Pick<Device, 'deviceId' | 'tags'>): boolean =>
  snapshot.canaryDevices.has(device.deviceId) ||
  (snapshot.canaryTags.size > 0 && device.tags.some(tag => snapshot.canaryTags.has(tag)));

/** Why this device may be offered `current`; undefined when it may not. A canary is counted as one even inside the cohort. */
function exposedBy(snapshot: Snapshot, device: Device, percent: number): 'canary' | 'rollout' | undefined {
  if (snapshot.halts.length > 0) return undefined;
  if (isCanary(snapshot, device)) return 'canary';
  if (percent <= 0) return undefined;
  if (percent >= 100) return 'rollout';
  return isExposed(bucketOf(device.deviceId, snapshot.rollout.cohortSeed), percent) ? 'rollout' : undefined;
}

/** True if the last look is too old: the gate may have halted since, so nothing that depends on it is offered. */
const UNREAD_MS = 60_000;

export const isProgressUnread = ({ rollout, progressReadAtMs }: Snapshot, nowMs: number): boolean =>
  progressReadAtMs !== undefined &&
  nowMs - progressReadAtMs > UNREAD_MS &&
  rampOf(rollout)?.gate !== undefined;

interface Exposed {
  readonly by: 'canary' | 'rollout' | undefined;
  /** Why a device that is not exposed is not. */
  readonly whyNot: 'outside_cohort' | 'progress_unread';
}

function exposedNow(snapshot: Snapshot, device: Device, percent: number, nowMs: number): Exposed {
  const by = exposedBy(snapshot, device, percent);
  const isUnread = by !== undefined && isProgressUnread(snapshot, nowMs);
  return isUnread ? { by: undefined, whyNot: 'progress_unread' } : { by, whyNot: 'outside_cohort' };
}

function targetOf(snapshot: Snapshot, device: Device, { by: exposed, whyNot }: Exposed): Target {
  const { current, lastSafe } = snapshot;
  if (isRolledBack(snapshot)) {
    if (lastSafe === undefined) return hold('withdrawn');
    const why = unusable(lastSafe, device.sdk);
    return why === undefined ? { kind: 'target', build: lastSafe, eligibleBy: 'rollback' } : hold(why);
  }
  const whyNotCurrent = exposed === undefined ? whyNot : unusable(current, device.sdk);
  if (exposed !== undefined && whyNotCurrent === undefined)
    return { kind: 'target', build: current, eligibleBy: exposed };
  if (lastSafe !== undefined && unusable(lastSafe, device.sdk) === undefined)
    return { kind: 'target', build: lastSafe, eligibleBy: 'baseline' };
  return hold(whyNotCurrent ?? whyNot);
}

/** By Git, or by a halt in mode `rollback`; without a usable `last_safe` that halt only stops `current`. */
export const isRolledBack = ({ rollout, halts, lastSafe }: Snapshot): boolean =>
  rollout.rollback ||
  (haltIn(halts)?.mode === 'rollback' && lastSafe !== undefined && lastSafe.withdrawn === undefined);

/** True if no device gets an offer: Git says `suspend`, or the snapshot may be out of date. */
const isFrozen = ({ rollout, isStale }: Snapshot, nowMs: number): boolean =>
  isStale === true || isSuspended(rollout, nowMs);

/** SPEC §4 steps 1–2. */
export function targetFor(snapshot: Snapshot, device: Device, nowMs: number): Target {
  if (isFrozen(snapshot, nowMs)) return hold('suspended');
  const percent = percentAt(snapshot.rollout, snapshot.progress);
  return targetOf(snapshot, device, exposedNow(snapshot, device, percent, nowMs));
}

/** SPEC §4, the whole of it. */
export function decide(snapshot: Snapshot, device: Device, nowMs: number): Decision {
  const { rollout, current, lastSafe } = snapshot;
  if (isFrozen(snapshot, nowMs)) return hold('suspended');
  const percent = percentAt(rollout, snapshot.progress);
  const exposed = exposedNow(snapshot, device, percent, nowMs);
  const target = targetOf(snapshot, device, exposed);
  if (target.kind === 'hold') return target;

  const installed = device.versionCode;
  const { build, eligibleBy } = target;
  const back = isRolledBack(snapshot);
  if (installed === build.versionCode || (installed === current.versionCode && !back)) {
    const waits =
      !back &&
      exposed.by === undefined &&
      installed === lastSafe?.versionCode &&
      current.versionCode > lastSafe.versionCode;
    return hold(waits ? exposed.whyNot : 'up_to_date');
  }
  const forced = build.versionCode < installed;
  if (forced) {
    if (!rollout.forceDowngrade || !sameSignerForDowngrade(snapshot, device, build)) return hold('ahead');
  } else if (!signerContinues(build, device)) {
    return hold('signer_mismatch');
  }
  if (snapshot.missingArtifacts.has(build.sha256)) return hold('artifact_missing');
  return {
    kind: 'offer',
    build,
    eligibleBy,
    forceDowngrade: forced,
    stagedRolloutPercent: eligibleBy === 'rollout' ? percent : 100,
    signerFingerprint: signerFor(build, device.sdk),
    mustInstall: rollout.mustInstall && (forced || eligibleBy === 'canary' || eligibleBy === 'rollout'),
  };
}

/** An update is possible when the installed signer is unknown, the target's own, or proven by its lineage. */
function signerContinues(target: Build, device: Device): boolean {
  if (device.signer === undefined) return true;
  const accepted = device.sdk === undefined ? allSigners(target) : [signerFor(target, device.sdk)];
  return accepted.includes(device.signer) || target.signerLineage.includes(device.signer);
}

/** A downgrade needs the device to run a declared build and, as far as is known, the same signer. */
function sameSignerForDowngrade(snapshot: Snapshot, device: Device, target: Build): boolean {
  const installed = snapshot.buildsByCode.get(device.versionCode);
  if (installed === undefined) return false;
  const wanted = signerFor(target, device.sdk);
  return (
    signerFor(installed, device.sdk) === wanted && (device.signer === undefined || device.signer === wanted)
  );
}

/** The share of buckets, in percent, that are really offered `current`: 0 under rollback, suspension or withdrawal. */
export function effectivePercent(snapshot: Snapshot, nowMs: number): number {
  const { rollout, current } = snapshot;
  if (rollout.rollback || current.withdrawn !== undefined || isFrozen(snapshot, nowMs)) return 0;
  if (snapshot.halts.length > 0 || isProgressUnread(snapshot, nowMs)) return 0;
  return percentAt(rollout, snapshot.progress);
}
