/** Problems in the desired state, as values: all are reported together, none is thrown (SPEC §2). */

type Severity = 'error' | 'warning';

/** A problem and its path in the desired state; a path step is a key or an index. */
export interface Finding {
  readonly severity: Severity;
  /** Stable snake_case code. */
  readonly code: ProblemCode;
  /** Relative to `releases/`, with forward slashes: `rollout.yaml`, `builds/b42.yaml`. */
  readonly file: string;
  readonly path: readonly (string | number)[];
  readonly message: string;
  readonly hint: string | undefined;
}

/** A finding with its place in the text. Lines and columns count from 1. */
export interface Problem {
  readonly severity: Severity;
  readonly code: ProblemCode;
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** `ramp.steps[1].percent`; empty for the whole file. */
  readonly path: string;
  readonly message: string;
  readonly hint: string | undefined;
}

/** All codes; docs/desired-state.md explains the cause and the fix of each. */
export const PROBLEM_CODES = [
  // the files
  'releases_missing',
  'releases_empty',
  'rollout_missing',
  'unexpected_file',
  'symlink',
  'file_too_large',
  'too_many_files',
  'too_complex',
  'not_utf8',
  'secret_found',
  // the YAML
  'yaml_syntax',
  'yaml_duplicate_key',
  'yaml_alias_limit',
  'yaml_multiple_documents',
  'yaml_empty',
  'yaml_tag',
  'ambiguous_number',
  // the schema
  'unknown_kind',
  'unknown_key',
  'missing_key',
  'wrong_type',
  'invalid_value',
  // the rules
  'file_name_mismatch',
  'build_id_case',
  'duplicate_version_code',
  'duplicate_sha256',
  'version_name_invalid',
  'package_differs',
  'unknown_build',
  'unknown_cohort',
  'build_facts_edited',
  'withdrawal_removed',
  'exposure_missing',
  'exposure_both',
  'ramp_not_rising',
  'ramp_hold_missing',
  'ramp_start_past',
  'ramp_start_far',
  'gate_limit',
  'gate_scope',
  'gate_silence_after',
  'gate_rollback',
  'approval_early',
  'last_safe_missing',
  'last_safe_is_current',
  'current_older',
  'signer_not_continued',
  'signer_differs',
  'force_downgrade_reason',
  'force_downgrade_scope',
  'deadline_scope',
  'promotes_withdrawn',
  'cohort_seed_changed',
  'suspend_window',
  // the policy, judged at the base revision
  'policy_percent',
  'policy_jump',
  'policy_freeze',
  'policy_signer',
  // admission and reconcile
  'artifact_missing',
  'artifact_rejected',
  'artifact_mismatch',
  'artifact_not_installable',
  'artifact_concern',
  'history_rewritten',
  'plan_not_approved',
  // warnings
  'suspend_expired',
  'last_safe_withdrawn',
  'rollback_while_suspended',
  'current_withdrawn',
  'cohort_unused',
  'ramp_restarts',
  'ramp_narrows',
  'gate_hold_short',
  'gate_no_brake',
  'percent_fraction',
  'cohort_seed_reused',
] as const;
export type ProblemCode = (typeof PROBLEM_CODES)[number];

export const hasError = (found: readonly { readonly severity: Severity }[]): boolean =>
  found.some(p => p.severity === 'error');

/** `['ramp','steps',1,'percent']` → `ramp.steps[1].percent` */
export const renderPath = (path: readonly (string | number)[]): string =>
  path.reduce<string>(
    (text, step) => (typeof step === 'number' ? `${text}[${step}]` : text === '' ? step : `${text}.${step}`),
    '',
  );
