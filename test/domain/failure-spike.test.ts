/** What counts as a spike of failures: distinct devices, enough of them, surely above 5 %. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { isNewSpike, isSpike, spikeCounts } from '../../controller/domain/failure-spike.ts';
import { HOUR_MS, NOW_MS } from '../support/state.ts';

test('the table: failed of ended', () => {
  for (const [failed, ended, expected] of [
    [2, 2, false], // two broken tablets
    [3, 3, true],
    [3, 12, true],
    [3, 20, false], // 15 %, but it may as well be 5
    [6, 40, true],
    [5, 100, false], // exactly 5 %
    [12, 100, true],
    [60, 1_000, false],
    [75, 1_000, true],
    [0, 0, false],
    [0, 5_000, false],
  ] as const)
    assert.is(isSpike({ failed, ended }), expected, `${failed} of ${ended}`);
});

test('what speaks against neither the build nor its bytes counts on no side', () => {
  const counts = spikeCounts({
    ok: 10,
    failed: [
      { reason: 'download_failed', devices: 50 },
      { reason: 'install_failed', devices: 2 },
      { reason: 'sha256_mismatch', devices: 3 },
      { reason: 'storage', devices: 9 },
    ],
  });
  assert.equal(counts, {
    failed: 5,
    ended: 15,
    reasons: [
      { reason: 'sha256_mismatch', devices: 3 },
      { reason: 'install_failed', devices: 2 },
    ],
  });
});

test('a continuing spike is reported once; one of another build or after six calm hours is reported again', () => {
  const last = { buildId: 'b42', atMs: NOW_MS };
  assert.is(isNewSpike(undefined, 'b42', NOW_MS), true);
  assert.is(isNewSpike(last, 'b42', NOW_MS + 6 * HOUR_MS - 1), false);
  assert.is(isNewSpike(last, 'b42', NOW_MS + 6 * HOUR_MS), true);
  assert.is(isNewSpike(last, 'b43', NOW_MS + 1), true);
});

test.run();
