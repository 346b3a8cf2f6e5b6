/** An attempt on its way: deferred, downloading, verifying, confirming, installing. */
import type { Row } from './play.ts';
import {
  ago,
  B40,
  B43,
  BROKE,
  CHANGED,
  confirming,
  deferred,
  downloaded,
  downloading,
  failed,
  HOUR_MS,
  held,
  installed,
  installing,
  invalid,
  NUDGE,
  NUDGED,
  observed,
  offered,
  PENDING,
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

const CONFIRMING: readonly Row[] = [
  row('confirming: the offer stands', confirming(), offered()),
  row(
    'confirming: the offer stands with other limits',
    confirming(),
    offered({ wifi_only: false }, { conditions: BAD_WIFI }),
  ),
  row(
    'confirming: the offer stands, forced back',
    confirming({ offer: { ...B40, force_downgrade: true } }),
    offered({ ...B40, force_downgrade: true }),
  ),
  row('confirming: not offered any more', confirming(), held('suspended')),
  row(
    'confirming: its own install runs, and nothing is offered any more',
    confirming({ install_tries: 1 }),
    held('up_to_date', {}, { installed: V42 }),
  ),
  row('confirming: no answer', confirming(), failed()),
  row('confirming: no answer for the fourth time', confirming({}, {}, 3), failed()),
  row('confirming: come back later', confirming(), failed({ code: 'http_503', retry_after_ms: 60_000 })),
  row('confirming: no manifest', confirming(), invalid()),
  row('confirming: another build', confirming(), offered(B43)),
  row('confirming: another build, and a trigger waits', confirming({}, { pending: NUDGED }), offered(B43)),
  row(
    'confirming: another build, for the third time',
    confirming({}, { penalties: [{ build_id: 'b42', failures: 2, until_ms: 0 }] }),
    offered(B43),
  ),
  row('confirming: other bytes', confirming(), offered({ sha256: '99'.repeat(32) })),
  row('confirming: another signer', confirming(), offered({ signer_fingerprint: 'bb'.repeat(32) })),
  row('confirming: another version', confirming(), offered({ version_code: 44 })),
  row('confirming: the version runs', confirming(), offered({}, { installed: V42 })),
  row(
    'confirming: the version runs after an install',
    confirming({ install_tries: 1 }),
    offered({}, { installed: V42 }),
  ),
  row('confirming: a newer version runs', confirming(), offered({}, { installed: { version_code: 43 } })),
  row('confirming: outside its own bucket', confirming(), offered({ staged_rollout_percent: 0 })),
  row('confirming: a call has begun', confirming(), offered({}, { conditions: { in_call: true } })),
  row('confirming: conditions cannot be read', confirming(), offered({}, { conditions: null })),
  row('confirming: the signer cannot be read', confirming(), offered({}, { installed: { signer: null } })),
  row('confirming: the answer asks for a new token', confirming(), offered({}, { renew_token: true })),
  row('confirming: it asks again', confirming({}, {}, 2), RETRY),
  row('confirming: something broke', confirming(), BROKE),
  row('confirming: the poll is due', confirming({}, { pending: PENDING }), POLL),
  row('confirming: a late observation', confirming(), observed(BAD_WIFI)),
  row('confirming: the next process asks again', confirming({}, {}, 4), started()),
];

const INSTALLING: readonly Row[] = [
  row('installing: the new version runs', installing(), installed({ ok: true }, 42)),
  row(
    'installing: the new version runs, and failures are forgotten',
    installing(
      {},
      {
        penalties: [
          { build_id: 'b42', failures: 2, until_ms: 0 },
          { build_id: 'b41', failures: 1, until_ms: 0 },
        ],
        hold: { etag: '"none"', version_code: 41 },
        first_seen: { build_id: 'b42', at_ms: 1 },
      },
    ),
    installed({ ok: true }, 42),
  ),
  row(
    'installing: the new version runs whatever was said',
    installing(),
    installed({ ok: false, code: 'no_answer', detail: '' }, 42),
  ),
  row('installing: success was said and nothing changed', installing(), installed({ ok: true }, 41)),
  row(
    'installing: refused for a known reason',
    installing(),
    installed({ ok: false, code: 'INSTALL_FAILED_INSUFFICIENT_STORAGE', detail: 'no room' }, 41),
  ),
  row(
    'installing: refused for a reason of its vendor',
    installing(),
    installed({ ok: false, code: 'INSTALL_FAILED_OF_SOME_VENDOR', detail: '' }, 41),
  ),
  row('installing: something broke', installing(), BROKE),
  row('installing: something broke for the third time', installing({ install_tries: 3 }), BROKE),
  row('installing: the poll is due', installing(), POLL),
  row('installing: conditions change', installing(), CHANGED),
  row('installing: the next process finds the new version', installing(), started(V42)),
  row('installing: the next process finds the old version', installing(), started()),
  row(
    'installing: the next process finds the old version for the third time',
    installing({ install_tries: 3 }),
    started(),
  ),
];

export const DURING: readonly Row[] = [
  ...DEFERRED,
  ...DOWNLOADING,
  ...VERIFYING,
  ...CONFIRMING,
  ...INSTALLING,
];
