/** An attempt near its end: confirming, installing. */
import type { Row } from './play.ts';
import {
  B40,
  B43,
  BROKE,
  CHANGED,
  confirming,
  failed,
  held,
  installed,
  installing,
  invalid,
  NUDGED,
  observed,
  offered,
  PENDING,
  POLL,
  RETRY,
  row,
  started,
} from './words.ts';

const BAD_WIFI = { unmetered_wifi: false };
const RUNS_40 = { installed: { version_code: 40 } };
const V42 = { version_code: 42 };

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
  row(
    'confirming: not offered any more, and an older version runs',
    confirming(),
    held('suspended', {}, RUNS_40),
  ),
  row('confirming: another build, and an older version runs', confirming(), offered(B43, RUNS_40)),
  row('confirming: no manifest, and an older version runs', confirming(), { ...invalid(), ...RUNS_40 }),
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

export const INSTALL: readonly Row[] = [...CONFIRMING, ...INSTALLING];
