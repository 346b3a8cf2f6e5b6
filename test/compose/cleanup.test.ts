/** What a controller closes when it stops. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { makeCleanup } from '../../controller/compose/foundation.ts';

test('what was opened last is closed first, even if it is opened while the controller stops', async () => {
  const cleanup = makeCleanup();
  const closed: string[] = [];
  cleanup.add(() => closed.push('store'));
  cleanup.add(() => {
    closed.push('listeners');
    cleanup.add(() => closed.push('the loop of a takeover'));
  });
  await cleanup.run();
  assert.equal(closed, ['listeners', 'the loop of a takeover', 'store']);
  await cleanup.run();
  assert.is(closed.length, 3);
});

test('a failure to close keeps nothing else open and is thrown at the end', async () => {
  const cleanup = makeCleanup();
  const closed: string[] = [];
  cleanup.add(() => closed.push('store'));
  cleanup.add(() => Promise.reject(new Error('it is stuck')));
  const why = await cleanup.run().catch(error => (error as Error).message);
  assert.equal([why, closed], ['it is stuck', ['store']]);
});

test.run();
