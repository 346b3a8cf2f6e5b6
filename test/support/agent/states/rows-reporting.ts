/** Reporting: a result is told once, however often it is sent. */
import type { Json } from './json.ts';
import type { Row } from './play.ts';
import {
  BROKE,
  CHANGED,
  deferred,
  MANUAL,
  NUDGED,
  observed,
  PENDING,
  RETRY,
  reported,
  reporting,
  row,
  started,
  verified,
  verifying,
} from './words.ts';

const OK: Json = {};
const DEFERRED: Json = { outcome: 'deferred', reason: 'wifi', version_code: 41 };
const other = (n: number, more: Readonly<Record<string, Json>> = {}): Json => ({
  request_id: `other-${n}`,
  ...more,
});
const SIXTEEN: readonly Json[] = Array.from({ length: 16 }, (_, n) => other(n));
const WRONG = verified({ ok: false, reason: 'sha256_mismatch', detail: 'x' });

export const REPORTING: readonly Row[] = [
  row('reporting: taken', reporting([OK]), reported('accepted')),
  row('reporting: taken, and a trigger waits', reporting([OK], { pending: PENDING }), reported('accepted')),
  row('reporting: taken, and the next is sent', reporting([OK, other(1)]), reported('accepted')),
  row('reporting: taken, and a renewal is due', reporting([OK], { renewal: 'due' }), reported('accepted')),
  row('reporting: never to be taken', reporting([OK]), reported('refused', { detail: 'http_409' })),
  row(
    'reporting: not taken',
    reporting([OK]),
    reported('failed', { detail: 'http_500', retry_after_ms: null }),
  ),
  row(
    'reporting: not taken for the fourth time',
    reporting([OK], { report_tries: 3 }),
    reported('failed', { detail: 'http_500', retry_after_ms: null }),
  ),
  row(
    'reporting: not taken for the fifth time, it is parked',
    reporting([OK], { report_tries: 4 }),
    reported('failed', { detail: 'http_500', retry_after_ms: null }),
  ),
  row(
    'reporting: not taken for the fifth time, and a trigger waits',
    reporting([OK], { report_tries: 4, pending: PENDING }),
    reported('failed', { detail: 'http_500', retry_after_ms: null }),
  ),
  row(
    'reporting: not taken for the twentieth time',
    reporting([OK], { report_tries: 19 }),
    reported('failed', { detail: 'http_500', retry_after_ms: null }),
  ),
  row(
    'reporting: come back later',
    reporting([OK]),
    reported('failed', { detail: 'http_503', retry_after_ms: 60_000 }),
  ),
  row(
    'reporting: an answer to another report',
    reporting([OK]),
    reported('accepted', {}, { request_id: 'other-1' }),
  ),
  row(
    'reporting: an answer to another outcome',
    reporting([OK]),
    reported('accepted', {}, { outcome: 'deferred' }),
  ),
  row('reporting: an answer, and nothing is unsent', reporting([]), reported('accepted')),
  row('reporting: the wait is over', reporting([OK], { report_in_flight: false, report_tries: 1 }), {
    type: 'report_due',
  }),
  row('reporting: somebody asks', reporting([OK]), MANUAL),
  row('reporting: conditions change', reporting([OK]), CHANGED),
  row('reporting: a late observation', reporting([OK]), observed()),
  row('reporting: a late retry', reporting([OK]), RETRY),
  row('reporting: something broke', reporting([OK]), BROKE),
  row('reporting: the next process sends it again', reporting([OK], { report_tries: 3 }), started()),
  row(
    'reporting: the next process sends it again, and a nudge waits',
    reporting([OK], { pending: NUDGED }),
    started(),
  ),
  row('reporting: the next process finds it sent', reporting([], { report_in_flight: false }), started()),
  row(
    'deferred: its report is taken',
    deferred({}, { unsent: [DEFERRED], report_in_flight: true }),
    reported('accepted', {}, { outcome: 'deferred' }),
  ),
  row(
    'verifying: a result behind one that is on its way',
    verifying({}, { unsent: [DEFERRED], report_in_flight: true }),
    WRONG,
  ),
  row(
    'verifying: a result while reports wait',
    verifying({}, { unsent: [DEFERRED], report_tries: 2 }),
    WRONG,
  ),
  row(
    'verifying: a result while one report waits',
    verifying({}, { unsent: [DEFERRED], report_tries: 1 }),
    WRONG,
  ),
  row(
    'verifying: a queue that is full now drops nothing',
    verifying({}, { unsent: [DEFERRED, ...SIXTEEN.slice(2)] }),
    WRONG,
  ),
  row(
    'verifying: a full queue drops a deferral first',
    verifying({}, { unsent: [...SIXTEEN.slice(1), other(99, { outcome: 'deferred', reason: 'wifi' })] }),
    WRONG,
  ),
  row('verifying: a full queue drops the oldest', verifying({}, { unsent: SIXTEEN }), WRONG),
];
