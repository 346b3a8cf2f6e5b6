/** Desired state as the YAML files of a `releases/` folder, for tests that go through Git, folders or the parser. */
import { mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { stringify } from 'yaml';
import { durationText } from '../../controller/domain/duration.ts';
import { API_VERSION } from '../../controller/domain/layout.ts';
import { timeText } from '../../controller/domain/plan/words.ts';
import type { Cohort, DesiredState, Policy, Rollout } from '../../controller/domain/release.ts';
import type { SourceFile } from '../../controller/ports/index.ts';
import { buildYaml } from '../../controller/yaml/write.ts';
import { aState, type StateParts } from './state.ts';

/** Path under `releases/` → text. */
export type ReleaseFiles = Readonly<Record<string, string>>;

const yaml = (kind: string, fields: Record<string, unknown>): string =>
  stringify(
    Object.fromEntries(
      Object.entries({ apiVersion: API_VERSION, kind, ...fields }).filter(([, v]) => v !== undefined),
    ),
    { lineWidth: 0 },
  );

function exposureFields({ exposure }: Rollout): Record<string, unknown> {
  if (exposure.kind === 'percent') return { rollout_percent: exposure.percent };
  const { startMs, steps, approvedPercent, gate } = exposure.ramp;
  return {
    ramp: {
      ...(startMs !== undefined && { start: timeText(startMs) }),
      steps: steps.map(({ percent, holdMs, approval }) => ({
        percent,
        ...(holdMs !== undefined && { hold: durationText(holdMs) }),
        ...(approval === true && { approval: 'required' }),
      })),
      ...(approvedPercent !== undefined && { approved_percent: approvedPercent }),
      ...(gate !== undefined && {
        gate: {
          install_fail_ratio_max: gate.installFailRatioMax,
          verify_fail_max: gate.verifyFailMax,
          silence_max: gate.silenceMax,
          silence_after: durationText(gate.silenceAfterMs),
          min_reports: gate.minReports,
          max_wait: durationText(gate.maxWaitMs),
          no_data: gate.noData,
          on_breach: gate.onBreach,
        },
      }),
    },
  };
}

export function rolloutYaml(rollout: Rollout): string {
  const { canary, suspend } = rollout;
  const hasCanary = canary.tags.length + canary.devices.length + canary.cohorts.length > 0;
  return yaml('Rollout', {
    current: rollout.current,
    last_safe: rollout.lastSafe,
    ...exposureFields(rollout),
    cohort_seed: rollout.cohortSeed,
    canary: hasCanary ? canary : undefined,
    rollback: rollout.rollback,
    force_downgrade: rollout.forceDowngrade,
    must_install: rollout.mustInstall,
    deadline: rollout.deadlineMs === undefined ? undefined : durationText(rollout.deadlineMs),
    wifi_only: rollout.wifiOnly,
    min_battery_percent: rollout.minBatteryPercent,
    suspend: suspend && {
      reason: suspend.reason,
      since: timeText(suspend.sinceMs),
      until: timeText(suspend.untilMs),
    },
    reason: rollout.reason,
  });
}

export const cohortYaml = (cohort: Cohort): string =>
  yaml('Cohort', { name: cohort.name, tags: cohort.tags, devices: cohort.devices });

const clockText = (minute: number): string =>
  `${String(Math.floor(minute / 60)).padStart(2, '0')}:${String(minute % 60).padStart(2, '0')}`;

export const policyYaml = (policy: Policy): string =>
  yaml('Policy', {
    allowed_percents: policy.allowedPercents,
    max_jump_percent: policy.maxJumpPercent,
    pinned_signers: policy.pinnedSigners,
    freeze_windows: policy.freezeWindows.map(w => ({
      reason: w.reason,
      time_zone: w.timeZone,
      days: w.days,
      from: clockText(w.fromMinute),
      to: clockText(w.toMinute),
    })),
    approvals: policy.approvals.map(a => ({ above_percent: a.abovePercent, approvals: a.approvals })),
  });

/** Every file of a state: parsing them gives the state back. */
export function releaseFiles(state: DesiredState | StateParts = {}): ReleaseFiles {
  const { rollout, builds, cohorts, policy } = isState(state) ? state : aState(state);
  return {
    'rollout.yaml': rolloutYaml(rollout),
    ...Object.fromEntries([...builds.values()].map(b => [`builds/${b.buildId}.yaml`, buildYaml(b)])),
    ...Object.fromEntries([...cohorts.values()].map(c => [`cohorts/${c.name}.yaml`, cohortYaml(c)])),
    ...(policy !== undefined && { 'policy.yaml': policyYaml(policy) }),
  };
}

const isState = (given: DesiredState | StateParts): given is DesiredState => given.builds instanceof Map;

export const sourceFiles = (files: ReleaseFiles): SourceFile[] =>
  Object.entries(files).map(([name, text]) => ({ path: name, content: Buffer.from(text) }));

/** Makes `folder` hold exactly these files. */
export async function writeReleases(folder: string, files: ReleaseFiles): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  for (const [name, text] of Object.entries(files)) {
    await mkdir(path.dirname(path.join(folder, name)), { recursive: true });
    await writeFile(path.join(folder, name), text);
  }
}
