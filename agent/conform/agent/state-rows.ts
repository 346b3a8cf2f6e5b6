/**
 * The state machine as a black box: a state is reached by requests alone, something happens, and exactly these requests
 * follow. A test keeps it equal to `black_box` of `schemas/vectors/agent-states.json`.
 */

/** Unless a row says otherwise, checks and downloads are left unanswered and reports are accepted. */
type ReachedState = 'idle' | 'checking' | 'deferred' | 'downloading' | 'confirming' | 'reporting';

/** The answer to the request that the state waits for, a command, or a kill and restart. */
export type Happening =
  | { readonly command: 'poll' | 'nudge' }
  | { readonly conditions: Readonly<Record<string, boolean | number | null>> }
  | { readonly fail_install: string }
  | { readonly kill: true }
  | { readonly answer: 'hold'; readonly reason: string }
  | {
      readonly answer: 'offer';
      readonly build?: 40 | 42 | 43;
      readonly manifest?: Readonly<Record<string, unknown>>;
    }
  | { readonly answer: 'status'; readonly status: number; readonly retry_after_s?: number }
  | { readonly answer: 'cut' }
  | { readonly answer: 'apk'; readonly bytes?: number };

/** `same`: has the request id of the attempt or nudge that led to the state; `new`: has another one. */
export type Follows =
  | { readonly ask: 'check'; readonly named?: 'same' | 'new'; readonly hold?: boolean }
  | { readonly ask: 'download'; readonly from?: number }
  | { readonly ask: 'report'; readonly outcome: string; readonly reason: string };

export interface StateRow {
  readonly name: string;
  readonly state: ReachedState;
  /** The state was reached by a nudge instead of a start. */
  readonly nudged?: true;
  readonly happens: readonly Happening[];
  readonly follows: readonly Follows[];
}

const row = (
  state: ReachedState,
  name: string,
  happens: readonly Happening[],
  follows: readonly Follows[],
  more: { nudged?: true } = {},
): StateRow => ({ name: `${state}_${name}`, state, ...more, happens, follows });

const check = (named?: 'same' | 'new'): Follows => ({
  ask: 'check',
  ...(named === undefined ? {} : { named }),
});
const report = (outcome: string, reason: string): Follows => ({ ask: 'report', outcome, reason });
const hold = (reason: string): Happening => ({ answer: 'hold', reason });
const offer = (manifest: Readonly<Record<string, unknown>> = {}): Happening => ({
  answer: 'offer',
  manifest,
});
const other: Happening = { answer: 'offer', build: 43 };
const status = (code: number, retryAfterS?: number): Happening => ({
  answer: 'status',
  status: code,
  ...(retryAfterS === undefined ? {} : { retry_after_s: retryAfterS }),
});
const CUT: Happening = { answer: 'cut' };
const KILL: Happening = { kill: true };
const POLL: Happening = { command: 'poll' };
const NUDGE: Happening = { command: 'nudge' };
const NO_WIFI: Happening = { conditions: { unmetered_wifi: false } };
const CALL: Happening = { conditions: { in_call: true } };
const GOOD: Happening = { conditions: { unmetered_wifi: true, battery_percent: 80, in_call: false } };
const DOWNLOAD: Follows = { ask: 'download' };
const HOUR_S = 3600;
const BY_NUDGE = { nudged: true } as const;

export const STATE_ROWS: readonly StateRow[] = [
  row('idle', 'poll', [POLL], [{ ask: 'check', named: 'new', hold: true }]),
  row('idle', 'nudge', [NUDGE], [{ ask: 'check', named: 'new', hold: true }]),
  row('idle', 'conditions_change', [NO_WIFI], []),
  row('idle', 'kill', [KILL], [check('new')]),

  row('checking', 'offer', [offer()], [DOWNLOAD]),
  row('checking', 'offer_to_a_nudge', [offer()], [DOWNLOAD], BY_NUDGE),
  row('checking', 'hold', [hold('outside_cohort')], []),
  row('checking', 'hold_to_a_nudge', [hold('suspended')], [report('skipped', 'offer_gone')], BY_NUDGE),
  row(
    'checking',
    'outside_to_a_nudge',
    [hold('outside_cohort')],
    [report('skipped', 'outside_cohort')],
    BY_NUDGE,
  ),
  row(
    'checking',
    'up_to_date_to_a_nudge',
    [hold('up_to_date')],
    [report('skipped', 'already_installed')],
    BY_NUDGE,
  ),
  row('checking', 'error', [status(500)], [check()]),
  row('checking', 'cut', [CUT], [check()]),
  row('checking', 'come_back_in_an_hour', [status(503, HOUR_S)], []),
  row('checking', 'rate_limited', [status(429, HOUR_S)], []),
  row('checking', 'redirect', [status(307)], [check()]),
  row('checking', 'no_manifest', [offer({ url: 7 })], [report('fail', 'manifest_invalid')]),
  row(
    'checking',
    'older_unforced',
    [{ answer: 'offer', build: 40 }],
    [report('skipped', 'downgrade_refused')],
  ),
  row('checking', 'outside_its_bucket', [offer({ staged_rollout_percent: 0 })], []),
  row(
    'checking',
    'outside_its_bucket_to_a_nudge',
    [offer({ staged_rollout_percent: 0 })],
    [report('skipped', 'outside_cohort')],
    BY_NUDGE,
  ),
  row('checking', 'poll_and_hold', [POLL, POLL, hold('suspended')], [check('new')]),
  row('checking', 'call_begins', [CALL, offer()], [report('deferred', 'call')]),
  row('checking', 'kill', [KILL], [check('same')]),

  row('deferred', 'conditions_are_good', [GOOD], [DOWNLOAD]),
  row('deferred', 'another_reason', [CALL], [report('deferred', 'call')]),
  row('deferred', 'unknown', [{ conditions: { in_call: null } }], [report('deferred', 'unknown_conditions')]),
  row('deferred', 'poll', [POLL], [check('same')]),
  row('deferred', 'nudge', [NUDGE], [check('same')]),
  row(
    'deferred',
    'poll_and_hold',
    [POLL, hold('suspended')],
    [check('same'), report('skipped', 'offer_gone')],
  ),
  row(
    'deferred',
    'poll_and_another_build',
    [POLL, other],
    [check('same'), report('skipped', 'superseded'), check('new')],
  ),
  row('deferred', 'poll_and_the_same', [POLL, offer()], [check('same')]),
  row('deferred', 'kill', [KILL], [check('same')]),

  row('downloading', 'whole', [{ answer: 'apk' }], [check('same')]),
  row('downloading', 'gone', [status(410)], [report('skipped', 'offer_gone')]),
  row('downloading', 'busy', [status(503, HOUR_S)], []),
  row('downloading', 'rate_limited', [status(429, HOUR_S)], []),
  row('downloading', 'error', [status(500)], [DOWNLOAD]),
  row('downloading', 'cut_at_once', [CUT], [{ ask: 'download' }]),
  row('downloading', 'cut_after_bytes', [{ answer: 'apk', bytes: 500 }], [{ ask: 'download', from: 500 }]),
  row('downloading', 'wifi_is_lost', [NO_WIFI], [report('deferred', 'wifi')]),
  row('downloading', 'wifi_is_lost_and_found', [NO_WIFI, GOOD], [report('deferred', 'wifi'), DOWNLOAD]),
  row('downloading', 'call_begins', [CALL], []),
  row('downloading', 'poll', [POLL], []),
  row('downloading', 'nudge', [NUDGE], []),
  row('downloading', 'kill', [KILL], [DOWNLOAD]),

  row('confirming', 'offer', [offer()], [report('ok', 'installed')]),
  row('confirming', 'hold', [hold('suspended')], [report('skipped', 'offer_gone')]),
  row('confirming', 'another_build', [other], [report('skipped', 'superseded'), check('new')]),
  row(
    'confirming',
    'another_signer',
    [offer({ signer_fingerprint: '7'.repeat(64) })],
    [report('skipped', 'superseded'), check('new')],
  ),
  row('confirming', 'no_manifest', [offer({ revision: null })], [report('fail', 'manifest_invalid')]),
  row('confirming', 'error', [status(500)], [check('same')]),
  row('confirming', 'cut', [CUT], [check('same')]),
  row('confirming', 'come_back_in_an_hour', [status(503, HOUR_S)], []),
  row('confirming', 'call_begins', [CALL, offer()], [report('deferred', 'call')]),
  row(
    'confirming',
    'outside_its_bucket',
    [offer({ staged_rollout_percent: 0 })],
    [report('skipped', 'outside_cohort')],
  ),
  row(
    'confirming',
    'refused_by_android',
    [{ fail_install: 'INSTALL_FAILED_ABORTED' }, offer()],
    [report('fail', 'install_rejected')],
  ),
  row('confirming', 'poll', [POLL, offer()], [report('ok', 'installed'), check('new')]),
  row('confirming', 'kill', [KILL], [check('same')]),

  row('reporting', 'taken', [status(200)], []),
  row('reporting', 'never_to_be_taken', [status(409)], []),
  row('reporting', 'malformed_to_them', [status(400)], []),
  row('reporting', 'error', [status(500)], [report('ok', 'installed')]),
  row('reporting', 'cut', [CUT], [report('ok', 'installed')]),
  row('reporting', 'come_back_in_an_hour', [status(503, HOUR_S)], []),
  row('reporting', 'poll', [POLL, status(200)], [check('new')]),
  row('reporting', 'nudge', [NUDGE, status(200)], [check('new')]),
  row('reporting', 'kill', [KILL], [report('ok', 'installed'), check('new')]),
];
