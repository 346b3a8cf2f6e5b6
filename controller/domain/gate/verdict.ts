/** Verdicts and the closed list of their reasons. Stored, logged and counted as they are. */

export const VERDICTS = [
  'counting',
  'hold',
  'advance',
  'halt',
  'waiting_for_person',
  'waiting_for_approval',
] as const;
export type Verdict = (typeof VERDICTS)[number];

export const REASONS = [
  /** The step's hold is not over. */
  'hold_time',
  /** More judged devices failed than the limit allows, but not enough for a proof. */
  'fail_ratio',
  /** Proof: more devices fail than the limit allows. */
  'install_failures',
  /** Canaries fail more often than the limit allows: proven with `halt`, only suspected with other verdicts. */
  'canary_failures',
  /** A device saw wrong bytes or a wrong signer although our APK is right; with `halt`, more devices than chance explains. */
  'verify_failures',
  /** Our own stored APK is wrong. */
  'artifact_missing',
  /** More devices that took the build went quiet than the control explains. */
  'silence',
  /** Fewer devices than needed have reported an outcome. */
  'too_few_reports',
  /** Fewer devices than needed were seen again two polls after taking the build. */
  'too_little_follow_up',
  /** There was too little evidence for all of `max_wait`. */
  'no_data',
  /** `max_wait` is over, the evidence is complete, and it speaks against the build. */
  'doubt',
  /** `max_wait` is over, the evidence is complete and does not speak against the build. */
  'max_wait',
  /** A person answered this step's question. */
  'answered',
  /** The next step needs an approval that rollout.yaml does not give yet. */
  'approval',
  'freeze',
  'suspended',
  /** The fleet checks in too seldom to judge anything by silence or by time. */
  'starved',
  'clock_held',
  'gate_data_fault',
] as const;
export type Reason = (typeof REASONS)[number];
