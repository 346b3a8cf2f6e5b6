/** An attempt on its way: deferred, downloading, verifying. */
import type { Row } from './play.ts';
import {
  ago,
  BROKE,
  CHANGED,
  confirming,
  deferred,
  downloaded,
  downloading,
  failed,
  HOUR_MS,
  installed,
  installing,
  NUDGE,
  NUDGED,
  observed,
  POLL,
  RETRY,
  row,
  started,
  verified,
  verifying,
} from './words.ts';

const BAD_WIFI = { unmetered_wifi: false };
const V42 = { version_code: 42 };

const DEFERRED: readonly Row[] = [
  row('deferred: conditions are good', deferred({ told_reasons: ['wifi'] }), observed()),
  row('deferred: still no Wi-Fi', deferred({ told_reasons: ['wifi'] }), observed(BAD_WIFI)),
  row(
    'deferred: another reason is told, once',
    deferred({ told_reasons: ['wifi'] }),
    observed({ ...BAD_WIFI, in_call: true }),
  ),
  row(
    'deferred: two things that cannot be read are one reason',
    deferred(),
    observed({ unmetered_wifi: null, in_call: null }),
  ),
  row(
    'deferred: a deadline of zero without a first sight',
    deferred({ offer: { must_install: true, deadline_ms: 0 } }),
    observed(BAD_WIFI),
  ),
  row('deferred: the signer cannot be read', deferred(), observed({}, { signer: null })),
  row('deferred: the install went well after all', deferred({ install_tries: 1 }), observed({}, V42)),
  row('deferred: a newer version runs by now', deferred(), observed({}, { version_code: 43 })),
  row('deferred: the version runs without an install', deferred(), observed({}, V42)),
  row(
    'deferred: the install went well after all, in a call',
    deferred({ install_tries: 3 }),
    observed({ in_call: true }, V42),
  ),
  row('deferred: a third install broke', deferred({ install_tries: 3 }), observed()),
  row('deferred: a second install broke', deferred({ install_tries: 2 }), observed()),
  row(
    'deferred: a third install broke, and a call goes on',
    deferred({ install_tries: 3 }),
    observed({ in_call: true }),
  ),
  row(
    'deferred: the offer is a poll interval old',
    deferred({ checked_at_ms: ago(6 * HOUR_MS) }),
    observed(),
  ),
  row('deferred: the offer is older', deferred({ checked_at_ms: ago(6 * HOUR_MS + 1) }), observed()),
  row(
    'deferred: the offer is of a wrong clock',
    deferred({ checked_at_ms: ago(-6 * HOUR_MS - 1) }),
    observed(),
  ),
  row('deferred: it looks again each minute', deferred(), RETRY),
  row('deferred: conditions change', deferred(), CHANGED),
  row('deferred: the poll is due', deferred({}, { hold: { etag: '"none"', version_code: 41 } }), POLL),
  row('deferred: a nudge', deferred(), NUDGE),
  row('deferred: something broke', deferred(), BROKE),
  row('deferred: the next process asks with the attempt', deferred(), started()),
  row('deferred: the next process takes up the trigger', deferred({}, { pending: NUDGED }), started()),
];

const DOWNLOADING: readonly Row[] = [
  row('downloading: all is there', downloading(), downloaded('done', { bytes: 1000, ms: 5.4 })),
  row(
    'downloading: the server is busy',
    downloading(),
    downloaded('busy', { status: 429, retry_after_ms: 60_000 }),
  ),
  row(
    'downloading: the server is busy and does not say how long',
    downloading(),
    downloaded('busy', { status: 503, retry_after_ms: null }),
  ),
  row('downloading: not offered any more', downloading(), downloaded('gone', { detail: 'http_410' })),
  row(
    'downloading: no room',
    downloading(),
    downloaded('refused', { reason: 'storage', detail: '0 bytes free' }),
  ),
  row(
    'downloading: too many bytes',
    downloading(),
    downloaded('refused', { reason: 'size_mismatch', detail: 'more' }),
  ),
  row(
    'downloading: cut',
    downloading(),
    downloaded('broken', { reason: 'download_truncated', detail: 'x', retry_after_ms: null }),
  ),
  row(
    'downloading: cut for the fourth time',
    downloading({ download_tries: 3 }),
    downloaded('broken', { reason: 'timeout', detail: 'x', retry_after_ms: null }),
  ),
  row(
    'downloading: cut, with a time to come back',
    downloading(),
    downloaded('broken', { reason: 'download_failed', detail: 'http_500', retry_after_ms: 90_000 }),
  ),
  ...['download_failed', 'download_truncated', 'timeout', 'internal'].map(reason =>
    row(
      `downloading: ${reason} for the fifth time`,
      downloading({ download_tries: 4 }),
      downloaded('broken', { reason, detail: 'x', retry_after_ms: null }),
    ),
  ),
  row('downloading: Wi-Fi is lost', downloading(), observed(BAD_WIFI)),
  row('downloading: Wi-Fi is lost again', downloading({ told_reasons: ['wifi'] }), observed(BAD_WIFI)),
  row(
    'downloading: Wi-Fi is lost and a call begins',
    downloading(),
    observed({ ...BAD_WIFI, in_call: true }),
  ),
  row('downloading: a call begins', downloading(), observed({ in_call: true })),
  row('downloading: all is well', downloading(), observed()),
  row('downloading: conditions change', downloading(), CHANGED),
  row('downloading: the wait is over', downloading({ download_tries: 1 }), RETRY),
  row('downloading: the poll is due', downloading(), POLL),
  row('downloading: a nudge', downloading(), NUDGE),
  row('downloading: a verification of the same epoch', downloading(), verified({ ok: true, ms: 1 })),
  row('verifying: a download of the same epoch', verifying(), downloaded('gone', { detail: 'x' })),
  row('installing: a download of the same epoch', installing(), downloaded('gone', { detail: 'x' })),
  row(
    'verifying: genuine, after a download that was timed',
    verifying({ timings_ms: { download: 5 } }),
    verified({ ok: true, ms: 7.6 }),
  ),
  row(
    'verifying: the next process verifies again after three installs',
    verifying({ install_tries: 3 }),
    started(),
  ),
  row('confirming: no answer for the twentieth time', confirming({}, {}, 19), failed()),
  row('installing: the new version runs in a millisecond', installing(), installed({ ok: true }, 42, 1)),
  row(
    'installing: refused at length',
    installing(),
    installed({ ok: false, code: 'INSTALL_FAILED_ABORTED', detail: 'x'.repeat(300) }, 41),
  ),
  row('downloading: something broke', downloading(), BROKE),
  row('downloading: the next process looks at the device and resumes', downloading(), started()),
  row('downloading: the next process finds the version running', downloading(), started(V42)),
];

const VERIFYING: readonly Row[] = [
  row('verifying: genuine', verifying(), verified({ ok: true, ms: 7.6 })),
  row('verifying: wrong bytes', verifying(), verified({ ok: false, reason: 'sha256_mismatch', detail: 'x' })),
  row(
    'verifying: wrong for the third time',
    verifying({}, { penalties: [{ build_id: 'b42', failures: 2, until_ms: 0 }] }),
    verified({ ok: false, reason: 'signer_mismatch', detail: 'x' }),
  ),
  row(
    'verifying: the signer cannot be read',
    verifying(),
    verified({ ok: false, reason: 'unreadable', detail: 'x' }),
  ),
  row('verifying: something broke', verifying(), BROKE),
  row('verifying: something broke for the fifth time', verifying({ download_tries: 4 }), BROKE),
  row('verifying: the poll is due', verifying(), POLL),
  row('verifying: a late retry', verifying(), RETRY),
  row('verifying: the next process verifies again', verifying(), started()),
  row('verifying: the next process finds the version running', verifying(), started(V42)),
  row(
    'verifying: the next process finds its own install running',
    verifying({ install_tries: 1 }),
    started(V42),
  ),
];

export const DURING: readonly Row[] = [...DEFERRED, ...DOWNLOADING, ...VERIFYING];
