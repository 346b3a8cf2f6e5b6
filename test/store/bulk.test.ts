import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { withFolder } from '../support/folder.ts';
import { HOUR_MS, NOW_MS } from '../support/state.ts';
import { openTestStore, withStore } from '../support/store.ts';

const DEVICES = 100_000;
const idOf = (n: number): string => `device-${n}`;

test('a fleet of 100,000 is enrolled, checks in, is counted, and is still there after a restart', () =>
  withFolder(async folder => {
    const first = await openTestStore({ folder, nowMs: () => NOW_MS, flushAt: 30_000 });
    const all = Array.from({ length: DEVICES }, (_, n) => ({
      deviceId: idOf(n),
      tags: n % 1_000 === 0 ? ['qa'] : [],
    }));
    const enrolled = await first.devices.enrol(all, NOW_MS);
    assert.is(enrolled.filter(e => e.created && e.generation === 1).length, DEVICES);
    for (let n = 0; n < DEVICES; n += 1)
      first.devices.checkIn({
        deviceId: idOf(n),
        atMs: NOW_MS,
        versionCode: n % 10 === 0 ? 42 : 41,
        buildId: undefined,
        sdk: 33,
        signer: undefined,
      });
    await first.close();

    const second = await openTestStore({ folder, nowMs: () => NOW_MS });
    const counts = await second.devices.counts(NOW_MS, HOUR_MS);
    assert.is(counts.enrolled, DEVICES);
    assert.is(counts.active, DEVICES);
    assert.is(counts.running.find(r => r.versionCode === 42)?.devices, DEVICES / 10);
    assert.equal(second.devices.auth(idOf(5_000))?.tags, ['qa']);
    assert.is((await second.devices.list({ limit: 1_000, tag: 'qa' })).length, 100);
    const again = await second.devices.enrol(all.slice(0, 10), NOW_MS);
    assert.ok(again.every(e => !e.created));
    await second.close();
  }));

test('a large import reaches memory in pieces, and changes of its devices meanwhile come after it', () =>
  withStore(async ({ devices }) => {
    const last = idOf(19_999);
    const all = Array.from({ length: 20_000 }, (_, n) => ({ deviceId: idOf(n), tags: ['qa'] }));
    const enrolling = devices.enrol(all, NOW_MS);
    // Each is committed after the import and would find nothing in memory yet.
    const meanwhile = [
      devices.erase(last),
      devices.revoke(idOf(19_998), NOW_MS),
      devices.setTags(idOf(19_997), ['lab']),
      devices.rotate(idOf(19_996), 0),
    ];
    let partly = false;
    let ended = false;
    const look = (): void => {
      partly ||= devices.auth(idOf(0)) !== undefined && devices.auth(idOf(19_990)) === undefined;
      if (!ended) setImmediate(look);
    };
    look();
    assert.is((await enrolling).length, 20_000);
    assert.equal(await Promise.all(meanwhile), [true, true, true, 2]);
    ended = true;
    assert.ok(partly, 'nobody had a turn while the devices were shown');
    assert.is(devices.auth(last), undefined);
    assert.is(devices.auth(idOf(19_998))?.revoked, true);
    assert.equal(devices.auth(idOf(19_997))?.tags, ['lab']);
    assert.is(devices.auth(idOf(19_996))?.generation, 2);
  }));

test.run();
