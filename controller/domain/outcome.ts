/** What a device reports about an attempt (SPEC §5): outcomes, their reasons, and which of them are verify failures. */
export const OUTCOMES = ['ok', 'fail', 'deferred', 'skipped'] as const;
export type Outcome = (typeof OUTCOMES)[number];

/** Why an attempt ended or waits: the closed list of SPEC §5 that agents report. */
export const RESULT_REASONS = [
  'installed',
  'already_installed',
  'wifi',
  'battery',
  'call',
  'unknown_conditions',
  'storage',
  'download_failed',
  'download_truncated',
  'size_mismatch',
  'sha256_mismatch',
  'signature_invalid',
  'signer_mismatch',
  'package_mismatch',
  'version_mismatch',
  'manifest_invalid',
  'url_refused',
  'offer_gone',
  'install_failed',
  'install_rejected',
  'downgrade_refused',
  'incompatible_sdk',
  'timeout',
  'superseded',
  'outside_cohort',
  'penalty',
  'internal',
] as const;
export type ResultReason = (typeof RESULT_REASONS)[number];

/** Reasons that mean the bytes or their signer were wrong: `ota_verify_fail_total`. */
export const VERIFY_FAILURES: ReadonlySet<ResultReason> = new Set<ResultReason>([
  'size_mismatch',
  'sha256_mismatch',
  'signature_invalid',
  'signer_mismatch',
  'package_mismatch',
  'version_mismatch',
]);
