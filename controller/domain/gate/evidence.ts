/**
 * Evidence about a build: counts of distinct devices, never of reports. Each device counts under its newest state only,
 * so repeated reports of one device do not count twice.
 *
 * A device *took* the build when it was sent its last byte (or, after a redirect, asked for the confirmation), or has a
 * final `ok` or `fail` for it. A device that was never offered the build is not evidence.
 */
import type { ResultReason } from '../outcome.ts';

/** Devices without canaries. `taken` = `ok` + `fail` + `verifyFail` + those whose outcome is still open. */
export interface Takers {
  readonly taken: number;
  /** A check after the attempt said that the build runs. */
  readonly ok: number;
  /** The newest final outcome is a failure of the build itself ({@link BUILD_FAILURES}). */
  readonly fail: number;
  /** The newest final outcome says that the bytes or the signer were wrong. */
  readonly verifyFail: number;
  /** Checked in two poll intervals or more after taking the build: proof of life. */
  readonly followed: number;
}

/** The devices that a step newly exposed. */
export interface StepTakers extends Takers {
  /** Seen within `silenceAfterMs`, offered the build, not taken yet; the newest report is not `deferred`. */
  readonly open: number;
  /** As `open`, but the newest report is `deferred`. */
  readonly deferred: number;
}

/** All exposed devices, of this step and of all before it. */
export interface CohortTakers extends StepTakers {
  /** Took the build at least `silenceAfterMs` ago, in time that the controller was up. */
  readonly takenLongAgo: number;
  /** Of `takenLongAgo`: not seen for `silenceAfterMs`. */
  readonly silent: number;
}

interface CanaryTakers {
  readonly taken: number;
  readonly fail: number;
  readonly verifyFail: number;
}

/**
 * The control arm: enrolled devices outside the cohort that are not canaries, run `last_safe`, and were alive when the
 * cohort was first offered the build (last seen at most `silenceAfterMs` before that). Both arms cover the same period,
 * so devices that vanish day by day affect both alike. One last-seen time per device is enough.
 */
export interface Control {
  readonly devices: number;
  /** Not seen for `silenceAfterMs`. */
  readonly silent: number;
}

export interface Evidence {
  readonly cohort: CohortTakers;
  readonly step: StepTakers;
  readonly canary: CanaryTakers;
  readonly control: Control;
  /** Devices with a neutral newest report, by reason. They explain missing data and do not count as evidence. */
  readonly neutral: Readonly<Partial<Record<ResultReason, number>>>;
  /** After a verify failure the controller checked its own APK again and found wrong bytes. */
  readonly ownApkWrong: boolean;
  /** The store could not be read in time, or a count that can only grow fell. */
  readonly dataFault: boolean;
  /** The wall clock jumped or is held. */
  readonly clockHeld: boolean;
  /** A freeze window of the policy is open. */
  readonly frozen: boolean;
  /** The control checked in less than half as often as its poll interval requires. */
  readonly starved: boolean;
  readonly suspended: boolean;
}

/** Reasons of a `fail` that count against the build. */
export const BUILD_FAILURES: ReadonlySet<ResultReason> = new Set<ResultReason>([
  'install_failed',
  'install_rejected',
  'incompatible_sdk',
  'internal',
  'timeout',
  'downgrade_refused',
]);

const NO_STEP: StepTakers = { taken: 0, ok: 0, fail: 0, verifyFail: 0, followed: 0, open: 0, deferred: 0 };

/** Nothing is known yet, and nothing blocks. */
export const NO_EVIDENCE: Evidence = {
  cohort: { ...NO_STEP, takenLongAgo: 0, silent: 0 },
  step: NO_STEP,
  canary: { taken: 0, fail: 0, verifyFail: 0 },
  control: { devices: 0, silent: 0 },
  neutral: {},
  ownApkWrong: false,
  dataFault: false,
  clockHeld: false,
  frozen: false,
  starved: false,
  suspended: false,
};

export const judgedOf = (takers: Takers): number => takers.ok + takers.fail;

/** Devices that a step can learn from: those that took the build and those that can take it now. */
export const canTake = (takers: StepTakers): number => takers.taken + takers.open;
