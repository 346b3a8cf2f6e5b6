/** Checking: every answer, to a check of its own and to one that a waiting attempt asked. */
import type { Row } from './play.ts';
import {
  ago,
  B40,
  B43,
  BROKE,
  checking,
  failed,
  HOUR_MS,
  held,
  invalid,
  MINUTE_MS,
  NUDGED,
  offered,
  PENDING,
  recheck,
  row,
  started,
} from './words.ts';

const RUNS_40 = { installed: { version_code: 40 } };
const RUNS_42 = { installed: { version_code: 42 } };
const paused = (failures: number, leftMs: number) => ({
  penalties: [{ build_id: 'b42', failures, until_ms: ago(-leftMs) }],
});
/** At 0 % every bucket is outside. */
const OUTSIDE = { staged_rollout_percent: 0 };

export const CHECKING: readonly Row[] = [
  row(
    'checking: an offer is downloaded',
    checking({}, { check_failures: 2, hold: { etag: '"none"', version_code: 41 } }),
    offered(),
  ),
  row('checking: an offer to a nudge keeps its name', checking(NUDGED), offered()),
  row('checking: the answer asks for a new token', checking(), offered({}, { renew_token: true })),
  row(
    'checking: asked for a new token again',
    checking({}, { renewal: 'drawn' }),
    offered({}, { renew_token: true }),
  ),
  row(
    'checking: the first sight is remembered',
    checking({}, { first_seen: { build_id: 'b42', at_ms: ago(HOUR_MS) } }),
    offered(),
  ),
  row(
    'checking: the first sight of another build is not this one’s',
    checking({}, { first_seen: { build_id: 'b41', at_ms: ago(HOUR_MS) } }),
    offered(),
  ),
  row(
    'checking: a first sight in the near future stands',
    checking({}, { first_seen: { build_id: 'b42', at_ms: ago(-10 * MINUTE_MS) } }),
    offered(),
  ),
  row(
    'checking: a first sight in the far future begins again',
    checking({}, { first_seen: { build_id: 'b42', at_ms: ago(-10 * MINUTE_MS - 1) } }),
    offered(),
  ),
  row('checking: a trigger since is asked about first', checking({}, { pending: PENDING }), offered()),
  row(
    'checking: a parked report is sent after an answer',
    checking({}, { unsent: [{}], report_tries: 5 }),
    held('ahead'),
  ),

  row(
    'checking: hold, outside the cohort',
    checking({}, { first_seen: { build_id: 'b42', at_ms: 1 } }),
    held('outside_cohort'),
  ),
  row(
    'checking: hold, suspended, keeps the first sight',
    checking({}, { first_seen: { build_id: 'b42', at_ms: 1 } }),
    held('suspended'),
  ),
  row(
    'checking: hold without an ETag and with a pace',
    checking({}, { hold: { etag: '"none"', version_code: 40 } }),
    held('ahead', { etag: null, pace: { interval_ms: HOUR_MS, jitter_ms: 1000 } }),
  ),
  row('checking: hold, and a trigger waits', checking({}, { pending: PENDING }), held('ahead')),
  row('checking: a nudge is answered, up to date', checking(NUDGED), held('up_to_date', {}, RUNS_42)),
  row('checking: a nudge is answered, outside the cohort', checking(NUDGED), held('outside_cohort')),
  row('checking: a nudge is answered, suspended', checking(NUDGED), held('suspended')),
  row('checking: hold ends an attempt that waits', recheck(), held('ahead')),
  row('checking: up to date ends an attempt that waits', recheck(), held('up_to_date', {}, RUNS_42)),
  row(
    'checking: up to date after the attempt’s own install',
    recheck({ install_tries: 1 }),
    held('up_to_date', {}, RUNS_42),
  ),
  row('checking: outside the cohort ends an attempt that waits', recheck(), held('outside_cohort')),

  row('checking: no manifest, build known', checking(), invalid()),
  row('checking: no manifest, build unknown', checking(), invalid({ build_id: null })),
  row('checking: a URL that is refused', checking(), invalid({ reason: 'url_refused' })),
  row('checking: no manifest ends an attempt that waits', recheck(), invalid()),

  row('checking: no answer', checking(), failed()),
  row('checking: no answer for the third time', checking({}, { check_failures: 2 }), failed()),
  row('checking: no answer for the thirtieth time', checking({}, { check_failures: 29 }), failed()),
  row('checking: come back later', checking(), failed({ code: 'http_503', retry_after_ms: 120_000 })),
  row('checking: no answer to a nudge, which is not forgotten', checking(NUDGED), failed()),
  row(
    'checking: no answer to a nudge, and a trigger waits',
    checking(NUDGED, { pending: PENDING }),
    failed(),
  ),
  row('checking: no answer to an attempt that waits', recheck(), failed()),
  row('checking: an attempt that waits comes back later', recheck(), failed({ retry_after_ms: 600_000 })),
  row(
    'checking: a nudged check of an attempt goes unanswered',
    { phase: { name: 'checking', ask: NUDGED, attempt: {} } },
    failed(),
  ),
  row('checking: the check broke', checking(), BROKE),
  row('checking: the check of an attempt broke', recheck(), BROKE),

  row('checking: the offered version runs', checking(), offered({}, RUNS_42)),
  row(
    'checking: the offered version runs after an install',
    recheck({ install_tries: 1 }),
    offered({}, RUNS_42),
  ),
  row('checking: an older version', checking(), offered(B40)),
  row('checking: an older version, forced', checking(), offered({ ...B40, force_downgrade: true })),
  row('checking: outside its own bucket', checking(), offered(OUTSIDE)),
  row('checking: outside its own bucket, nudged', checking(NUDGED), offered(OUTSIDE)),
  row('checking: outside its own bucket, and an attempt waits', recheck(), offered(OUTSIDE)),
  row(
    'checking: outside its own bucket, and a trigger waits',
    checking({}, { pending: PENDING }),
    offered(OUTSIDE),
  ),

  row('checking: in a pause after failures', checking({}, paused(3, HOUR_MS)), offered()),
  row('checking: a millisecond of the pause is left', checking({}, paused(3, 1)), offered()),
  row('checking: the pause is over', checking({}, paused(3, 0)), offered()),
  row(
    'checking: a pause that a wrong clock made is no pause',
    checking({}, paused(3, 7 * HOUR_MS)),
    offered(),
  ),
  row('checking: another build is not paused', checking({}, paused(3, HOUR_MS)), offered(B43)),

  row('checking: no Wi-Fi', checking(), offered({}, { conditions: { unmetered_wifi: false } })),
  row(
    'checking: nothing is as it should be',
    checking(),
    offered({}, { conditions: { unmetered_wifi: false, battery_percent: 3, in_call: true } }),
  ),
  row('checking: conditions that cannot be read', checking(), offered({}, { conditions: null })),
  row('checking: a signer that cannot be read', checking(), offered({}, { installed: { signer: null } })),
  row(
    'checking: a signer that cannot be read, and no Wi-Fi',
    checking(),
    offered({}, { conditions: { unmetered_wifi: false }, installed: { signer: null } }),
  ),
  row(
    'checking: the first version of all has a signer too',
    checking(),
    offered({}, { installed: { version_code: 1, signer: null } }),
  ),
  row(
    'checking: nothing is installed, so no signer is missing',
    checking(),
    offered({}, { installed: { version_code: 0, signer: null } }),
  ),
  row(
    'checking: the deadline has passed',
    checking({}, { first_seen: { build_id: 'b42', at_ms: ago(HOUR_MS) } }),
    offered({ must_install: true, deadline_ms: HOUR_MS }, { conditions: { unmetered_wifi: false } }),
  ),
  row(
    'checking: the deadline has not passed',
    checking(),
    offered({ must_install: true, deadline_ms: HOUR_MS }, { conditions: { unmetered_wifi: false } }),
  ),

  row(
    'checking: an attempt that waited goes on',
    recheck({ told_reasons: ['wifi'], download_tries: 2 }),
    offered({ revision: 'r2' }),
  ),
  row(
    'checking: an attempt that waited waits on',
    recheck({ told_reasons: ['wifi'] }),
    offered({}, { conditions: { unmetered_wifi: false } }),
  ),
  row('checking: another build than the attempt’s', recheck(), offered(B43)),
  row('checking: another build, and a trigger waits', recheck({}, { pending: PENDING }), offered(B43)),
  row('checking: other bytes than the attempt’s', recheck(), offered({ sha256: '99'.repeat(32) })),
  row(
    'checking: another signer than the attempt’s',
    recheck(),
    offered({ signer_fingerprint: 'bb'.repeat(32) }),
  ),
  row('checking: another version of the attempt’s build', recheck(), offered({ version_code: 44 })),

  row(
    'checking: another build than the attempt’s, and an older version runs',
    recheck(),
    offered(B43, RUNS_40),
  ),
  row('checking: outside its own bucket, and an older version runs', recheck(), offered(OUTSIDE, RUNS_40)),
  row('checking: no manifest ends an attempt, and an older version runs', recheck(), {
    ...invalid(),
    ...RUNS_40,
  }),
  row('checking: the next process asks again in the same name', checking(NUDGED), started()),
  row('checking: the next process asks again with the attempt', recheck(), started()),
];
