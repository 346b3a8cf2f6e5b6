/** The reasons of a verdict in words, to complete a sentence. */
import type { Reason } from '../../domain/gate/verdict.ts';

export const REASON_WORDS: Readonly<Record<Reason, string>> = {
  hold_time: 'the hold of the step is not over',
  fail_ratio: 'more of the judged devices failed than the limit allows',
  install_failures: 'too many installs failed',
  canary_failures: 'too many canaries failed',
  verify_failures: 'devices found wrong bytes or a wrong signer, although the stored APK is right',
  artifact_missing: 'the stored APK is missing or damaged',
  silence: 'more devices stopped checking in after taking the build than the rest of the fleet explains',
  too_few_reports: 'too few devices have reported a result',
  too_little_follow_up: 'too few devices have checked in again after taking the build',
  no_data: 'there is still too little evidence after the longest wait',
  doubt: 'the longest wait is over and the evidence still speaks against the build',
  max_wait: 'the longest wait is over',
  answered: 'a person answered',
  approval: 'the next step needs an approval',
  freeze: 'a freeze window is open',
  suspended: 'offers are suspended',
  starved: 'the fleet checks in too rarely to judge anything',
  clock_held: 'the wall clock cannot be trusted',
  gate_data_fault: 'the counts cannot be trusted at the moment',
};

/** `a, b and c` */
export const listed = (texts: readonly string[]): string =>
  texts.length < 2 ? (texts[0] ?? '') : `${texts.slice(0, -1).join(', ')} and ${texts.at(-1)}`;

export const reasonText = (reasons: readonly Reason[]): string =>
  listed([...new Set(reasons)].map(reason => REASON_WORDS[reason]));

export const capital = (text: string): string => text.slice(0, 1).toUpperCase() + text.slice(1);
