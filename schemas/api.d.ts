/**
 * The types of the API. Generated from openapi.yaml: do not edit, run `node --import tsx scripts/api-types.ts`.
 */

export type BuildId = string;
export type DeviceId = string;
export type RequestId = string;
export type Name = string;
export type Sha256 = string;
export type VersionCode = number;
export type Sdk = number;
export type Percent = number;
export type Ratio = number;
export type Count = number;
export type Time = string;
export type MaybeTime = string | null;
/**
 * @maxItems 64
 */
export type Tags = Name[];
export type HoldReason =
  | 'suspended'
  | 'outside_cohort'
  | 'withdrawn'
  | 'incompatible_sdk'
  | 'up_to_date'
  | 'signer_mismatch'
  | 'ahead'
  | 'artifact_missing'
  | 'progress_unread';
export type EligibleBy = 'canary' | 'rollout' | 'baseline' | 'rollback';
export type Outcome = 'ok' | 'fail' | 'deferred' | 'skipped';
/**
 * `contradictory`: the outcome, reason and version_code of the report contradict each other. It is not counted.
 */
export type RecordedOutcome = 'ok' | 'fail' | 'deferred' | 'skipped' | 'contradictory';
export type ResultReason =
  | 'installed'
  | 'already_installed'
  | 'wifi'
  | 'battery'
  | 'call'
  | 'unknown_conditions'
  | 'storage'
  | 'download_failed'
  | 'download_truncated'
  | 'size_mismatch'
  | 'sha256_mismatch'
  | 'signature_invalid'
  | 'signer_mismatch'
  | 'package_mismatch'
  | 'version_mismatch'
  | 'manifest_invalid'
  | 'url_refused'
  | 'offer_gone'
  | 'install_failed'
  | 'install_rejected'
  | 'downgrade_refused'
  | 'incompatible_sdk'
  | 'timeout'
  | 'superseded'
  | 'outside_cohort'
  | 'penalty'
  | 'internal';
/**
 * The stable codes of problems. Each code always has the same HTTP status.
 */
export type ProblemCode =
  | 'query_invalid'
  | 'request_id_invalid'
  | 'path_invalid'
  | 'json_malformed'
  | 'body_invalid'
  | 'body_aborted'
  | 'import_invalid'
  | 'route_unknown'
  | 'method_not_allowed'
  | 'expectation_failed'
  | 'body_timeout'
  | 'body_too_large'
  | 'media_type_unsupported'
  | 'token_missing'
  | 'token_malformed'
  | 'token_invalid'
  | 'token_revoked'
  | 'token_superseded'
  | 'token_expired'
  | 'device_unknown'
  | 'signature_invalid'
  | 'scope_missing'
  | 'rate_limited'
  | 'auth_rate_limited'
  | 'download_limit'
  | 'build_unknown'
  | 'device_not_found'
  | 'token_not_found'
  | 'destination_not_found'
  | 'artifact_not_found'
  | 'device_exists'
  | 'device_revoked'
  | 'confirmation_needed'
  | 'token_exists'
  | 'token_taken'
  | 'result_conflict'
  | 'artifact_in_use'
  | 'brake_nothing'
  | 'resume_nothing'
  | 'notify_off'
  | 'build_not_offered'
  | 'range_not_satisfiable'
  | 'sha256_mismatch'
  | 'artifact_rejected'
  | 'too_large'
  | 'quota_exceeded'
  | 'disk_full'
  | 'not_ready'
  | 'artifact_missing'
  | 'busy'
  | 'webhook_off'
  | 'unavailable'
  | 'internal';
/**
 * Only with action tag.
 *
 * @maxItems 64
 */
export type Tags1 = Name[];
/**
 * Only with action tag.
 *
 * @maxItems 64
 */
export type Tags2 = Name[];
export type ImportRequest =
  | ImportRow[]
  | {
      devices: ImportRow[];
      /**
       * Part of an export. Ignored.
       */
      next_after?: string | null;
    };
export type Decision =
  | {
      kind: 'hold';
      reason: HoldReason;
    }
  | {
      kind: 'offer';
      build_id: BuildId;
      eligible_by: EligibleBy;
      force_downgrade: boolean;
      must_install: boolean;
      staged_rollout_percent: Percent;
    };
export type AdminScope =
  'read' | 'devices' | 'artifacts' | 'reconcile' | 'metrics' | 'brake' | 'propose' | 'admin';

export interface Schemas {
  BuildId: BuildId;
  DeviceId: DeviceId;
  RequestId: RequestId;
  Name: Name;
  Sha256: Sha256;
  VersionCode: VersionCode;
  Sdk: Sdk;
  Percent: Percent;
  Ratio: Ratio;
  Count: Count;
  Time: Time;
  MaybeTime: MaybeTime;
  Tags: Tags;
  HoldReason: HoldReason;
  EligibleBy: EligibleBy;
  Outcome: Outcome;
  RecordedOutcome: RecordedOutcome;
  ResultReason: ResultReason;
  ProblemCode: ProblemCode;
  Problem: Problem;
  Manifest: Manifest;
  ActionResult: ActionResult;
  ActionResultTaken: ActionResultTaken;
  PushToken: PushToken;
  Credentials: Credentials;
  EnrolledDevice: EnrolledDevice;
  EnrolRequest: EnrolRequest;
  TagsRequest: TagsRequest;
  TagsView: TagsView;
  DeviceBulkRequest: DeviceBulkRequest;
  DeviceBulkResult: DeviceBulkResult;
  RotateRequest: RotateRequest;
  ImportRow: ImportRow;
  ImportRequest: ImportRequest;
  ImportResult: ImportResult;
  ImportedDevice: ImportedDevice;
  Device: Device;
  DeviceList: DeviceList;
  Explanation: Explanation;
  PastExplanation: PastExplanation;
  Decision: Decision;
  ExplainedStep: ExplainedStep;
  ReportRow: ReportRow;
  DownloadRow: DownloadRow;
  Artifact: Artifact;
  ArtifactList: ArtifactList;
  StoredArtifact: StoredArtifact;
  ExamineRequest: ExamineRequest;
  DeclaredBuild: DeclaredBuild;
  Examined: Examined;
  BuildFinding: BuildFinding;
  ArtifactUse: ArtifactUse;
  RolloutView: RolloutView;
  Halt: Halt;
  BrakeRequest: BrakeRequest;
  BrakePressed: BrakePressed;
  NotifyTestRequest: NotifyTestRequest;
  NotifyTested: NotifyTested;
  ResumeRequest: ResumeRequest;
  Resumed: Resumed;
  ClockConfirmed: ClockConfirmed;
  Rollout: Rollout;
  Ramp: Ramp;
  Gate: Gate;
  RampProgress: RampProgress;
  RampStep: RampStep;
  Canary: Canary;
  Suspend: Suspend;
  Condition: Condition;
  GateAdvice: GateAdvice;
  Exposure: Exposure;
  CheckInGaps: CheckInGaps;
  Fleet: Fleet;
  Progress: Progress;
  ReconcileStatus: ReconcileStatus;
  SourceProblem: SourceProblem;
  BuildList: BuildList;
  BuildRow: BuildRow;
  Results: Results;
  DownloadStats: DownloadStats;
  EventList: EventList;
  AuditEvent: AuditEvent;
  History: History;
  AppliedRevision: AppliedRevision;
  RevisionEvent: RevisionEvent;
  Failures: Failures;
  FailedDevices: FailedDevices;
  FailedDevice: FailedDevice;
  ReconcileRequest: ReconcileRequest;
  AdminScope: AdminScope;
  AdminTokenRequest: AdminTokenRequest;
  AdminToken: AdminToken;
  AdminTokenList: AdminTokenList;
  NewAdminToken: NewAdminToken;
  WebhookTaken: WebhookTaken;
  Health: Health;
  HealthReport: HealthReport;
  HealthCheck: HealthCheck;
  Ready: Ready;
}
export interface Problem {
  type: string;
  title: string;
  status: number;
  code: ProblemCode;
  detail: string;
  /**
   * Why the APK was refused. docs/apk-verification.md lists the codes.
   */
  reason?: string;
  /**
   * The devices concerned, at most 20.
   */
  devices?: DeviceId[];
  rows?: Count;
  errors_total?: Count;
  errors?: {
    row?: number;
    path: string;
    message: string;
  }[];
}
export interface Manifest {
  build_id: BuildId;
  version_code: VersionCode;
  version_name: string;
  url: string;
  sha256: Sha256;
  signer_fingerprint: Sha256;
  signer_lineage: Sha256[];
  size_bytes: Count;
  wifi_only: boolean;
  must_install: boolean;
  deadline_s: number | null;
  staged_rollout_percent: Percent;
  cohort_seed: string;
  eligible_by: EligibleBy;
  force_downgrade: boolean;
  min_battery_percent: Percent;
  poll_interval_s: Count;
  revision: string;
}
export interface ActionResult {
  request_id: RequestId;
  build_id: BuildId;
  outcome: Outcome;
  reason: ResultReason;
  detail?: string;
  version_code: VersionCode;
  timings_ms?: {
    [k: string]: number;
  };
}
export interface ActionResultTaken {
  request_id: RequestId;
  build_id: BuildId;
  outcome: Outcome;
  repeated: boolean;
}
export interface PushToken {
  fcm_token: string;
}
export interface Credentials {
  device_id: DeviceId;
  token: string;
  /**
   * Base64 of 32 bytes.
   */
  nudge_key: string;
  generation: number;
}
export interface EnrolledDevice {
  device_id: DeviceId;
  token: string;
  nudge_key: string;
  generation: number;
  tags: Tags;
}
export interface EnrolRequest {
  device_id: DeviceId;
  tags?: Tags;
}
export interface TagsRequest {
  tags: Tags;
}
export interface TagsView {
  device_id: DeviceId;
  tags: Tags;
}
export interface DeviceBulkRequest {
  action: 'tag' | 'revoke' | 'delete';
  /**
   * @minItems 1
   * @maxItems 1000
   */
  devices: DeviceId[];
  add?: Tags1;
  remove?: Tags2;
  dry_run?: boolean;
}
export interface DeviceBulkResult {
  action: 'tag' | 'revoke' | 'delete';
  dry_run: boolean;
  changed: Count;
  /**
   * Devices that already were as requested.
   */
  unchanged: number;
  /**
   * Devices that are not enrolled.
   */
  unknown: number;
  /**
   * The first 20 devices that are not enrolled.
   *
   * @maxItems 20
   */
  unknown_devices: DeviceId[];
  /**
   * Devices that stop being canaries of the rollout through this change of tags.
   */
  leaving_canaries: number;
}
export interface RotateRequest {
  /**
   * How long the old token still works. The default is 14 days.
   */
  grace_s?: number;
  /**
   * Readmits a revoked device with a new token. Its earlier tokens stay revoked, and grace_s is ignored.
   */
  readmit?: boolean;
}
export interface ImportRow {
  device_id: DeviceId;
  /**
   * If absent or empty, a known device keeps its tags. `["-"]` removes all its tags.
   *
   * @maxItems 64
   */
  tags?: string[];
  token_sha256?: Sha256;
  /**
   * Part of an export. A row with a time is a revoked device. It stays revoked.
   */
  revoked_at?: string | null;
  /**
   * Part of an export. Ignored.
   */
  generation?: {
    [k: string]: unknown;
  };
  /**
   * Part of an export. Ignored.
   */
  enrolled_at?: {
    [k: string]: unknown;
  };
  /**
   * Part of an export. Ignored.
   */
  last_seen_at?: {
    [k: string]: unknown;
  };
  /**
   * Part of an export. Ignored.
   */
  version_code?: {
    [k: string]: unknown;
  };
  /**
   * Part of an export. Ignored.
   */
  build_id?: {
    [k: string]: unknown;
  };
  /**
   * Part of an export. Ignored.
   */
  sdk?: {
    [k: string]: unknown;
  };
  /**
   * Part of an export. Ignored.
   */
  signer?: {
    [k: string]: unknown;
  };
  /**
   * Part of an export. Ignored.
   */
  has_push_token?: {
    [k: string]: unknown;
  };
}
export interface ImportResult {
  created: Count;
  updated: Count;
  /**
   * Revoked devices. They were not changed.
   */
  revoked: number;
  devices: ImportedDevice[];
}
export interface ImportedDevice {
  device_id: DeviceId;
  result: 'created' | 'updated' | 'revoked';
  token?: string;
  nudge_key?: string;
  generation?: number;
}
export interface Device {
  device_id: DeviceId;
  tags: Tags;
  generation: number;
  enrolled_at: Time;
  revoked_at: MaybeTime;
  last_seen_at: MaybeTime;
  version_code: number | null;
  build_id: string | null;
  sdk: number | null;
  signer: string | null;
  has_push_token: boolean;
}
export interface DeviceList {
  devices: Device[];
  next_after: string | null;
}
export interface Explanation {
  device: Device;
  revision: string;
  decision: Decision;
  bucket: number;
  threshold: number;
  percent: Percent;
  canary: boolean;
  steps: ExplainedStep[];
  /**
   * Builds that the device installed three times or more in the last 24 hours. The installation does not persist on it.
   */
  repeated_installs: {
    build_id: BuildId;
    installs: Count;
    since: Time;
  }[];
  reports: ReportRow[];
  downloads: DownloadRow[];
}
export interface ExplainedStep {
  step: 'suspend' | 'cohort' | 'target' | 'installed' | 'decision';
  finding: string;
  why: string;
}
export interface ReportRow {
  at: Time;
  request_id: string;
  build_id: string;
  outcome: RecordedOutcome;
  reason: ResultReason;
  detail: string | null;
  version_code: VersionCode;
  timings_ms: {
    [k: string]: number;
  } | null;
}
export interface DownloadRow {
  at: Time;
  request_id: string | null;
  build_id: string;
  result: string;
  status: number;
  bytes: Count;
}
/**
 * What a device would have been offered at a time in the past. It is derived from Git, the stored progress of ramps and the audit trail. If several answers are possible because something is not known, a field is null unless all of them agree.
 */
export interface PastExplanation {
  device_id: DeviceId;
  at: Time;
  /**
   * `not_enrolled`: it was not enrolled yet, or it was erased and enrolled again since.
   */
  standing: 'enrolled' | 'not_enrolled' | 'revoked';
  /**
   * The revision in force at that time.
   */
  revision: string | null;
  applied_at: MaybeTime;
  tags: string[] | null;
  installed: {
    version_code: number;
    said_at: Time;
  } | null;
  /**
   * The verdict of the ramp's gate at that time.
   */
  verdict: {
    verdict: string;
    reasons: string[];
  } | null;
  bucket: number | null;
  percent: Percent | null;
  canary: boolean | null;
  decision: Decision | null;
  steps: ExplainedStep[];
  /**
   * What is not known about that time.
   */
  not_known: string[];
}
export interface Artifact {
  sha256: Sha256;
  size_bytes: Count;
  created: boolean;
  /**
   * The stored copy was damaged and has been replaced.
   */
  repaired: boolean;
}
export interface ArtifactList {
  artifacts: StoredArtifact[];
  used_bytes: Count;
}
export interface StoredArtifact {
  sha256: Sha256;
  size_bytes: Count;
  stored_at: Time;
  /**
   * What uses the APK. An APK in use is never collected.
   */
  uses: ArtifactUse[];
}
export interface ArtifactUse {
  /**
   * declared: a build of the applied revision that is neither current nor last_safe. former: a build whose file was removed. attempted: a build of the newest revision, which was refused. proposed: a build of an open pull request.
   */
  kind: 'current' | 'last_safe' | 'declared' | 'former' | 'attempted' | 'proposed';
  /**
   * A build id, a revision, or a pull request such as `#12`.
   */
  name: string;
}
export interface ExamineRequest {
  /**
   * @minItems 1
   * @maxItems 8
   */
  builds: DeclaredBuild[];
}
/**
 * The facts in a build file.
 */
export interface DeclaredBuild {
  build_id: BuildId;
  package: string;
  version_code: Count;
  version_name: string;
  min_sdk: Count;
  size_bytes: Count;
  sha256: Sha256;
  signer_fingerprint: Sha256;
  /**
   * @maxItems 16
   */
  signers?: {
    min_sdk: Count;
    fingerprint: Sha256;
  }[];
  /**
   * @maxItems 16
   */
  signer_lineage?: Sha256[];
}
export interface Examined {
  findings: BuildFinding[];
}
export interface BuildFinding {
  severity: 'error' | 'warning';
  /**
   * artifact_missing, artifact_rejected, artifact_mismatch, artifact_not_installable or artifact_concern. docs/desired-state.md explains each.
   */
  code: string;
  /**
   * The path of the file in releases/.
   */
  file: string;
  /**
   * The key in the file.
   */
  key: string;
  message: string;
  hint: string | null;
}
export interface RolloutView {
  revision: string | null;
  applied_at: MaybeTime;
  rollout: Rollout | null;
  exposure: Exposure | null;
  fleet: Fleet;
  progress: Progress | null;
  missing_artifacts: Sha256[];
  reconcile: ReconcileStatus;
}
export interface Rollout {
  current: BuildId;
  last_safe: string | null;
  rollout_percent: number | null;
  ramp: Ramp | null;
  cohort_seed: string;
  canary: Canary;
  rollback: boolean;
  force_downgrade: boolean;
  must_install: boolean;
  deadline_s: number | null;
  wifi_only: boolean;
  min_battery_percent: Percent;
  suspend: Suspend | null;
  reason: string | null;
}
export interface Ramp {
  approved_percent: Percent | null;
  gate: Gate | null;
  start: MaybeTime;
  steps: RampStep[];
}
/**
 * The health condition of a ramp's steps, including defaults.
 */
export interface Gate {
  install_fail_ratio_max: number;
  verify_fail_max: number;
  silence_max: number;
  silence_after_s: number;
  min_reports: number;
  max_wait_s: number;
  no_data: 'hold' | 'proceed';
  on_breach: 'halt' | 'rollback';
}
export interface RampStep {
  /**
   * The step is entered only if approved_percent reaches its percent.
   */
  approval: boolean;
  percent: Percent;
  hold_s: number | null;
}
export interface Canary {
  tags: string[];
  devices: string[];
  cohorts: string[];
}
export interface Suspend {
  reason: string;
  since: Time;
  until: Time;
}
export interface Exposure {
  advice: GateAdvice | null;
  ramp: RampProgress | null;
  halts: Halt[];
  /**
   * Why offers differ from what rollout.yaml declares.
   */
  conditions: Condition[];
  declared_percent: Percent;
  effective_percent: Percent;
  next_change_at: MaybeTime;
}
/**
 * What a gate with default values would say about a rollout at a plain percent. It is counted every ten minutes and changes nothing. Null for a ramp, at 0 %, in a rollback and before the first count.
 */
export interface GateAdvice {
  /**
   * `advance`: the evidence does not speak against a higher percentage.
   */
  verdict: 'counting' | 'hold' | 'advance' | 'halt' | 'waiting_for_person' | 'waiting_for_approval';
  reasons: string[];
  /**
   * The reasons that speak against the build.
   */
  against: string[];
  counted_at: Time;
  /**
   * Devices that took the build. Canaries are not counted, here and in the other counts.
   */
  taken: Count;
  ok: Count;
  fail: Count;
  verify_fail: Count;
  silent: Count;
}
/**
 * How far the ramp has advanced.
 */
export interface RampProgress {
  ramp_id: number;
  begins_at: MaybeTime;
  /**
   * The highest step that was entered. 1 is the first step, 0 means none yet.
   */
  step: number;
  entered_at: MaybeTime;
  /**
   * How long that step has been served. Pauses do not count.
   */
  exposure_s: number;
  verdict: ('counting' | 'hold' | 'advance' | 'halt' | 'waiting_for_person' | 'waiting_for_approval') | null;
  reasons: string[];
}
/**
 * A stop of a build that takes effect without a commit.
 */
export interface Halt {
  id: number;
  build_id: BuildId;
  /**
   * gate: a gate was breached. hand: an operator pressed the brake. lost: the store has no progress of this ramp, and the controller does not know yet whether the build was halted before.
   */
  kind: 'gate' | 'hand' | 'lost';
  mode: 'halt' | 'rollback';
  at: MaybeTime;
  by: string;
  reason: string;
  /**
   * True once an applied revision declares the same.
   */
  declared: boolean;
  /**
   * The pull request that declares the same in rollout.yaml.
   */
  pull_request: string | null;
}
export interface Condition {
  /**
   * ahead_of_git: a halt is in force that rollout.yaml does not declare yet. past_unknown: the store has no progress of this ramp, and the controller does not know yet whether it was halted before. progress_unread: the gate could not be judged for a minute.
   */
  code: 'ahead_of_git' | 'past_unknown' | 'progress_unread';
  message: string;
}
export interface Fleet {
  /**
   * A device that checked in within this time is active.
   */
  active_window_s: number;
  check_in_gaps: CheckInGaps;
  enrolled: Count;
  active: Count;
  running_current: Count;
  adoption_ratio: Ratio;
}
/**
 * How often devices check in, as observed. For each device this is the mean gap between two check-ins, weighted by the length of the gap. Gaps in which the controller was down are left out.
 */
export interface CheckInGaps {
  /**
   * The poll interval that agents are told to use.
   */
  poll_interval_s: number;
  /**
   * Unrevoked devices with at least one observed gap.
   */
  devices: Count;
  /**
   * The gaps from the shortest to the longest, in steps of 5 %. Empty if there are no devices.
   *
   * @maxItems 21
   */
  quantiles_s: number[];
}
/**
 * How many devices run the target build of the rollout. Only enrolled devices that are not revoked count. A fleet of more than 10,000 devices is counted in the background: see `revision` and `counted_at`. Null before the first count.
 */
export interface Progress {
  /**
   * The revision for which devices were counted.
   */
  revision: string;
  build_id: BuildId;
  /**
   * rollback: devices go back to `last_safe`, because of `rollback` or because `current` is withdrawn.
   */
  kind: 'rollout' | 'rollback';
  counted_at: Time;
  /**
   * A device that checked in within this time counts as seen.
   */
  active_window_s: number;
  /**
   * Devices that should run the build, seen or not.
   */
  exposed: Count;
  /**
   * Exposed devices that checked in within the window.
   */
  seen: Count;
  /**
   * Seen devices except those that are staying: running, waiting and held.
   */
  offered: Count;
  /**
   * Devices that run the build.
   */
  running: Count;
  /**
   * Devices that are offered the build and do not run it yet.
   */
  waiting: Count;
  /**
   * Devices that should run the build but cannot be offered it, by reason.
   */
  held: {
    reason: HoldReason;
    devices: Count;
  }[];
  /**
   * Devices that keep a newer version because no downgrade is forced.
   */
  staying: Count;
  /**
   * Canaries declared by tag, device id and cohort file. Only enrolled devices count. All counts are 0 in a rollback.
   */
  canaries: {
    declared_devices: Count;
    declared_tags: string[];
    exposed: Count;
    offered: Count;
    running: Count;
  };
  /**
   * The first waiting devices.
   *
   * @maxItems 20
   */
  waiting_devices: string[];
  /**
   * The first exposed devices that have not been seen.
   *
   * @maxItems 20
   */
  unseen_devices: string[];
  /**
   * Results of the build since the revision was applied.
   */
  results: Results;
  /**
   * Exposure has reached its final declared percentage.
   */
  last_step: boolean;
  /**
   * The rollout is complete: `last_step` is true, at least 99 % of the offered devices and every offered canary run the build, and at least half of the exposed devices have been seen.
   */
  done: boolean;
  /**
   * Why the rollout is not complete yet.
   */
  waits_for: {
    what: 'exposed' | 'seen' | 'canaries' | 'running' | 'step';
    have: number | null;
    need: number | null;
  }[];
}
/**
 * Devices by outcome. The newest final outcome counts, or the newest other outcome if none is final. A device that failed and runs the build since counts as ok.
 */
export interface Results {
  ok: Count;
  confirmed: Count;
  fail: Count;
  deferred: Count;
  skipped: Count;
  verify_fail: Count;
  reasons: {
    outcome: Outcome;
    reason: ResultReason;
    devices: Count;
    /**
     * How often these devices reported it.
     */
    attempts: Count;
  }[];
}
export interface ReconcileStatus {
  applied_revision: string | null;
  applied_at: MaybeTime;
  attempted_revision: string | null;
  problems: SourceProblem[];
  source_read_at: MaybeTime;
  source_age_s: number | null;
  source_fault: string | null;
  clock_held: boolean;
}
export interface SourceProblem {
  severity: 'error' | 'warning';
  code: string;
  file: string;
  line: Count;
  column: Count;
  path: string;
  message: string;
  hint: string | null;
}
export interface BrakeRequest {
  reason: string;
}
export interface BrakePressed {
  /**
   * False if the brake was already pressed.
   */
  pressed: boolean;
  halt: Halt;
}
export interface NotifyTestRequest {
  /**
   * The default is all destinations.
   */
  destination?: string;
}
export interface NotifyTested {
  results: {
    destination: string;
    service: 'generic' | 'slack' | 'teams';
    /**
     * waiting: earlier messages are still being retried. This one is sent after them.
     */
    result: 'sent' | 'failed' | 'waiting';
    /**
     * Why sending failed. docs/notifications.md lists the codes.
     */
    code: string | null;
  }[];
}
export interface ResumeRequest {
  reason: string;
  /**
   * Devices whose failures and silence no longer count against the build.
   *
   * @maxItems 100
   */
  without?: string[];
}
export interface Resumed {
  lifted: Halt[];
}
export interface ClockConfirmed {
  was_held: boolean;
  now: MaybeTime;
}
export interface BuildList {
  revision: string;
  active_devices: Count;
  builds: BuildRow[];
}
export interface BuildRow {
  build_id: BuildId;
  package: string;
  version_code: VersionCode;
  version_name: string;
  min_sdk: Sdk;
  size_bytes: Count;
  sha256: Sha256;
  signer_fingerprint: Sha256;
  signers: {
    min_sdk: Sdk;
    fingerprint: Sha256;
  }[];
  signer_lineage: Sha256[];
  notes: string | null;
  withdrawn: {
    reason: string;
    at: Time;
  } | null;
  role: 'current' | 'last_safe' | null;
  stored: boolean;
  running_devices: Count;
  adoption_ratio: Ratio;
  results: Results;
  downloads: DownloadStats;
}
export interface DownloadStats {
  downloads: Count;
  bytes: Count;
  fails: Count;
}
export interface EventList {
  events: AuditEvent[];
  next_before: number | null;
}
export interface AuditEvent {
  id: Count;
  at: Time;
  actor: string;
  action: string;
  subject: string;
  detail: unknown;
}
export interface History {
  revisions: AppliedRevision[];
  next_before: number | null;
}
export interface AppliedRevision {
  id: Count;
  revision: string;
  applied_at: Time;
  completed_at: MaybeTime;
  /**
   * When the next revision was applied.
   */
  replaced_at: string | null;
  /**
   * The number of the merged pull request.
   */
  pull: number | null;
  /**
   * The GitHub login that merged it. Null if not known.
   */
  merged_by: string | null;
  /**
   * GitHub logins whose approval of this plan counted.
   */
  approved_by: string[];
  /**
   * The name of the author of the commit. Null for a folder.
   */
  author: string | null;
  /**
   * The first line of the commit.
   */
  subject: string | null;
  current: BuildId;
  /**
   * The intended exposure of current when the revision was applied. 0 in a rollback and during a halt.
   */
  percent: Percent | null;
  /**
   * How offers changed, in words. Null if they did not change.
   */
  change: string | null;
  /**
   * How many fields changed.
   */
  changes: number;
  plan_hash: Sha256 | null;
  /**
   * Steps, verdicts, halts, brakes and the completion: the newest 50, oldest first.
   */
  events: RevisionEvent[];
  events_left_out: boolean;
}
export interface RevisionEvent {
  at: Time;
  by: string;
  kind: 'step' | 'verdict' | 'restart' | 'halt' | 'brake' | 'resume' | 'completed';
  text: string;
}
export interface Failures {
  build_id: BuildId;
  devices: Count;
  /**
   * How many of these devices run the build now.
   */
  recovered: number;
  by_reason: {
    key: ResultReason;
    devices: Count;
    recovered: Count;
  }[];
  by_sdk: {
    key: number | null;
    devices: Count;
    recovered: Count;
  }[];
  by_from_version: {
    key: VersionCode;
    devices: Count;
    recovered: Count;
  }[];
}
export interface FailedDevices {
  build_id: BuildId;
  devices: FailedDevice[];
  next_after: string | null;
}
export interface FailedDevice {
  device_id: DeviceId;
  reason: ResultReason;
  detail: string | null;
  sdk: number | null;
  from_version: VersionCode;
  at: Time;
  /**
   * The device runs the build now.
   */
  recovered: boolean;
}
export interface ReconcileRequest {
  wait?: boolean;
  /**
   * Accepts this head although it does not descend from the applied revision. The request then always waits for the pass.
   */
  accept_rewrite?: string;
}
export interface AdminTokenRequest {
  name: Name;
  /**
   * @minItems 1
   */
  scopes: AdminScope[];
  expires_in_s: number;
}
export interface AdminToken {
  name: string;
  scopes: AdminScope[];
  expires_at: Time;
  revoked_at: MaybeTime;
}
export interface AdminTokenList {
  tokens: AdminToken[];
}
export interface NewAdminToken {
  name: string;
  scopes: AdminScope[];
  expires_at: Time;
  token: string;
}
export interface WebhookTaken {
  result: 'accepted' | 'duplicate' | 'ignored';
}
export interface Health {
  status: 'ok';
}
export interface HealthReport {
  /**
   * The version of the controller.
   */
  version: string;
  /**
   * The worst state of all checks.
   */
  state: 'fine' | 'warning' | 'failing';
  checks: HealthCheck[];
}
export interface HealthCheck {
  part:
    | 'clock'
    | 'source'
    | 'artifacts'
    | 'keys'
    | 'operators'
    | 'certificate'
    | 'disk'
    | 'object_store'
    | 'push'
    | 'github'
    | 'webhook'
    | 'sign_in'
    | 'replicas';
  /**
   * off: not configured. warning: works, but needs attention.
   */
  state: 'fine' | 'off' | 'warning' | 'failing';
  text: string;
  /**
   * How to repair it.
   */
  cure: string | null;
}
export interface Ready {
  /**
   * degraded: the database cannot be reached. Update checks are answered from memory.
   */
  status: 'ready' | 'degraded';
  revision: string;
}
