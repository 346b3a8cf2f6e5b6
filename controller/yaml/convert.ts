/** Converts YAML data to the desired state in memory: fills in defaults and unifies units and spellings. */
import { parseDuration } from '../domain/duration.ts';
import { DEFAULT_GATE, type Gate } from '../domain/gate/gate.ts';
import { normaliseFingerprint } from '../domain/ids.ts';
import type { Build, Cohort, FreezeWindow, Policy, Ramp, Rollout, Suspend } from '../domain/release.ts';
import { parseTime } from '../domain/time.ts';
import type { WireBuild, WireCohort, WirePolicy, WireRollout } from './wire.ts';

/** `72h` → ms. The text has passed the schema. */
function durationMs(text: string): number {
  const ms = parseDuration(text);
  if (ms === undefined) throw new Error('assertion: not a duration');
  return ms;
}

function timeMs(text: string): number {
  const ms = parseTime(text);
  if (ms === undefined) throw new Error('assertion: not a time');
  return ms;
}

function fingerprint(text: string): string {
  const hex = normaliseFingerprint(text);
  if (hex === undefined) throw new Error('assertion: not a fingerprint');
  return hex;
}

const minuteOfDay = (text: string): number => Number(text.slice(0, 2)) * 60 + Number(text.slice(3, 5));

const toSuspend = (wire: NonNullable<WireRollout['suspend']>): Suspend => ({
  reason: wire.reason,
  sinceMs: timeMs(wire.since),
  untilMs: timeMs(wire.until),
});

const toRamp = (wire: NonNullable<WireRollout['ramp']>): Ramp => ({
  startMs: wire.start === undefined ? undefined : timeMs(wire.start),
  steps: wire.steps.map(({ percent, hold, approval }) => ({
    percent,
    holdMs: hold === undefined ? undefined : durationMs(hold),
    ...(approval === 'required' && { approval: true }),
  })),
  ...(wire.approved_percent !== undefined && { approvedPercent: wire.approved_percent }),
  ...(wire.gate !== undefined && { gate: toGate(wire.gate) }),
});

const toGate = (wire: NonNullable<NonNullable<WireRollout['ramp']>['gate']>): Gate => ({
  installFailRatioMax: wire.install_fail_ratio_max ?? DEFAULT_GATE.installFailRatioMax,
  verifyFailMax: wire.verify_fail_max ?? DEFAULT_GATE.verifyFailMax,
  silenceMax: wire.silence_max ?? DEFAULT_GATE.silenceMax,
  silenceAfterMs:
    wire.silence_after === undefined ? DEFAULT_GATE.silenceAfterMs : durationMs(wire.silence_after),
  minReports: wire.min_reports ?? DEFAULT_GATE.minReports,
  maxWaitMs: wire.max_wait === undefined ? DEFAULT_GATE.maxWaitMs : durationMs(wire.max_wait),
  noData: wire.no_data ?? DEFAULT_GATE.noData,
  onBreach: wire.on_breach ?? DEFAULT_GATE.onBreach,
});

export function toRollout(wire: WireRollout): Rollout {
  return {
    current: wire.current,
    lastSafe: wire.last_safe,
    exposure:
      wire.ramp === undefined
        ? { kind: 'percent', percent: wire.rollout_percent ?? 0 }
        : { kind: 'ramp', ramp: toRamp(wire.ramp) },
    cohortSeed: wire.cohort_seed ?? '',
    canary: {
      tags: wire.canary?.tags ?? [],
      devices: wire.canary?.devices ?? [],
      cohorts: wire.canary?.cohorts ?? [],
    },
    rollback: wire.rollback ?? false,
    forceDowngrade: wire.force_downgrade ?? false,
    mustInstall: wire.must_install ?? false,
    deadlineMs: wire.deadline === undefined ? undefined : durationMs(wire.deadline),
    wifiOnly: wire.wifi_only ?? true,
    minBatteryPercent: wire.min_battery_percent ?? 30,
    suspend: wire.suspend === undefined ? undefined : toSuspend(wire.suspend),
    reason: wire.reason,
  };
}

export function toBuild(wire: WireBuild): Build {
  return {
    buildId: wire.build_id,
    package: wire.package,
    versionCode: wire.version_code,
    versionName: wire.version_name,
    minSdk: wire.min_sdk,
    sizeBytes: wire.size_bytes,
    sha256: wire.sha256.toLowerCase(),
    signerFingerprint: fingerprint(wire.signer_fingerprint),
    signers: (wire.signers ?? [])
      .map(s => ({ minSdk: s.min_sdk, fingerprint: fingerprint(s.fingerprint) }))
      .sort((a, b) => a.minSdk - b.minSdk),
    signerLineage: (wire.signer_lineage ?? []).map(fingerprint),
    notes: wire.notes,
    withdrawn:
      wire.withdrawn === undefined
        ? undefined
        : { reason: wire.withdrawn.reason, atMs: timeMs(wire.withdrawn.at) },
  };
}

export const toCohort = (wire: WireCohort): Cohort => ({
  name: wire.name,
  tags: wire.tags ?? [],
  devices: wire.devices ?? [],
});

export const toPolicy = (wire: WirePolicy): Policy => ({
  allowedPercents: wire.allowed_percents,
  maxJumpPercent: wire.max_jump_percent,
  pinnedSigners: wire.pinned_signers?.map(fingerprint),
  freezeWindows: (wire.freeze_windows ?? []).map(
    (w): FreezeWindow => ({
      reason: w.reason,
      timeZone: w.time_zone,
      days: w.days,
      fromMinute: minuteOfDay(w.from ?? '00:00'),
      toMinute: minuteOfDay(w.to ?? '24:00'),
    }),
  ),
  approvals: (wire.approvals ?? []).map(a => ({ abovePercent: a.above_percent, approvals: a.approvals })),
});
