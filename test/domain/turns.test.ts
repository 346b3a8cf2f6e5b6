import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { makeTurns } from '../../controller/domain/turns.ts';

test('work runs one piece after another, and a failure is told only to its own caller', async () => {
  const inTurn = makeTurns();
  const log: string[] = [];
  const slow = inTurn(async () => {
    log.push('slow begins');
    await new Promise(resolve => setImmediate(resolve));
    log.push('slow ends');
    return 1;
  });
  const failing = inTurn(() => {
    log.push('failing');
    throw new Error('no');
  });
  const last = inTurn(() => log.push('last'));
  assert.is(await slow, 1);
  await failing.then(assert.unreachable, error => assert.is(error.message, 'no'));
  await last;
  assert.equal(log, ['slow begins', 'slow ends', 'failing', 'last']);
});

test.run();
