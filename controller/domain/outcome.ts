/** What a device reports about an attempt (SPEC §5): outcomes, their reasons, and which of them are verify failures. */
import { DAY_MS } from './duration.ts';

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

/** Stored outcomes. `contradictory`: outcome, reason and version cannot all be true, so the report does not count. */
export const RECORDED_OUTCOMES = [...OUTCOMES, 'contradictory'] as const;
export type RecordedOutcome = (typeof RECORDED_OUTCOMES)[number];

/** This many installs of one build on one device within this time mean that the install does not last. */
export const REPEATED_INSTALLS = { installs: 3, withinMs: DAY_MS } as const;

/** True if the newest of these installs is the one that reaches the limit. Unix ms, newest first. */
export function beginsRepeating(installsMs: readonly number[]): boolean {
  const { installs, withinMs } = REPEATED_INSTALLS;
  const areClose = (from: number): boolean => {
    const [newest, oldest] = [installsMs[from], installsMs[from + installs - 1]];
    return newest !== undefined && oldest !== undefined && newest - oldest <= withinMs;
  };
  return areClose(0) && !areClose(1);
}

/** The reasons that each outcome takes (SPEC §5). */
const REASONS_OF: Readonly<Record<Exclude<Outcome, 'fail'>, readonly ResultReason[]>> = {
  ok: ['installed'],
  deferred: [
    'wifi',
    'battery',
    'call',
    'unknown_conditions',
    'storage',
    'penalty',
    'download_failed',
    'download_truncated',
  ],
  skipped: [
    'already_installed',
    'superseded',
    'outside_cohort',
    'offer_gone',
    'penalty',
    'manifest_invalid',
    'url_refused',
    'incompatible_sdk',
    'downgrade_refused',
  ],
};
/** Reasons that are invalid for a failure. */
const NO_FAILURE: ReadonlySet<ResultReason> = new Set<ResultReason>([
  'installed',
  'already_installed',
  'wifi',
  'battery',
  'call',
  'unknown_conditions',
  'superseded',
  'outside_cohort',
  'penalty',
]);

export interface Reported {
  readonly outcome: Outcome;
  readonly reason: ResultReason;
  /** What runs after the attempt. */
  readonly versionCode: number;
}

export interface Recorded {
  readonly outcome: RecordedOutcome;
  readonly reason: ResultReason;
  /** What was wrong with the report. */
  readonly note: string | undefined;
}

/** How a report counts. `buildVersionCode` is that of the build it is about, when it is known. */
export function recordedOf(reported: Reported, buildVersionCode: number | undefined): Recorded {
  const { outcome, reason, versionCode } = reported;
  if (outcome === 'fail')
    return NO_FAILURE.has(reason)
      ? { outcome, reason: 'internal', note: `reported as fail with reason ${reason}` }
      : { outcome, reason, note: undefined };
  if (!REASONS_OF[outcome].includes(reason))
    return { outcome: 'contradictory', reason, note: `reported as ${outcome} with reason ${reason}` };
  if (outcome === 'ok' && buildVersionCode !== undefined && versionCode !== buildVersionCode)
    return {
      outcome: 'contradictory',
      reason,
      note: `reported as ok with version_code ${versionCode}, but the build has ${buildVersionCode}`,
    };
  return { outcome, reason, note: undefined };
}
