/** Builders of valid desired state in memory: say what matters to the test, the rest is plain and consistent. */
import { createHash } from 'node:crypto';
import { makeSnapshot, type Snapshot } from '../../controller/domain/decision.ts';
import { HOUR_MS } from '../../controller/domain/duration.ts';
import type { Halt } from '../../controller/domain/halt.ts';
import type { BuildId, Sha256 } from '../../controller/domain/ids.ts';
import { progressOfOldClock } from '../../controller/domain/ramp/old-clock.ts';
import type { RampProgress } from '../../controller/domain/ramp/progress.ts';
import type {
  Build,
  Cohort,
  DesiredState,
  Policy,
  RampStep,
  Rollout,
} from '../../controller/domain/release.ts';
import type { Standing } from '../../controller/domain/standing.ts';

export { DAY_MS, HOUR_MS } from '../../controller/domain/duration.ts';
/** 2026-06-01T12:00:00Z, a Monday: the moment at which tests happen unless they say otherwise. */
export const NOW_MS = Date.UTC(2026, 5, 1, 12);

/** A recognisable 64-digit hex string, the same for the same text. */
export const hexOf = (text: string): Sha256 => createHash('sha256').update(text).digest('hex');
export const SIGNER = hexOf('the signing certificate');
export const OTHER_SIGNER = hexOf('another signing certificate');

/** Build `b<code>` with version `<code/10>.<code%10>.0`, signed by SIGNER. */
export function aBuild(versionCode = 42, over: Partial<Build> = {}): Build {
  return {
    buildId: `b${versionCode}`,
    package: 'com.nexmdm.agent',
    versionCode,
    versionName: `${Math.floor(versionCode / 10)}.${versionCode % 10}.0`,
    minSdk: 26,
    sizeBytes: 1_000 + versionCode,
    sha256: hexOf(`apk ${versionCode}`),
    signerFingerprint: SIGNER,
    signers: [],
    signerLineage: [],
    notes: undefined,
    withdrawn: undefined,
    ...over,
  };
}

/** `b42` at 10 % over `b41`; a number is short for a plain percentage. */
export function aRollout(over: Partial<Rollout> | number = {}): Rollout {
  const changes = typeof over === 'number' ? { exposure: { kind: 'percent', percent: over } as const } : over;
  return {
    current: 'b42',
    lastSafe: 'b41',
    exposure: { kind: 'percent', percent: 10 },
    cohortSeed: '',
    canary: { tags: [], devices: [], cohorts: [] },
    rollback: false,
    forceDowngrade: false,
    mustInstall: false,
    deadlineMs: undefined,
    wifiOnly: true,
    minBatteryPercent: 30,
    suspend: undefined,
    reason: undefined,
    ...changes,
  };
}

/** A ramp exposure from `[percent, holdHours]` pairs; leave the last hold out. */
export function aRamp(
  startMs: number | undefined,
  ...steps: readonly (readonly [number, number?])[]
): Rollout['exposure'] {
  return {
    kind: 'ramp',
    ramp: {
      startMs,
      steps: steps.map(
        ([percent, hours]): RampStep => ({
          percent,
          holdMs: hours === undefined ? undefined : hours * HOUR_MS,
        }),
      ),
    },
  };
}

export const aCohort = (name: string, over: Partial<Cohort> = {}): Cohort => ({
  name,
  tags: [],
  devices: [],
  ...over,
});

export const aPolicy = (over: Partial<Policy> = {}): Policy => ({
  allowedPercents: undefined,
  maxJumpPercent: undefined,
  pinnedSigners: undefined,
  freezeWindows: [],
  approvals: [],
  ...over,
});

/** A halt of b42 by its gate. */
export const aHalt = (over: Partial<Halt> = {}): Halt => ({
  id: 1,
  buildId: 'b42',
  kind: 'gate',
  mode: 'halt',
  atMs: NOW_MS,
  by: 'gate',
  reason: 'install_failures',
  declared: false,
  ...over,
});

/** The progress of a ramp that began at `beganMs` and was served ever since; undefined for a plain percent. */
export const servedProgress = (rollout: Rollout, beganMs: number, nowMs: number): RampProgress | undefined =>
  progressOfOldClock(rollout, { startMs: beganMs, frozenMs: 0, countedUntilMs: beganMs }, nowMs);

/** What stands with its ramp served since `beganMs`, or since its written start. */
export function aStanding(state: DesiredState = aState(), beganMs = NOW_MS, nowMs = NOW_MS): Standing {
  const { exposure } = state.rollout;
  const startMs = exposure.kind === 'ramp' ? exposure.ramp.startMs : undefined;
  const progress = servedProgress(state.rollout, startMs ?? beganMs, nowMs);
  return { state, progress, formerBuilds: new Map() };
}

export interface StateParts {
  readonly rollout?: Rollout | Partial<Rollout> | number;
  /** Default: b41 and b42. */
  readonly builds?: readonly Build[];
  readonly cohorts?: readonly Cohort[];
  readonly policy?: Policy;
}

export function aState(parts: StateParts = {}): DesiredState {
  const builds = parts.builds ?? [aBuild(41), aBuild(42)];
  return {
    rollout: aRollout(parts.rollout ?? {}),
    builds: new Map<BuildId, Build>(builds.map(b => [b.buildId, b])),
    cohorts: new Map((parts.cohorts ?? []).map(c => [c.name, c])),
    policy: parts.policy,
  };
}

export function aSnapshot(
  state: DesiredState = aState(),
  at: {
    revision?: string;
    appliedAtMs?: number;
    progress?: RampProgress;
    missingArtifacts?: ReadonlySet<Sha256>;
  } = {},
): Snapshot {
  const { exposure } = state.rollout;
  const startMs = exposure.kind === 'ramp' ? exposure.ramp.startMs : undefined;
  const appliedAtMs = at.appliedAtMs ?? NOW_MS;
  return makeSnapshot(state, {
    revision: at.revision ?? hexOf('revision').slice(0, 40),
    appliedAtMs,
    progress: at.progress ?? servedProgress(state.rollout, startMs ?? appliedAtMs, appliedAtMs),
    missingArtifacts: at.missingArtifacts ?? new Set(),
  });
}
