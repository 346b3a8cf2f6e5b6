/** Words that rows are written with. */
import { HOUR_MS, MINUTE_MS } from '../../../../controller/domain/duration.ts';
import type { Json } from './json.ts';
import { NOW_MS } from './json.ts';
import type { Row } from './play.ts';

export { HOUR_MS, MINUTE_MS } from '../../../../controller/domain/duration.ts';

type Fields = { readonly [key: string]: Json };

export const row = (name: string, state: Fields, fact: Fields): Row => ({ name, state, fact });
export const ago = (ms: number): number => NOW_MS - ms;

// ---------------------------------------------------------------- states

export const idle = (more: Fields = {}): Fields => ({ ...more });
const phase = (name: string, more: Fields, state: Fields): Fields => ({ phase: { name, ...more }, ...state });
const withAttempt =
  (name: string) =>
  (attempt: Fields = {}, state: Fields = {}): Fields =>
    phase(name, { attempt }, state);

export const checking = (ask: Fields = {}, state: Fields = {}): Fields => phase('checking', { ask }, state);
/** The check of an attempt that waits. */
export const recheck = (attempt: Fields = {}, state: Fields = {}): Fields =>
  phase('checking', { ask: {}, attempt }, state);
export const deferred = withAttempt('deferred');
export const downloading = withAttempt('downloading');
export const verifying = withAttempt('verifying');
export const installing = (attempt: Fields = {}, state: Fields = {}): Fields =>
  phase('installing', { attempt: { install_tries: 1, ...attempt } }, state);
export const confirming = (attempt: Fields = {}, state: Fields = {}, tries = 0): Fields =>
  phase('confirming', { attempt, tries }, state);
export const reporting = (unsent: readonly Json[], state: Fields = {}): Fields =>
  phase('reporting', { request_id: 'attempt-1' }, { unsent, report_in_flight: true, ...state });

export const NUDGED: Fields = { request_id: 'nudge-1', trigger: 'nudge', nudged_build_id: 'b42' };
export const PENDING: Fields = { request_id: 'later-1', trigger: 'manual' };

// ---------------------------------------------------------------- facts

export const offered = (offer: Fields = {}, more: Fields = {}): Fields => ({
  type: 'checked',
  answer: { kind: 'offer', offer, pace: { interval_ms: 6 * HOUR_MS, jitter_ms: 36 * MINUTE_MS } },
  conditions: {},
  installed: {},
  renew_token: false,
  ...more,
});
const answered =
  (kind: string) =>
  (answer: Fields = {}, more: Fields = {}): Fields => ({
    type: 'checked',
    answer: { kind, ...answer },
    conditions: null,
    installed: {},
    renew_token: false,
    ...more,
  });
export const held = (reason: string, more: Fields = {}, rest: Fields = {}): Fields =>
  answered('hold')({ reason, etag: '"none"', pace: null, ...more }, rest);
export const failed = (more: Fields = {}): Fields =>
  answered('failed')({ code: 'http_500', retry_after_ms: null, ...more });
export const invalid = (more: Fields = {}): Fields =>
  answered('invalid')({ reason: 'manifest_invalid', detail: 'url type', build_id: 'b42', ...more });
export const POLL: Fields = { type: 'asked', trigger: 'poll' };
export const MANUAL: Fields = { type: 'asked', trigger: 'manual' };
export const NUDGE: Fields = { type: 'nudged', request_id: 'nudge-2', build_id: 'b42' };
export const RETRY: Fields = { type: 'retry_due' };
export const CHANGED: Fields = { type: 'conditions_changed' };
export const BROKE: Fields = { type: 'broke', code: 'package_manager', message: 'it died' };
export const observed = (conditions: Fields = {}, installed: Fields = {}): Fields => ({
  type: 'observed',
  conditions,
  installed,
});
export const started = (installed: Fields = {}, state = 'kept'): Fields => ({
  type: 'started',
  installed,
  state,
});
export const downloaded = (kind: string, more: Fields = {}): Fields => ({
  type: 'downloaded',
  result: { kind, ...more },
});
export const verified = (result: Fields): Fields => ({ type: 'verified', result });
export const installed = (result: Fields, version: number, ms = 1234.4): Fields => ({
  type: 'installed',
  result,
  installed: { version_code: version },
  ms,
});
export const reported = (kind: string, more: Fields = {}, rest: Fields = {}): Fields => ({
  type: 'reported',
  request_id: 'attempt-1',
  outcome: 'ok',
  result: { kind, ...more },
  ...rest,
});

export const B43: Fields = { build_id: 'b43', version_code: 43, sha256: '43'.repeat(32) };
export const B40: Fields = { build_id: 'b40', version_code: 40, sha256: '40'.repeat(32) };
