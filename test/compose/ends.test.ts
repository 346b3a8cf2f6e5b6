/** What a controller closes when it stops. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { makeEnds } from '../../controller/compose/ground.ts';

test('what was opened last is closed first, also what is opened while the controller stops', async () => {
  const ends = makeEnds();
  const closed: string[] = [];
  ends.add(() => closed.push('store'));
  ends.add(() => {
    closed.push('listeners');
    ends.add(() => closed.push('the loop of a takeover'));
  });
  await ends.run();
  assert.equal(closed, ['listeners', 'the loop of a takeover', 'store']);
  await ends.run();
  assert.is(closed.length, 3);
});

test('one that fails keeps no other open, and is told at the end', async () => {
  const ends = makeEnds();
  const closed: string[] = [];
  ends.add(() => closed.push('store'));
  ends.add(() => Promise.reject(new Error('it is stuck')));
  const why = await ends.run().catch(error => (error as Error).message);
  assert.equal([why, closed], ['it is stuck', ['store']]);
});

test.run();
