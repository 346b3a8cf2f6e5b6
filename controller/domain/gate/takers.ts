/**
 * Turns devices into evidence: who took the build and how it went, by the arms of GATES §2. Each device is passed once
 * and only counts are kept, so the fleet is never in memory.
 */
import { bucketOf, isExposed } from '../cohort.ts';
import { decide, isCanary, type Snapshot } from '../decision.ts';
import type { DeviceId } from '../ids.ts';
import { type Outcome, type ResultReason, VERIFY_FAILURES } from '../outcome.ts';
import type { CountedDevice } from '../progress.ts';
import { percentAt, rampOf } from '../ramp/progress.ts';
import { BUILD_FAILURES, type Evidence, NO_EVIDENCE, type StepTakers } from './evidence.ts';
import { LEAST_CONTROL } from './proof.ts';

/** What is known about one device and the build, whatever it runs now. */
export interface Taker {
  readonly deviceId: DeviceId;
  /** Undefined: it was sent only a part, and there is no final outcome. */
  readonly takenAtMs: number | undefined;
  /** The reason of its newest final outcome, if that was a failure. */
  readonly final: ResultReason | undefined;
  readonly newest: { readonly outcome: Outcome; readonly reason: ResultReason } | undefined;
}

/** Erased devices; they stay in the counts of all exposed devices. */
export interface ErasedTakers {
  /** `ran`, the reason of their newest final failure, or `taken`. */
  readonly evidenceClass: string;
  readonly devices: number;
}

export interface Watched {
  readonly erased?: readonly ErasedTakers[];
  readonly nowMs: number;
  /** Start of this controller's current uptime, Unix ms. Silence is never counted from before it. */
  readonly upSinceMs: number;
  readonly pollMs: number;
  readonly silenceAfterMs: number;
}

type Counts = { -readonly [K in keyof StepTakers]: number };
type Class = 'ok' | 'fail' | 'verifyFail' | 'pending';

const none = (): Counts => ({ taken: 0, ok: 0, fail: 0, verifyFail: 0, followed: 0, open: 0, deferred: 0 });

interface EvidenceCounter {
  add(device: CountedDevice): void;
  /** Without the flags that depend on the moment of the look. */
  result(): Evidence;
}

export function evidenceCounter(
  snapshot: Snapshot,
  takers: ReadonlyMap<DeviceId, Taker>,
  watched: Watched,
): EvidenceCounter {
  const { nowMs, pollMs, silenceAfterMs, upSinceMs } = watched;
  const ramp = rampOf(snapshot.rollout);
  const step = snapshot.progress?.step ?? -1;
  const percent = percentAt(snapshot.rollout, snapshot.progress);
  const before = ramp?.steps[step - 1]?.percent ?? 0;
  const quietSinceMs = nowMs - silenceAfterMs;
  const begunMs = Math.min(snapshot.progress?.beginsAtMs ?? nowMs, nowMs);
  /** When the build was first offered: at the start of this ramp, or earlier if devices of an earlier ramp took it. */
  let offeredMs = begunMs;
  const [inStep, cohort] = [none(), none()];
  const canary = { taken: 0, fail: 0, verifyFail: 0 };
  const control = { devices: 0, silent: 0, recent: 0 };
  /** Last-seen times of devices that belong to the control only if the first offer came before this ramp. */
  const quietBefore: number[] = [];
  const neutral: Partial<Record<ResultReason, number>> = {};
  let [takenLongAgo, silent] = [0, 0];

  const isSilent = (lastSeenMs = 0): boolean => Math.max(lastSeenMs, upSinceMs) <= quietSinceMs;

  function classOf(device: CountedDevice, taker: Taker): Class {
    if (device.versionCode === snapshot.current.versionCode) return 'ok';
    if (taker.final === undefined) return 'pending';
    if (VERIFY_FAILURES.has(taker.final)) return 'verifyFail';
    return BUILD_FAILURES.has(taker.final) ? 'fail' : 'pending';
  }

  function addTaken(device: CountedDevice, taker: Taker, takenAtMs: number, newly: boolean): void {
    offeredMs = Math.min(offeredMs, takenAtMs);
    const found = classOf(device, taker);
    const followed = (device.lastSeenMs ?? 0) >= takenAtMs + 2 * pollMs;
    for (const counts of newly ? [inStep, cohort] : [cohort]) {
      counts.taken += 1;
      if (found !== 'pending') counts[found] += 1;
      if (followed) counts.followed += 1;
    }
    if (takenAtMs > quietSinceMs || upSinceMs > quietSinceMs) return;
    takenLongAgo += 1;
    if (isSilent(device.lastSeenMs)) silent += 1;
  }

  function addOpen(device: CountedDevice, taker: Taker | undefined, newly: boolean): void {
    if ((device.lastSeenMs ?? 0) <= quietSinceMs) return;
    const decision = decide(snapshot, { ...device, versionCode: device.versionCode ?? 0 }, nowMs);
    if (decision.kind !== 'offer' || decision.build !== snapshot.current) return;
    const kind = taker?.newest?.outcome === 'deferred' ? 'deferred' : 'open';
    for (const counts of newly ? [inStep, cohort] : [cohort]) counts[kind] += 1;
  }

  function addCanary(device: CountedDevice, taker: Taker | undefined): void {
    if (taker?.takenAtMs === undefined) return;
    const found = classOf(device, taker);
    canary.taken += 1;
    if (found === 'fail' || found === 'verifyFail') canary[found] += 1;
  }

  function addControl(device: CountedDevice): void {
    const seenMs = device.lastSeenMs ?? 0;
    if (device.versionCode !== snapshot.lastSafe?.versionCode) return;
    if (seenMs < begunMs - silenceAfterMs) quietBefore.push(seenMs);
    else {
      control.devices += 1;
      if (isSilent(seenMs)) control.silent += 1;
      if (Math.max(seenMs, upSinceMs) > nowMs - 1.1 * pollMs) control.recent += 1;
    }
  }

  /** Devices that were alive when the first device took the build and went quiet before this ramp. */
  function quietControl(): { devices: number; silent: number } {
    const alive = quietBefore.filter(seenMs => seenMs >= offeredMs - silenceAfterMs);
    return { devices: alive.length, silent: alive.filter(seenMs => isSilent(seenMs)).length };
  }

  return {
    add: device => {
      const taker = takers.get(device.deviceId);
      const { newest } = taker ?? {};
      if (newest !== undefined && isNeutral(newest))
        neutral[newest.reason] = (neutral[newest.reason] ?? 0) + 1;
      if (isCanary(snapshot, device)) return addCanary(device, taker);
      const bucket = bucketOf(device.deviceId, snapshot.rollout.cohortSeed);
      const newly = !isExposed(bucket, before);
      if (taker?.takenAtMs !== undefined) return addTaken(device, taker, taker.takenAtMs, newly);
      if (isExposed(bucket, percent)) addOpen(device, taker, newly);
      else addControl(device);
    },
    result: () => {
      const quiet = quietControl();
      const devices = control.devices + quiet.devices;
      return {
        ...NO_EVIDENCE,
        cohort: { ...withErased(cohort, watched.erased ?? []), takenLongAgo, silent },
        step: inStep,
        canary,
        control: { devices, silent: control.silent + quiet.silent },
        neutral,
        starved: devices >= LEAST_CONTROL && control.recent * 2 < devices,
        ownApkWrong:
          cohort.verifyFail + canary.verifyFail > 0 && snapshot.missingArtifacts.has(snapshot.current.sha256),
      };
    },
  };
}

function withErased(cohort: Readonly<Counts>, erased: readonly ErasedTakers[]): Counts {
  const sum = { ...cohort };
  const failures: ReadonlySet<string> = BUILD_FAILURES;
  const wrong: ReadonlySet<string> = VERIFY_FAILURES;
  for (const { evidenceClass, devices } of erased) {
    sum.taken += devices;
    if (evidenceClass === 'ran') sum.ok += devices;
    else if (failures.has(evidenceClass)) sum.fail += devices;
    else if (wrong.has(evidenceClass)) sum.verifyFail += devices;
  }
  return sum;
}

const isNeutral = ({ outcome, reason }: NonNullable<Taker['newest']>): boolean =>
  outcome === 'deferred' ||
  outcome === 'skipped' ||
  (outcome === 'fail' && !BUILD_FAILURES.has(reason) && !VERIFY_FAILURES.has(reason));
