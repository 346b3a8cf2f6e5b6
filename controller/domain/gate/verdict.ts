/** The words of a judgement: verdicts and the closed list of their reasons. Stored, logged and counted as they are. */

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
  /** More of the judged devices failed than the limit allows; no proof yet. */
  'fail_ratio',
  /** Proof: more devices fail than the limit allows. */
  'install_failures',
  /** Canaries fail more often than the limit allows: proof with `halt`, a suspicion with the other verdicts. */
  'canary_failures',
  /** Bytes or signer were wrong on a device although our APK is right; with `halt` on more devices than chance explains. */
  'verify_failures',
  /** Our own stored APK is wrong. */
  'artifact_missing',
  /** More of those who took the build went quiet than the control explains. */
  'silence',
  /** Fewer devices than needed said how it went. */
  'too_few_reports',
  /** Fewer devices than needed were seen again two polls after they took the build. */
  'too_little_follow_up',
  /** The evidence stayed too little for all of `max_wait`. */
  'no_data',
  /** The evidence is complete, `max_wait` is over, and it still speaks against the build. */
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
