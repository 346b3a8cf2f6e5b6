/** Load shedding: how many downloads, and how many bytes a second, are taken on. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type BudgetOptions, makeBudget, type Slot } from '../../../controller/http/agent/budget.ts';

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

test('beyond the concurrent downloads a device is sent away, and let in when one ends', () => {
  const { budget } = aBudget();
  const first = entered(budget.enter('a', 10));
  entered(budget.enter('b', 10));
  entered(budget.enter('c', 10));
  assert.equal(refusal(budget.enter('d', 10)), ['busy', 10]);
  first.release(10);
  first.release(10);
  assert.is(budget.active, 2);
  entered(budget.enter('d', 10));
});

test('one device may not take every place', () => {
  const { budget } = aBudget();
  const first = entered(budget.enter('a', 10));
  entered(budget.enter('a', 10));
  assert.equal(refusal(budget.enter('a', 10)), ['download_limit', 10]);
  first.release(0);
  entered(budget.enter('a', 10));
});

test('promised bytes are worked off at the budget, and Retry-After says when', () => {
  const { budget, time } = aBudget({ maxDownloads: 100, downloadBytesPerS: 1000 });
  entered(budget.enter('a', 5000));
  assert.equal(refusal(budget.enter('b', 5000)), ['busy', 4]);
  time.ms += 3999;
  assert.equal(refusal(budget.enter('b', 5000)), ['busy', 1]);
  time.ms += 2;
  entered(budget.enter('b', 5000));
});

test('over a long time no more than the budget is promised', () => {
  const { budget, time } = aBudget({ maxDownloads: 1e6, downloadsPerDevice: 1e6, downloadBytesPerS: 1000 });
  let promised = 0;
  for (; time.ms <= 600_000; time.ms += 50) if ('release' in budget.enter('a', 7000)) promised += 7000;
  assert.ok(promised <= 600_000 + 7000 + 1000 && promised > 580_000, `${promised}`);
});

test('what was promised and not sent is given back', () => {
  const { budget } = aBudget({ downloadBytesPerS: 1000 });
  entered(budget.enter('a', 500_000)).release(200);
  entered(budget.enter('b', 500_000));
});

test.run();
