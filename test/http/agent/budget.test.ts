/** Load shedding: how many downloads, and how many bytes a second, are taken on. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type BudgetOptions, makeBudget, type Slot, shareOf } from '../../../controller/http/agent/budget.ts';

function aBudget(over: Partial<BudgetOptions> = {}) {
  const time = { ms: 0 };
  const budget = makeBudget({
    maxDownloads: 3,
    downloadsPerDevice: 2,
    downloadBytesPerS: 0,
    monotonicMs: () => time.ms,
    ...over,
  });
  return { budget, time };
}

const entered = (given: ReturnType<ReturnType<typeof makeBudget>['enter']>): Slot => {
  if ('code' in given) throw new Error(`refused: ${given.code}`);
  return given;
};
const refusal = (given: ReturnType<ReturnType<typeof makeBudget>['enter']>) =>
  'code' in given ? [given.code, given.retryAfterS] : 'entered';

test('beyond the limit of concurrent downloads a device is refused, and admitted when one ends', () => {
  const { budget } = aBudget();
  const first = entered(budget.enter('a', 10));
  entered(budget.enter('b', 10));
  entered(budget.enter('c', 10));
  assert.equal(refusal(budget.enter('d', 10)), ['busy', 10]);
  // Thirty seconds a download over three places: the next one is told to come ten seconds later.
  assert.equal(refusal(budget.enter('e', 10)), ['busy', 20]);
  first.release(10);
  first.release(10);
  assert.is(budget.active, 2);
  entered(budget.enter('d', 10));
});

test('one device may not use all download slots', () => {
  const { budget } = aBudget();
  const first = entered(budget.enter('a', 10));
  entered(budget.enter('a', 10));
  assert.equal(refusal(budget.enter('a', 10)), ['download_limit', 10]);
  first.release(0);
  entered(budget.enter('a', 10));
});

test('reserved bytes are used up at the rate of the budget, and Retry-After says when', () => {
  const { budget, time } = aBudget({ maxDownloads: 100, downloadBytesPerS: 1000 });
  entered(budget.enter('a', 5000));
  assert.equal(refusal(budget.enter('b', 5000)), ['busy', 4]);
  time.ms += 3999;
  // Its turn was at 4 s and takes 5 s of the budget: whoever asks now comes after it.
  assert.equal(refusal(budget.enter('c', 5000)), ['busy', 6]);
  time.ms += 2;
  entered(budget.enter('b', 5000));
});

test('devices that are refused together are spread out by Retry-After', () => {
  const { budget, time } = aBudget({ maxDownloads: 1000, downloadBytesPerS: 1_000_000 });
  entered(budget.enter('first', 10_000_000));
  const waits = Array.from({ length: 300 }, (_, i) => {
    const refused = budget.enter(`device-${i}`, 10_000_000);
    return 'code' in refused ? refused.retryAfterS : 0;
  });
  // Ten seconds of budget each, until a wait would be a guess; from there on spread over five minutes.
  assert.equal(
    waits.slice(0, 60),
    Array.from({ length: 60 }, (_, i) => 9 + 10 * i),
  );
  const late = waits.slice(60);
  assert.ok(late.every(s => s > 300 && s <= 600));
  const minutes = new Set(late.map(s => Math.floor(s / 60)));
  assert.is(minutes.size >= 5, true);
  assert.ok(new Set(late).size > 120, `${new Set(late).size}`);
  // Who comes at its turn is let in, and the queue moves on.
  time.ms += 9_001;
  entered(budget.enter('device-0', 10_000_000));
});

test('the expected duration of a download is learnt from completed ones', () => {
  const { budget, time } = aBudget({ maxDownloads: 1 });
  for (let i = 0; i < 100; i += 1) {
    const slot = entered(budget.enter('a', 10));
    time.ms += 5_000;
    slot.release(10);
  }
  entered(budget.enter('a', 10));
  assert.equal(refusal(budget.enter('b', 10)), ['busy', 6]);
});

test('a device has its own share between 0 and 1, and shares are spread evenly', () => {
  const shares = Array.from({ length: 1000 }, (_, i) => shareOf(`kiosk-${i}`));
  assert.ok(shares.every(share => share >= 0 && share < 1));
  for (let tenth = 0; tenth < 10; tenth += 1)
    assert.ok(shares.filter(share => Math.floor(share * 10) === tenth).length > 60, `${tenth}`);
  assert.is(shareOf('kiosk-7'), shareOf('kiosk-7'));
});

test('over a long time no more than the budget is reserved', () => {
  const { budget, time } = aBudget({ maxDownloads: 1e6, downloadsPerDevice: 1e6, downloadBytesPerS: 1000 });
  let promised = 0;
  for (; time.ms <= 600_000; time.ms += 50) if ('release' in budget.enter('a', 7000)) promised += 7000;
  assert.ok(promised <= 600_000 + 7000 + 1000 && promised > 580_000, `${promised}`);
});

test('bytes that were reserved and not sent are given back', () => {
  const { budget } = aBudget({ downloadBytesPerS: 1000 });
  entered(budget.enter('a', 500_000)).release(200);
  entered(budget.enter('b', 500_000));
});

test.run();
