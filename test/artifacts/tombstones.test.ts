/** What was deleted from an object store, on several controllers. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { openTombstones } from '../../controller/artifacts/tombstones.ts';
import { HOUR_MS } from '../../controller/domain/duration.ts';
import { hexOf, NOW_MS } from '../support/state.ts';
import { withStore } from '../support/store.ts';

const apk = hexOf('an APK');

test('an APK that one controller deletes and another receives again at once is not deleted an hour later', () =>
  withStore(async ({ keyValues }) => {
    let nowMs = NOW_MS;
    const first = await openTombstones(keyValues, () => nowMs);
    const second = await openTombstones(keyValues, () => nowMs);
    await first.set(apk);
    // The second controller has not been told of the deletion yet.
    await second.clear(apk);
    await first.refresh();
    await second.refresh();
    nowMs += 2 * HOUR_MS;
    assert.equal([first.has(apk), second.has(apk), first.due()], [false, false, []]);
  }));

test('an APK whose object another controller is deleting is refused, also before this controller is told', () =>
  withStore(async ({ keyValues }) => {
    let nowMs = NOW_MS;
    const first = await openTombstones(keyValues, () => nowMs);
    const second = await openTombstones(keyValues, () => nowMs);
    await first.set(apk);
    nowMs += 2 * HOUR_MS;
    assert.ok(await first.claim(apk));
    const refused = await second.clear(apk).catch(error => (error as { code?: string }).code);
    assert.is(refused, 'object_going');
  }));

test.run();
