/** The desired state in answers to operators: named as in the YAML, with the exposure at this moment. */
import type * as Api from '../../../schemas/api.d.ts';
import type { CheckInGaps } from '../../domain/check-in-gaps.ts';
import { conditionsOf } from '../../domain/conditions.ts';
import { effectivePercent, type Snapshot } from '../../domain/decision.ts';
import { type Advice, againstIn } from '../../domain/gate/advice.ts';
import type { Gate } from '../../domain/gate/gate.ts';
import type { Problem } from '../../domain/problem.ts';
import { nextChangeMs } from '../../domain/ramp/forecast.ts';
import { percentAt, type RampProgress } from '../../domain/ramp/progress.ts';
import type { Build, Rollout } from '../../domain/release.ts';
import type { ReconcileStatus } from '../../ports/index.ts';
import { isoTime } from '../iso-time.ts';
import { haltOnWire } from './brake-routes.ts';

const gateOnWire = (gate: Gate): Api.Gate => ({
  install_fail_ratio_max: gate.installFailRatioMax,
  verify_fail_max: gate.verifyFailMax,
  silence_max: gate.silenceMax,
  silence_after_s: gate.silenceAfterMs / 1000,
  min_reports: gate.minReports,
  max_wait_s: gate.maxWaitMs / 1000,
  no_data: gate.noData,
  on_breach: gate.onBreach,
});

const exposureOnWire = ({ exposure }: Rollout) =>
  exposure.kind === 'percent'
    ? { rollout_percent: exposure.percent, ramp: null }
    : {
        rollout_percent: null,
        ramp: {
          start: isoTime(exposure.ramp.startMs),
          steps: exposure.ramp.steps.map(step => ({
            percent: step.percent,
            hold_s: step.holdMs === undefined ? null : step.holdMs / 1000,
            approval: step.approval === true,
          })),
          approved_percent: exposure.ramp.approvedPercent ?? null,
          gate: exposure.ramp.gate === undefined ? null : gateOnWire(exposure.ramp.gate),
        },
      };

export const rolloutOnWire = (rollout: Rollout): Api.Rollout => ({
  current: rollout.current,
  last_safe: rollout.lastSafe ?? null,
  ...exposureOnWire(rollout),
  cohort_seed: rollout.cohortSeed,
  canary: {
    tags: [...rollout.canary.tags],
    devices: [...rollout.canary.devices],
    cohorts: [...rollout.canary.cohorts],
  },
  rollback: rollout.rollback,
  force_downgrade: rollout.forceDowngrade,
  must_install: rollout.mustInstall,
  deadline_s: rollout.deadlineMs === undefined ? null : rollout.deadlineMs / 1000,
  wifi_only: rollout.wifiOnly,
  min_battery_percent: rollout.minBatteryPercent,
  suspend:
    rollout.suspend === undefined
      ? null
      : {
          reason: rollout.suspend.reason,
          since: isoTime(rollout.suspend.sinceMs),
          until: isoTime(rollout.suspend.untilMs),
        },
  reason: rollout.reason ?? null,
});

const progressOfRamp = (progress: RampProgress): Api.RampProgress => ({
  ramp_id: progress.rampId,
  begins_at: isoTime(progress.beginsAtMs),
  step: progress.step + 1,
  entered_at: progress.step < 0 ? null : isoTime(progress.enteredAtMs),
  exposure_s: Math.floor(progress.exposureMs / 1000),
  verdict: progress.judgement?.verdict ?? null,
  reasons: [...(progress.judgement?.reasons ?? [])],
});

const adviceOnWire = ({ judgement, evidence, atMs }: Advice): Api.GateAdvice => ({
  verdict: judgement.verdict,
  reasons: [...judgement.reasons],
  against: againstIn(judgement),
  counted_at: isoTime(atMs),
  taken: evidence.cohort.taken,
  ok: evidence.cohort.ok,
  fail: evidence.cohort.fail,
  verify_fail: evidence.cohort.verifyFail,
  silent: evidence.cohort.silent,
});

export const exposureNow = (snapshot: Snapshot, advice: Advice | undefined, nowMs: number): Api.Exposure => ({
  declared_percent: percentAt(snapshot.rollout, snapshot.progress),
  effective_percent: effectivePercent(snapshot, nowMs),
  next_change_at: isoTime(nextChangeMs(snapshot, nowMs)),
  ramp: snapshot.progress === undefined ? null : progressOfRamp(snapshot.progress),
  halts: snapshot.halts.map(haltOnWire),
  conditions: conditionsOf(snapshot, nowMs),
  advice: advice === undefined ? null : adviceOnWire(advice),
});

export const gapsOnWire = (gaps: CheckInGaps, pollIntervalS: number): Api.CheckInGaps => ({
  poll_interval_s: pollIntervalS,
  devices: gaps.devices,
  quantiles_s: gaps.quantilesMs.map(ms => ms / 1000),
});

const problemOnWire = (problem: Problem): Api.SourceProblem => ({
  severity: problem.severity,
  code: problem.code,
  file: problem.file,
  line: problem.line,
  column: problem.column,
  path: problem.path,
  message: problem.message,
  hint: problem.hint ?? null,
});

export const statusOnWire = (status: ReconcileStatus, nowMs: number): Api.ReconcileStatus => ({
  applied_revision: status.appliedRevision ?? null,
  applied_at: isoTime(status.appliedAtMs),
  attempted_revision: status.attemptedRevision ?? null,
  problems: status.problems.map(problemOnWire),
  source_read_at: isoTime(status.sourceReadAtMs),
  source_age_s:
    status.sourceReadAtMs === undefined
      ? null
      : Math.max(0, Math.round((nowMs - status.sourceReadAtMs) / 1000)),
  source_fault: status.sourceFault ?? null,
  clock_held: status.clockHeld,
});

export const buildOnWire = (build: Build) => ({
  build_id: build.buildId,
  package: build.package,
  version_code: build.versionCode,
  version_name: build.versionName,
  min_sdk: build.minSdk,
  size_bytes: build.sizeBytes,
  sha256: build.sha256,
  signer_fingerprint: build.signerFingerprint,
  signers: build.signers.map(s => ({ min_sdk: s.minSdk, fingerprint: s.fingerprint })),
  signer_lineage: [...build.signerLineage],
  notes: build.notes ?? null,
  withdrawn:
    build.withdrawn === undefined
      ? null
      : { reason: build.withdrawn.reason, at: isoTime(build.withdrawn.atMs) },
});
