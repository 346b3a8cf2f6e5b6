/**
 * Reads `schemas/vectors/*.json` and puts a decision case into the core's own shapes. Imports types alone: whatever
 * implementation is under test is called by the test.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { HOUR_MS } from '../../controller/domain/duration.ts';
import type { Build, Cohort, DesiredState, Rollout } from '../../controller/domain/release.ts';

const folder = path.resolve(import.meta.dirname, '../../schemas/vectors');

function read<T extends { kind: string }>(kind: T['kind']): T {
  const vectors = JSON.parse(readFileSync(path.join(folder, `${kind}.json`), 'utf8')) as T & {
    format: string;
  };
  if (vectors.format !== 'nexmdm-ota vectors v1' || vectors.kind !== kind)
    throw new Error(`${kind}.json is no vector file of this format`);
  return vectors;
}

export interface CohortVectors {
  kind: 'cohort';
  buckets: { device_id: string; cohort_seed: string; h: number; bucket: number }[];
  thresholds: { percent: number; threshold: number }[];
  exposed: { device_id: string; cohort_seed: string; percent: number; exposed: boolean }[];
  invalid_device_ids: string[];
}

export interface NudgeVectors {
  kind: 'nudge';
  keys: { master: string; device_id: string; generation: number; key: string }[];
  signatures: { key: string; device_id: string; message: Record<string, string> }[];
  verdicts: {
    name: string;
    key: string;
    device_id: string;
    message: Record<string, unknown>;
    now_ms: number;
    seen: string[];
    expect: { verdict: string; build_id?: string; request_id?: string; issued_at?: number };
  }[];
}

export interface WireRollout {
  current: string;
  last_safe?: string;
  rollout_percent?: number;
  cohort_seed?: string;
  canary?: { tags?: string[]; devices?: string[]; cohorts?: string[] };
  rollback?: boolean;
  force_downgrade?: boolean;
  must_install?: boolean;
  suspend?: { reason: string; since: string; until: string };
  reason?: string;
  ramp?: { start?: string; steps: { percent: number; hold?: string }[] };
}

export interface WireBuild {
  build_id: string;
  version_code: number;
  min_sdk: number;
  signer_fingerprint: string;
  signers?: { min_sdk: number; fingerprint: string }[];
  signer_lineage?: string[];
  withdrawn?: { reason: string; at: string };
}

export interface DecisionCase {
  name: string;
  rollout: WireRollout;
  builds: string[];
  cohorts?: { name: string; tags?: string[]; devices?: string[] }[];
  missing_artifacts?: string[];
  introduced_at?: string;
  device: {
    device_id: string;
    version_code: number;
    tags?: string[];
    build_id?: string;
    sdk?: number;
    signer?: string;
  };
  now: string;
  expect: {
    decision: 'offer' | 'hold';
    reason?: string;
    build_id?: string;
    eligible_by?: string;
    force_downgrade?: boolean;
    staged_rollout_percent?: number;
    signer_fingerprint?: string;
    must_install?: boolean;
    /** The build whose APK this device may fetch. */
    download: string | null;
  };
}

export interface DecisionVectors {
  kind: 'decision';
  builds: Record<string, WireBuild>;
  cases: DecisionCase[];
}

export const cohortVectors = (): CohortVectors => read<CohortVectors>('cohort');
export const decisionVectors = (): DecisionVectors => read<DecisionVectors>('decision');
export const nudgeVectors = (): NudgeVectors => read<NudgeVectors>('nudge');

function hold(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!/^\d+h$/.test(text)) throw new Error(`vectors write holds in hours: ${text}`);
  return Number.parseInt(text, 10) * HOUR_MS;
}

function exposureOf(wire: WireRollout): Rollout['exposure'] {
  if (wire.ramp === undefined) return { kind: 'percent', percent: wire.rollout_percent ?? Number.NaN };
  const { start, steps } = wire.ramp;
  return {
    kind: 'ramp',
    ramp: {
      startMs: start === undefined ? undefined : Date.parse(start),
      steps: steps.map(s => ({ percent: s.percent, holdMs: hold(s.hold) })),
    },
  };
}

const rolloutOf = (wire: WireRollout): Rollout => ({
  current: wire.current,
  lastSafe: wire.last_safe,
  exposure: exposureOf(wire),
  cohortSeed: wire.cohort_seed ?? '',
  canary: {
    tags: wire.canary?.tags ?? [],
    devices: wire.canary?.devices ?? [],
    cohorts: wire.canary?.cohorts ?? [],
  },
  rollback: wire.rollback ?? false,
  forceDowngrade: wire.force_downgrade ?? false,
  mustInstall: wire.must_install ?? false,
  deadlineMs: undefined,
  wifiOnly: true,
  minBatteryPercent: 30,
  suspend:
    wire.suspend === undefined
      ? undefined
      : {
          reason: wire.suspend.reason,
          sinceMs: Date.parse(wire.suspend.since),
          untilMs: Date.parse(wire.suspend.until),
        },
  reason: wire.reason,
});

const hex = (n: number): string => n.toString(16).padStart(64, '0');

const buildOf = (wire: WireBuild): Build => ({
  buildId: wire.build_id,
  package: 'com.nexmdm.agent',
  versionCode: wire.version_code,
  versionName: `${wire.version_code}`,
  minSdk: wire.min_sdk,
  sizeBytes: 1,
  sha256: hex(wire.version_code),
  signerFingerprint: wire.signer_fingerprint,
  signers: (wire.signers ?? []).map(s => ({ minSdk: s.min_sdk, fingerprint: s.fingerprint })),
  signerLineage: wire.signer_lineage ?? [],
  notes: undefined,
  withdrawn:
    wire.withdrawn === undefined
      ? undefined
      : { reason: wire.withdrawn.reason, atMs: Date.parse(wire.withdrawn.at) },
});

/** A case in the core's shapes; `startMs` is where its ramp's clock began. */
export function caseInMemory(c: DecisionCase, builds: Record<string, WireBuild>) {
  const declared = c.builds.map(name => {
    const wire = builds[name];
    if (wire === undefined) throw new Error(`${c.name}: no build ${name}`);
    return buildOf(wire);
  });
  const state: DesiredState = {
    rollout: rolloutOf(c.rollout),
    builds: new Map(declared.map(b => [b.buildId, b])),
    cohorts: new Map(
      (c.cohorts ?? []).map((w): [string, Cohort] => [
        w.name,
        { name: w.name, tags: w.tags ?? [], devices: w.devices ?? [] },
      ]),
    ),
    policy: undefined,
  };
  const missing = (c.missing_artifacts ?? []).map(id => state.builds.get(id)?.sha256 ?? '');
  const { device } = c;
  return {
    state,
    startMs: Date.parse(c.rollout.ramp?.start ?? c.introduced_at ?? c.now),
    missingArtifacts: new Set(missing),
    device: {
      deviceId: device.device_id,
      tags: device.tags ?? [],
      versionCode: device.version_code,
      buildId: device.build_id,
      sdk: device.sdk,
      signer: device.signer,
    },
    nowMs: Date.parse(c.now),
  };
}
