/**
 * The desired state in memory (SPEC §2): what `releases/` says at one revision, parsed and normalised.
 * Times are Unix milliseconds, durations milliseconds, percents 0–100 with at most two decimals.
 */
import type { Gate } from './gate/gate.ts';
import type { BuildId, DeviceId, Sha256 } from './ids.ts';

export interface Build {
  readonly buildId: BuildId;
  readonly package: string;
  readonly versionCode: number;
  readonly versionName: string;
  readonly minSdk: number;
  readonly sizeBytes: number;
  readonly sha256: Sha256;
  /** SHA-256 of the signing certificate's DER, for every SDK not covered by `signers`. */
  readonly signerFingerprint: Sha256;
  /** Only for APKs whose signer differs by SDK (v3.1); ascending by `minSdk`. */
  readonly signers: readonly SignerFrom[];
  /** Earlier keys proven by the APK's own proof of rotation, oldest first. */
  readonly signerLineage: readonly Sha256[];
  readonly notes: string | undefined;
  readonly withdrawn: Withdrawal | undefined;
}

export interface SignerFrom {
  readonly minSdk: number;
  readonly fingerprint: Sha256;
}

interface Withdrawal {
  readonly reason: string;
  readonly atMs: number;
}

export interface Rollout {
  readonly current: BuildId;
  readonly lastSafe: BuildId | undefined;
  readonly exposure:
    | { readonly kind: 'percent'; readonly percent: number }
    | { readonly kind: 'ramp'; readonly ramp: Ramp };
  readonly cohortSeed: string;
  readonly canary: Canary;
  readonly rollback: boolean;
  readonly forceDowngrade: boolean;
  readonly mustInstall: boolean;
  readonly deadlineMs: number | undefined;
  readonly wifiOnly: boolean;
  readonly minBatteryPercent: number;
  readonly suspend: Suspend | undefined;
  readonly reason: string | undefined;
}

export interface Ramp {
  /** "Not before": the ramp begins at the later of this and the moment at which it is first applied. */
  readonly startMs: number | undefined;
  readonly steps: readonly RampStep[];
  /** Steps that need an approval may be entered up to this percent. */
  readonly approvedPercent?: number | undefined;
  /** Absent: the steps open by time alone. */
  readonly gate?: Gate | undefined;
}

export interface RampStep {
  readonly percent: number;
  /** How long the step lasts; undefined on the last one, which lasts for good. */
  readonly holdMs: number | undefined;
  /** The step is entered only once `approvedPercent` reaches its percent. */
  readonly approval?: true | undefined;
}

export interface Canary {
  readonly tags: readonly string[];
  readonly devices: readonly DeviceId[];
  readonly cohorts: readonly string[];
}

/** Freezes all offers while `sinceMs <= now < untilMs`. */
export interface Suspend {
  readonly reason: string;
  readonly sinceMs: number;
  readonly untilMs: number;
}

export interface Cohort {
  readonly name: string;
  readonly tags: readonly string[];
  readonly devices: readonly DeviceId[];
}

/** Guardrails a merge must respect; always read at the base revision. */
export interface Policy {
  readonly allowedPercents: readonly number[] | undefined;
  readonly maxJumpPercent: number | undefined;
  readonly pinnedSigners: readonly Sha256[] | undefined;
  readonly freezeWindows: readonly FreezeWindow[];
  readonly approvals: readonly ApprovalRule[];
}

/** A weekly window in a named time zone in which exposure may not rise. */
export interface FreezeWindow {
  readonly reason: string;
  /** IANA name, `Europe/Berlin`. */
  readonly timeZone: string;
  /** `mon`…`sun`. */
  readonly days: readonly Weekday[];
  /** Minutes of the local day, `from < to`. */
  readonly fromMinute: number;
  readonly toMinute: number;
}

export type Weekday = 'mon' | 'tue' | 'wed' | 'thu' | 'fri' | 'sat' | 'sun';

/** `approvals` reviewers are needed when the predicted exposure is above `abovePercent`. */
interface ApprovalRule {
  readonly abovePercent: number;
  readonly approvals: number;
}

export interface DesiredState {
  readonly rollout: Rollout;
  readonly builds: ReadonlyMap<BuildId, Build>;
  readonly cohorts: ReadonlyMap<string, Cohort>;
  readonly policy: Policy | undefined;
}

/** The fingerprint an APK has on a device of this SDK (v3.1 rotations differ by SDK). */
export function signerFor(build: Build, sdk: number | undefined): Sha256 {
  if (sdk === undefined) return build.signerFingerprint;
  return build.signers.findLast(s => s.minSdk <= sdk)?.fingerprint ?? build.signerFingerprint;
}

/** Every fingerprint the build may have on any SDK. */
export const allSigners = (build: Build): readonly Sha256[] => [
  build.signerFingerprint,
  ...build.signers.map(s => s.fingerprint),
];

const byKey = <T>(map: ReadonlyMap<string, T>): [string, T][] =>
  [...map].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));

const sorted = (_key: string, value: unknown): unknown =>
  value !== null && typeof value === 'object' && !Array.isArray(value)
    ? Object.fromEntries(byKey(new Map(Object.entries(value))))
    : value;

/** True if both have the same content in any key order: the store and the parser order keys differently. */
export const isSameContent = (a: unknown, b: unknown): boolean =>
  JSON.stringify(a, sorted) === JSON.stringify(b, sorted);

/** Canonical JSON: sorted keys, sets in file order. The plan hash and the store depend on it. */
export const canonicalState = (state: DesiredState): string =>
  JSON.stringify(
    {
      ...state,
      builds: byKey(state.builds).map(([, b]) => b),
      cohorts: byKey(state.cohorts).map(([, c]) => c),
    },
    sorted,
  );

type Stored = Omit<DesiredState, 'builds' | 'cohorts'> & { builds: Build[]; cohorts: Cohort[] };

/** Reads back what {@link canonicalState} wrote; only for our own store, which is trusted. */
export function restoreState(text: string): DesiredState {
  const stored = JSON.parse(text) as Stored;
  return {
    ...stored,
    builds: new Map(stored.builds.map(b => [b.buildId, b])),
    cohorts: new Map(stored.cohorts.map(c => [c.name, c])),
  };
}
