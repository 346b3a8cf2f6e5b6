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
 * `contradictory`: outcome, reason and version_code of the report cannot all be true. It counts as nothing.
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
 * Each code has one status.
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
 * Only with tag.
 *
 * @maxItems 64
 */
export type Tags1 = Name[];
/**
 * Only with tag.
 *
 * @maxItems 64
 */
export type Tags2 = Name[];
export type ImportRequest =
  | ImportRow[]
  | {
      devices: ImportRow[];
      /**
       * Of an export; ignored.
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
   * The code of the APK verifier.
   */
  reason?: string;
  /**
   * The devices that it is about, at most 20.
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
   * base64 of 32 bytes
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
   * They were so already.
   */
  unchanged: number;
  /**
   * They are not enrolled.
   */
  unknown: number;
  /**
   * The first 20 of them.
   *
   * @maxItems 20
   */
  unknown_devices: DeviceId[];
  /**
   * Devices that a change of tags takes out of the canaries of the rollout.
   */
  leaving_canaries: number;
}
export interface RotateRequest {
  /**
   * How long the old token still works; 14 days when absent.
   */
  grace_s?: number;
  /**
   * Lets a revoked device in again with a new token. All its tokens from before stay dead, and grace_s does not matter.
   */
  readmit?: boolean;
}
export interface ImportRow {
  device_id: DeviceId;
  /**
   * Absent or empty keeps the tags of a known device; `["-"]` takes them all away.
   *
   * @maxItems 64
   */
  tags?: string[];
  token_sha256?: Sha256;
  /**
   * Of an export. A row with a time is a revoked device, which is not let in again.
   */
  revoked_at?: string | null;
  /**
   * Of an export; ignored.
   */
  generation?: {
    [k: string]: unknown;
  };
  /**
   * Of an export; ignored.
   */
  enrolled_at?: {
    [k: string]: unknown;
  };
  /**
   * Of an export; ignored.
   */
  last_seen_at?: {
    [k: string]: unknown;
  };
  /**
   * Of an export; ignored.
   */
  version_code?: {
    [k: string]: unknown;
  };
  /**
   * Of an export; ignored.
   */
  build_id?: {
    [k: string]: unknown;
  };
  /**
   * Of an export; ignored.
   */
  sdk?: {
    [k: string]: unknown;
  };
  /**
   * Of an export; ignored.
   */
  signer?: {
    [k: string]: unknown;
  };
  /**
   * Of an export; ignored.
   */
  has_push_token?: {
    [k: string]: unknown;
  };
}
export interface ImportResult {
  created: Count;
  updated: Count;
  /**
   * Revoked devices. They were left as they are.
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
   * Builds that the device has installed three times or more in the last 24 hours; the install does not last there.
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
 * What a device would have been offered at a moment that is over, from Git, the rows of ramps and the audit. What is not known of it stands for everything that it may have been: a field is null unless it is the same in every case.
 */
export interface PastExplanation {
  device_id: DeviceId;
  at: Time;
  /**
   * `not_enrolled`: not yet, or it was erased and enrolled again since.
   */
  standing: 'enrolled' | 'not_enrolled' | 'revoked';
  /**
   * The revision that was in force.
   */
  revision: string | null;
  applied_at: MaybeTime;
  tags: string[] | null;
  installed: {
    version_code: number;
    said_at: Time;
  } | null;
  /**
   * The judgement of the ramp's step then.
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
   * What is not known of that moment
   */
  not_known: string[];
}
export interface Artifact {
  sha256: Sha256;
  size_bytes: Count;
  created: boolean;
  /**
   * What was stored was damaged and has been replaced.
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
   * What names it; nothing that is named is collected.
   */
  uses: ArtifactUse[];
}
export interface ArtifactUse {
  /**
   * declared: a build of the applied revision that is not offered now; former: one whose file is gone; attempted: named by the refused newest revision; proposed: by an open pull request.
   */
  kind: 'current' | 'last_safe' | 'declared' | 'former' | 'attempted' | 'proposed';
  /**
   * A build id, a revision, or `#12`.
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
 * The facts of a build's file.
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
   * A code of docs/desired-state.md: artifact_missing, artifact_rejected, artifact_mismatch, artifact_not_installable or artifact_concern.
   */
  code: string;
  /**
   * Relative to releases/.
   */
  file: string;
  /**
   * The key in it.
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
 * The health condition of a ramp's steps, with its defaults filled in.
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
   * The step needs approved_percent to reach it.
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
   * What keeps offers from being what rollout.yaml says.
   */
  conditions: Condition[];
  declared_percent: Percent;
  effective_percent: Percent;
  next_change_at: MaybeTime;
}
/**
 * What a gate with defaults would say of a rollout at a plain percent, counted every ten minutes. It changes nothing. Null for a ramp, at 0 %, in a rollback and before the first count.
 */
export interface GateAdvice {
  /**
   * `advance`: nothing would stand against going on.
   */
  verdict: 'counting' | 'hold' | 'advance' | 'halt' | 'waiting_for_person' | 'waiting_for_approval';
  reasons: string[];
  /**
   * Those reasons that speak against the build.
   */
  against: string[];
  counted_at: Time;
  /**
   * Devices that took the build, canaries apart, as are all counts here.
   */
  taken: Count;
  ok: Count;
  fail: Count;
  verify_fail: Count;
  silent: Count;
}
/**
 * How far the standing ramp has come.
 */
export interface RampProgress {
  ramp_id: number;
  begins_at: MaybeTime;
  /**
   * The highest step that was entered, from 1 on; 0: none yet.
   */
  step: number;
  entered_at: MaybeTime;
  /**
   * How long that step has been served.
   */
  exposure_s: number;
  verdict: ('counting' | 'hold' | 'advance' | 'halt' | 'waiting_for_person' | 'waiting_for_approval') | null;
  reasons: string[];
}
/**
 * What stops a build without a commit.
 */
export interface Halt {
  id: number;
  build_id: BuildId;
  /**
   * lost: the store has no row of this ramp, and GitHub has not said yet whether the build was halted before.
   */
  kind: 'gate' | 'hand' | 'lost';
  mode: 'halt' | 'rollback';
  at: MaybeTime;
  by: string;
  reason: string;
  /**
   * An applied revision has said the same since.
   */
  declared: boolean;
  /**
   * The pull request that says the same in rollout.yaml.
   */
  pull_request: string | null;
}
export interface Condition {
  /**
   * ahead_of_git: a halt governs that rollout.yaml does not say yet. past_unknown: the store has no row of this ramp, and whether it was halted before has to be found out. progress_unread: the gate could not be looked at for a minute.
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
 * How often devices check in, as observed. Of each device the mean gap between two check-ins counts, each gap weighed by its length; gaps in which the controller was away are left out.
 */
export interface CheckInGaps {
  /**
   * What agents are told.
   */
  poll_interval_s: number;
  /**
   * Unrevoked devices of which a gap was observed.
   */
  devices: Count;
  /**
   * From the shortest gap to the longest in steps of 5 %; empty without devices.
   *
   * @maxItems 21
   */
  quantiles_s: number[];
}
/**
 * How far the fleet has taken the build that it is led to. Devices are enrolled and not revoked. A fleet of more than 10,000 devices is counted in the background: compare `revision` and `counted_at`; the whole is null before the first count.
 */
export interface Progress {
  /**
   * The revision that was counted for.
   */
  revision: string;
  build_id: BuildId;
  /**
   * rollback: devices are led back to `last_safe`, because of `rollback` or because `current` is withdrawn.
   */
  kind: 'rollout' | 'rollback';
  counted_at: Time;
  /**
   * A device that checked in within this time has been seen.
   */
  active_window_s: number;
  /**
   * Led to the build, seen or not.
   */
  exposed: Count;
  /**
   * Exposed devices that checked in within the window.
   */
  seen: Count;
  /**
   * Seen devices that are not staying: running, waiting and held.
   */
  offered: Count;
  /**
   * They run the build.
   */
  running: Count;
  /**
   * They are offered it and do not run it yet.
   */
  waiting: Count;
  /**
   * They should run it and cannot be offered it.
   */
  held: {
    reason: HoldReason;
    devices: Count;
  }[];
  /**
   * On a newer version and not made to go back.
   */
  staying: Count;
  /**
   * Declared by tag, by list and by cohort file; the counts are of enrolled devices and 0 in a rollback.
   */
  canaries: {
    declared_devices: Count;
    declared_tags: string[];
    exposed: Count;
    offered: Count;
    running: Count;
  };
  /**
   * The first of them.
   *
   * @maxItems 20
   */
  waiting_devices: string[];
  /**
   * The first exposed devices that were not seen.
   *
   * @maxItems 20
   */
  unseen_devices: string[];
  /**
   * Of the build since the revision was applied.
   */
  results: Results;
  /**
   * Exposure has arrived where it was declared to end.
   */
  last_step: boolean;
  /**
   * At least 99 % of the offered devices and every offered canary run the build, at least half of the exposed devices have been seen, and `last_step`.
   */
  done: boolean;
  /**
   * What keeps it from being done.
   */
  waits_for: {
    what: 'exposed' | 'seen' | 'canaries' | 'running' | 'step';
    have: number | null;
    need: number | null;
  }[];
}
/**
 * Devices by their newest final outcome of the build, or by their newest other one where none is final. One that has run the build since it failed is ok.
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
     * How often these devices have said so.
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
   * False when it was pressed already.
   */
  pressed: boolean;
  halt: Halt;
}
export interface NotifyTestRequest {
  /**
   * Left out it is all of them.
   */
  destination?: string;
}
export interface NotifyTested {
  results: {
    destination: string;
    service: 'generic' | 'slack' | 'teams';
    /**
     * waiting: earlier messages are still being tried; this one follows by itself.
     */
    result: 'sent' | 'failed' | 'waiting';
    /**
     * Why it failed.
     */
    code: string | null;
  }[];
}
export interface ResumeRequest {
  reason: string;
  /**
   * Devices that are no evidence against the build from now on.
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
   * The pull request that it was merged through.
   */
  pull: number | null;
  /**
   * The login that merged it; null where GitHub does not say.
   */
  merged_by: string | null;
  /**
   * Logins whose approval of this plan counted.
   */
  approved_by: string[];
  /**
   * Who made the commit, by name; null for a folder.
   */
  author: string | null;
  /**
   * The first line of the commit.
   */
  subject: string | null;
  current: BuildId;
  /**
   * What the build was meant for when it was applied.
   */
  percent: Percent | null;
  /**
   * What it did to the offers in words; null when it changed none.
   */
  change: string | null;
  /**
   * How many fields differ.
   */
  changes: number;
  plan_hash: Sha256 | null;
  /**
   * Steps, verdicts, halts, brakes and the completion, oldest first; the newest 50.
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
   * Of them, those that run the build by now.
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
   * It runs the build by now.
   */
  recovered: boolean;
}
export interface ReconcileRequest {
  wait?: boolean;
  /**
   * Accepts this rewritten head. The request then always waits for the pass.
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
   * The worst of the checks.
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
   * off: not set up, which is legal; warning: works, and will not for ever.
   */
  state: 'fine' | 'off' | 'warning' | 'failing';
  text: string;
  /**
   * What to do.
   */
  cure: string | null;
}
export interface Ready {
  /**
   * degraded: the database is away, and checks are answered from memory.
   */
  status: 'ready' | 'degraded';
  revision: string;
}
