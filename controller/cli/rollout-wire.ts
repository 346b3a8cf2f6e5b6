/** The parts of the answers of `GET /v1/rollout`, `/v1/builds` and `/v1/reconcile` that the verbs use. */
import type * as Api from '../../schemas/api.d.ts';

export interface StatusOnWire {
  readonly applied_revision: string | null;
  readonly applied_at: string | null;
  readonly attempted_revision: string | null;
  readonly problems: readonly {
    readonly severity: 'error' | 'warning';
    readonly code: string;
    readonly file: string;
    readonly line: number;
    readonly column: number;
    readonly path: string;
    readonly message: string;
    readonly hint: string | null;
  }[];
  readonly source_age_s: number | null;
  readonly source_fault: string | null;
  readonly clock_held: boolean;
}

export type ProgressOnWire = Api.Progress;
export type HaltOnWire = Api.Halt;
export type RampOnWire = Api.RampProgress;
export type AdviceOnWire = Api.GateAdvice;

export interface RolloutOnWire {
  /** Null before the first revision is applied, as are `rollout` and `exposure`. */
  readonly revision: string | null;
  readonly applied_at: string | null;
  readonly rollout: {
    readonly current: string;
    readonly last_safe: string | null;
    readonly rollout_percent: number | null;
    readonly ramp: {
      readonly start: string | null;
      readonly steps: readonly { readonly percent: number; readonly hold_s: number | null }[];
    } | null;
    readonly cohort_seed: string;
    readonly canary: {
      readonly tags: readonly string[];
      readonly devices: readonly string[];
      readonly cohorts: readonly string[];
    };
    readonly rollback: boolean;
    readonly force_downgrade: boolean;
    readonly suspend: { readonly reason: string; readonly since: string; readonly until: string } | null;
  } | null;
  readonly exposure: {
    readonly declared_percent: number;
    readonly effective_percent: number;
    readonly next_change_at: string | null;
    readonly ramp: Api.RampProgress | null;
    readonly halts: readonly Api.Halt[];
    /** Undefined from a controller that does not send it yet. */
    readonly advice?: Api.GateAdvice | null | undefined;
    /** Absent in answers of an older controller. */
    readonly conditions?: readonly Api.Condition[];
  } | null;
  readonly fleet: {
    readonly enrolled: number;
    readonly active: number;
    readonly running_current: number;
    readonly adoption_ratio: number;
    /** Both are undefined from a controller that does not send them yet. */
    readonly active_window_s?: number | undefined;
    readonly check_in_gaps?: Api.CheckInGaps | undefined;
  };
  /** Undefined from a controller older than 0.2. */
  readonly progress: ProgressOnWire | null | undefined;
  readonly missing_artifacts: readonly string[];
  readonly reconcile: StatusOnWire;
}

export interface BuildsOnWire {
  readonly builds: readonly {
    readonly build_id: string;
    readonly version_code: number;
    readonly version_name: string;
    readonly role: 'current' | 'last_safe' | null;
    readonly stored: boolean;
    readonly running_devices: number;
    readonly adoption_ratio: number;
    readonly withdrawn: { readonly reason: string } | null;
    readonly results: {
      readonly ok: number;
      readonly fail: number;
      readonly deferred: number;
      readonly skipped: number;
      readonly verify_fail: number;
    };
  }[];
}

const short = (revision: string | null): string =>
  revision === null
    ? 'none'
    : /^[0-9a-f]{40}$/.test(revision)
      ? revision.slice(0, 12)
      : revision.slice(0, 19);

export { short as shortRevision };

/** Whether a newer revision was read and refused, so that the one in force is not the last merge. */
export const isRejected = (status: StatusOnWire): boolean =>
  status.attempted_revision !== null &&
  status.attempted_revision !== status.applied_revision &&
  status.problems.some(p => p.severity === 'error');
