import { rename } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { faultCode } from '../../controller/domain/fault.ts';
import { type CheckIn, IMPORTED_KID, type NewDevice, NO_END_MS } from '../../controller/ports/index.ts';
import { DATABASE_FILE } from '../../controller/store/folder.ts';
import type { Store } from '../../controller/store/store.ts';
import { withFolder } from '../support/folder.ts';
import { onPostgres } from '../support/postgres.ts';
import { DAY_MS, HOUR_MS, hexOf, NOW_MS, SIGNER } from '../support/state.ts';
import { openTestStore, standingOf, withStore } from '../support/store.ts';

const device = (deviceId: string, tags: string[] = [], tokenSha256?: string): NewDevice => ({
  deviceId,
  tags,
  tokenSha256,
});
const checkIn = (deviceId: string, over: Partial<CheckIn> = {}): CheckIn => ({
  deviceId,
  atMs: NOW_MS,
  versionCode: 41,
  buildId: 'b41',
  sdk: 33,
  signer: SIGNER,
  ...over,
});

/** The same folder opened again, as after a restart. */
async function restarted(use: (store: Store) => Promise<void>, check: (store: Store) => Promise<void>) {
  await withFolder(async folder => {
    for (const step of [use, check]) {
      const store = await openTestStore({ folder, nowMs: () => NOW_MS });
      try {
        await step(store);
      } finally {
        await store.close();
      }
    }
  });
}

/** The key that its token was made with, and when. */
function keyOf(devices: Store['devices'], deviceId: string) {
  const auth = devices.auth(deviceId);
  return [auth?.kid, auth?.tokenIssuedAtMs];
}

test('an enrolled device is known at once and after a restart, with its tags', () =>
  restarted(
    async ({ devices }) => {
      assert.is(devices.auth('d1'), undefined);
      assert.equal(await devices.enrol([device('d1', ['qa', 'lab', 'qa']), device('d2')], NOW_MS), [
        { deviceId: 'd1', generation: 1, created: true, revoked: false },
        { deviceId: 'd2', generation: 1, created: true, revoked: false },
      ]);
      assert.equal(standingOf(devices, 'd1'), {
        generation: 1,
        previousGeneration: 0,
        previousUntilMs: 0,
        revoked: false,
        tags: ['lab', 'qa'],
      });
    },
    async ({ devices }) => {
      assert.equal(devices.auth('d1')?.tags, ['lab', 'qa']);
      assert.equal(standingOf(devices, 'd2'), {
        generation: 1,
        previousGeneration: 0,
        previousUntilMs: 0,
        revoked: false,
        tags: [],
      });
    },
  ));

test('enrolling a known device again updates its tags and nothing else', () =>
  withStore(async ({ devices }) => {
    await devices.enrol([device('d1', ['qa'])], NOW_MS);
    await devices.rotate('d1', 0);
    const again = await devices.enrol([device('d1', ['kiosk'])], NOW_MS + 1);
    assert.equal(again, [{ deviceId: 'd1', generation: 2, created: false, revoked: false }]);
    assert.equal(standingOf(devices, 'd1'), {
      generation: 2,
      previousGeneration: 0,
      previousUntilMs: 0,
      revoked: false,
      tags: ['kiosk'],
    });
    assert.is((await devices.get('d1'))?.enrolledAtMs, NOW_MS);
    assert.equal((await devices.list({ limit: 9, tag: 'qa' })).length, 0);
  }));

test('an import without tags keeps those of known devices', () =>
  restarted(
    async ({ devices }) => {
      await devices.enrol([device('d1', ['qa']), device('d2', ['lab'])], NOW_MS);
      const silent = ['d1', 'd3'].map(deviceId => ({ deviceId, tags: undefined }));
      await devices.enrol([...silent, device('d2', [])], NOW_MS + 1);
      assert.equal(
        ['d1', 'd2', 'd3'].map(id => devices.auth(id)?.tags),
        [['qa'], [], []],
      );
    },
    async ({ devices }) => {
      assert.equal(
        ['d1', 'd2', 'd3'].map(id => devices.auth(id)?.tags),
        [['qa'], [], []],
      );
    },
  ));

test('an import leaves a revoked device as it is: its tags, its token and its revocation', () =>
  withStore(async ({ devices }) => {
    await devices.enrol([{ ...device('d1', ['qa']), tokenSha256: hexOf('old') }], NOW_MS);
    await devices.revoke('d1', NOW_MS);
    const again = { ...device('d1', ['kiosk']), tokenSha256: hexOf('new') };
    assert.equal(await devices.enrol([again], NOW_MS + 1), [
      { deviceId: 'd1', generation: 1, created: false, revoked: true },
    ]);
    assert.equal(standingOf(devices, 'd1'), {
      generation: 1,
      previousGeneration: 0,
      previousUntilMs: 0,
      revoked: true,
      tags: ['qa'],
    });
    assert.is(devices.deviceOfToken(hexOf('new')), undefined);
    assert.equal((await devices.list({ limit: 9, tag: 'kiosk' })).length, 0);
  }));

test('a revoked device is let in again as its next generation, now and after a restart', () =>
  restarted(
    async ({ devices }) => {
      await devices.enrol([{ ...device('d1', ['qa']), tokenSha256: hexOf('old') }, device('d2')], NOW_MS);
      await devices.rotate('d1', NOW_MS + HOUR_MS);
      await devices.revoke('d1', NOW_MS);
      assert.is((await devices.counts(NOW_MS, HOUR_MS)).enrolled, 1);
      assert.is(await devices.readmit('d1'), 3);
      assert.is(await devices.readmit('d1'), undefined);
      assert.is(await devices.readmit('d2'), undefined);
      assert.is(await devices.readmit('nobody'), undefined);
      assert.equal(standingOf(devices, 'd1'), {
        generation: 3,
        previousGeneration: 0,
        previousUntilMs: 0,
        revoked: false,
        tags: ['qa'],
      });
      assert.is(devices.deviceOfToken(hexOf('old')), undefined);
      assert.is((await devices.counts(NOW_MS, HOUR_MS)).enrolled, 2);
    },
    async ({ devices }) => {
      assert.equal(standingOf(devices, 'd1'), {
        generation: 3,
        previousGeneration: 0,
        previousUntilMs: 0,
        revoked: false,
        tags: ['qa'],
      });
      assert.is((await devices.get('d1'))?.revokedAtMs, undefined);
    },
  ));

test('one id twice in an import is one device, and the last row counts', () =>
  withStore(async ({ devices }) => {
    const enrolled = await devices.enrol([device('d1', ['a']), device('d2'), device('d1', ['b'])], NOW_MS);
    assert.equal(
      enrolled.map(e => e.deviceId),
      ['d1', 'd2'],
    );
    assert.equal(devices.auth('d1')?.tags, ['b']);
  }));

test('an imported token names its device until its generation is no longer accepted', async () => {
  let now = NOW_MS;
  await withStore(
    async ({ devices }) => {
      await devices.enrol(
        [device('d1', [], hexOf('t1')), device('d2', [], hexOf('t2')), device('d3')],
        NOW_MS,
      );
      assert.is(devices.deviceOfToken(hexOf('t1')), 'd1');
      assert.is(devices.deviceOfToken(hexOf('t2')), 'd2');
      assert.is(devices.deviceOfToken(hexOf('t3')), undefined);
      await devices.rotate('d1', NOW_MS + DAY_MS);
      assert.is(devices.deviceOfToken(hexOf('t1')), 'd1');
      devices.confirmGeneration('d1', 2);
      assert.is(devices.deviceOfToken(hexOf('t1')), undefined);
      await devices.rotate('d2', NOW_MS + DAY_MS);
      now += DAY_MS;
      assert.is(devices.deviceOfToken(hexOf('t2')), undefined);
    },
    { nowMs: () => now },
  );
});

test('an imported token belongs to one device only, and a refused import leaves nothing behind', () =>
  withStore(async ({ devices }) => {
    await devices.enrol([device('d1', [], hexOf('t1'))], NOW_MS);
    const refused = async (...rows: NewDevice[]) =>
      devices.enrol(rows, NOW_MS).then(() => 'enrolled', faultCode);
    assert.is(await refused(device('ok'), device('d2', [], hexOf('t1'))), 'token_taken');
    assert.is(await refused(device('x', [], hexOf('t')), device('y', [], hexOf('t'))), 'token_taken');
    assert.is(devices.auth('ok'), undefined);
    assert.is(devices.deviceOfToken(hexOf('t')), undefined);
    assert.equal(
      (await devices.list({ limit: 9 })).map(row => row.deviceId),
      ['d1'],
    );
  }));

test('an imported token can be replaced by another import, and comes back after a restart', () =>
  restarted(
    async ({ devices }) => {
      await devices.enrol([device('d1', [], hexOf('t1'))], NOW_MS);
      await devices.enrol([device('d1', [], hexOf('t2'))], NOW_MS);
      assert.is(devices.deviceOfToken(hexOf('t1')), undefined);
      assert.is(devices.deviceOfToken(hexOf('t2')), 'd1');
    },
    async ({ devices }) => {
      assert.is(devices.deviceOfToken(hexOf('t1')), undefined);
      assert.is(devices.deviceOfToken(hexOf('t2')), 'd1');
    },
  ));

test('revocation is immediate and permanent', () =>
  restarted(
    async ({ devices }) => {
      await devices.enrol([device('d1')], NOW_MS);
      assert.is(await devices.revoke('d1', NOW_MS), true);
      assert.is(devices.auth('d1')?.revoked, true);
      assert.is(await devices.revoke('nobody', NOW_MS), false);
      assert.is(await devices.rotate('d1', 0), undefined);
    },
    async ({ devices }) => {
      assert.is(devices.auth('d1')?.revoked, true);
      assert.is((await devices.get('d1'))?.revokedAtMs, NOW_MS);
    },
  ));

test('a lost answer to a rotation locks nobody out: the same generation is issued again', () =>
  withStore(async ({ devices }) => {
    await devices.enrol([device('d1')], NOW_MS);
    assert.is(await devices.rotate('d1', NOW_MS + DAY_MS), 2);
    assert.is(await devices.rotate('d1', NOW_MS + 2 * DAY_MS), 2);
    assert.is(devices.auth('d1')?.previousUntilMs, NOW_MS + DAY_MS);
    devices.confirmGeneration('d1', 2);
    assert.is(devices.auth('d1')?.previousUntilMs, 0);
    assert.is(await devices.rotate('d1', NOW_MS + DAY_MS), 3);
    assert.is(await devices.rotate('d1', 0), 4, 'a rotation without grace is never put off');
    assert.is(devices.auth('d1')?.previousUntilMs, 0);
  }));

test('erasing a device removes its rows everywhere and keeps its old tokens dead', () =>
  restarted(
    async store => {
      const { devices, outcomes } = store;
      await devices.enrol([device('d1', ['qa'], hexOf('t1')), device('d2')], NOW_MS);
      await devices.setPushToken('d1', 'fcm');
      await devices.rotate('d1', 0);
      devices.checkIn(checkIn('d1'));
      await devices.flush();
      await outcomes.report({
        deviceId: 'd1',
        requestId: 'request-1',
        buildId: 'b42',
        outcome: 'ok',
        reason: 'installed',
        detail: undefined,
        versionCode: 42,
        timingsMs: undefined,
        atMs: NOW_MS,
      });
      await outcomes.recordDownload({
        deviceId: 'd1',
        buildId: 'b42',
        requestId: undefined,
        result: 'ok',
        status: 200,
        bytes: 1,
        atMs: NOW_MS,
        lastByte: true,
      });
      devices.checkIn(checkIn('d1', { versionCode: 42 }));
      assert.is(await devices.erase('d1'), true);
      assert.is(await devices.erase('d1'), false);
      devices.checkIn(checkIn('d1'));
      await devices.flush();
      assert.is(devices.auth('d1'), undefined);
      assert.is(devices.deviceOfToken(hexOf('t1')), undefined);
      assert.is(await devices.get('d1'), undefined);
      assert.equal(
        (await devices.list({ limit: 9 })).map(row => row.deviceId),
        ['d2'],
      );
      assert.equal(await outcomes.history('d1', 9), { reports: [], downloads: [] });
      assert.is((await devices.counts(NOW_MS, HOUR_MS)).active, 0);
    },
    async ({ devices }) => {
      const [back] = await devices.enrol([device('d1')], NOW_MS);
      assert.equal(back, { deviceId: 'd1', generation: 3, created: true, revoked: false });
      assert.equal((await devices.get('d1'))?.tags, []);
      assert.is((await devices.get('d1'))?.lastSeenMs, undefined);
      assert.is((await devices.get('d1'))?.hasPushToken, false);
    },
  ));

test('a check-in is seen by get and counts at once, and is there after a clean stop', () =>
  restarted(
    async ({ devices }) => {
      await devices.enrol([device('d1'), device('d2')], NOW_MS);
      devices.checkIn(checkIn('d1'));
      devices.checkIn(checkIn('d1', { atMs: NOW_MS + 1, versionCode: 42, buildId: undefined, sdk: 34 }));
      devices.checkIn(checkIn('stranger'));
      const row = await devices.get('d1');
      assert.equal(
        [row?.lastSeenMs, row?.versionCode, row?.buildId, row?.sdk],
        [NOW_MS + 1, 42, undefined, 34],
      );
      const scanned = async () =>
        (await devices.scan({ limit: 9 })).map(d => [d.lastSeenMs, d.versionCode, d.buildId, d.sdk]);
      assert.equal(await scanned(), [
        [NOW_MS + 1, 42, undefined, 34],
        [undefined, undefined, undefined, undefined],
      ]);
      assert.equal(await devices.counts(NOW_MS + 1, HOUR_MS), {
        enrolled: 2,
        active: 1,
        running: [{ versionCode: 42, buildId: undefined, devices: 1 }],
      });
    },
    async ({ devices }) => {
      const row = await devices.get('d1');
      assert.equal([row?.lastSeenMs, row?.versionCode, row?.sdk, row?.signer], [NOW_MS + 1, 42, 34, SIGNER]);
      assert.is((await devices.counts(NOW_MS + 1, HOUR_MS)).active, 1);
      const [scanned] = await devices.scan({ limit: 9 });
      assert.equal([scanned?.versionCode, scanned?.sdk, scanned?.signer], [42, 34, SIGNER]);
    },
  ));

test('counts are of active, unrevoked devices by what they run', () =>
  withStore(async ({ devices }) => {
    await devices.enrol(
      ['a', 'b', 'c', 'd', 'e'].map(id => device(id)),
      NOW_MS,
    );
    devices.checkIn(checkIn('a'));
    devices.checkIn(checkIn('b', { atMs: NOW_MS - HOUR_MS }));
    devices.checkIn(checkIn('c', { atMs: NOW_MS - HOUR_MS - 1 }));
    devices.checkIn(checkIn('d', { versionCode: 42, buildId: 'b42' }));
    devices.checkIn(checkIn('e', { versionCode: 42, buildId: 'other' }));
    await devices.revoke('d', NOW_MS);
    const counts = await devices.counts(NOW_MS, HOUR_MS);
    assert.is(counts.enrolled, 4);
    assert.is(counts.active, 3);
    assert.equal(
      [...counts.running].sort((x, y) => x.versionCode - y.versionCode),
      [
        { versionCode: 41, buildId: 'b41', devices: 2 },
        { versionCode: 42, buildId: 'other', devices: 1 },
      ],
    );
  }));

test('pages go through all devices in id order; scans leave revoked ones out', () =>
  withStore(async ({ devices }) => {
    const ids = Array.from({ length: 25 }, (_, n) => `d${String(n).padStart(2, '0')}`);
    await devices.enrol(
      ids.map((id, n) => device(id, n % 2 === 0 ? ['even'] : [])),
      NOW_MS,
    );
    await devices.revoke('d03', NOW_MS);
    await devices.setPushToken('d03', 'token-03');
    await devices.setPushToken('d04', 'token-04');
    await devices.setPushToken('d05', 'token-05');
    await devices.setPushToken('d05', undefined);
    await devices.setPushToken('stranger', 'x');
    const seen: string[] = [];
    for (let after: string | undefined; ; ) {
      const page = await devices.scan({ after, limit: 10 });
      seen.push(...page.map(row => row.deviceId));
      after = page.at(-1)?.deviceId;
      if (page.length < 10) break;
    }
    assert.equal(
      seen,
      ids.filter(id => id !== 'd03'),
    );
    const pushed = await devices.scan({ limit: 10, withPushToken: true });
    assert.equal(
      pushed.map(row => [row.deviceId, row.pushToken, row.tags]),
      [['d04', 'token-04', ['even']]],
    );
    const even = await devices.list({ after: 'd20', limit: 10, tag: 'even' });
    assert.equal(
      even.map(row => row.deviceId),
      ['d22', 'd24'],
    );
  }));

test('tags are replaced whole', () =>
  restarted(
    async ({ devices }) => {
      await devices.enrol([device('d1', ['qa', 'lab'])], NOW_MS);
      assert.is(await devices.setTags('d1', ['kiosk']), true);
      assert.is(await devices.setTags('stranger', ['kiosk']), false);
      assert.equal(devices.auth('d1')?.tags, ['kiosk']);
    },
    async ({ devices }) => assert.equal(devices.auth('d1')?.tags, ['kiosk']),
  ));

test('the buffer of check-ins is bounded, and an overflow is reported once', async () => {
  const faults: string[] = [];
  await withStore(
    async ({ devices }) => {
      const ids = Array.from({ length: 60 }, (_, n) => `d${n}`);
      await devices.enrol(
        ids.map(id => device(id)),
        NOW_MS,
      );
      // All in one tick: nothing can be written in between.
      for (const id of ids) devices.checkIn(checkIn(id));
      await devices.flush();
      const known = (await devices.list({ limit: 100 })).filter(row => row.lastSeenMs !== undefined);
      // 4 left with the first flush, 16 stayed in the buffer.
      assert.is(known.length, 20);
      assert.equal(faults, ['check_ins check_ins_dropped']);
    },
    { flushAt: 4, onFault: (part, fault) => faults.push(`${part} ${faultCode(fault)}`) },
  );
});

if (!onPostgres)
  test('a failed flush loses nothing, and newer check-ins are not overwritten', () =>
    withStore(async ({ devices }, folder) => {
      const file = path.join(folder, DATABASE_FILE);
      await devices.enrol([device('d1'), device('d2')], NOW_MS);
      devices.checkIn(checkIn('d1', { versionCode: 41 }));
      devices.checkIn(checkIn('d2', { versionCode: 41 }));
      await rename(file, `${file}.away`);
      const failing = devices.flush();
      devices.checkIn(checkIn('d1', { versionCode: 42, atMs: NOW_MS + 1 }));
      await failing.then(
        () => assert.unreachable('it cannot be written'),
        error => assert.is(faultCode(error), 'store_gone'),
      );
      await rename(`${file}.away`, file);
      const said = async (id: string) => (await devices.get(id))?.versionCode;
      assert.equal([await said('d1'), await said('d2')], [42, 41], 'as still waiting');
      await devices.flush();
      assert.equal([await said('d1'), await said('d2')], [42, 41], 'as written');
    }));

test('buffered check-ins of an erased device do not come back with it', () =>
  withStore(async ({ devices }) => {
    // More than one transaction takes: the last ones still wait when the flush has begun.
    const ids = Array.from({ length: 4_500 }, (_, n) => `d${String(n).padStart(4, '0')}`);
    await devices.enrol(
      ids.map(id => device(id)),
      NOW_MS,
    );
    const comesBack = async (id: string, begin: () => Promise<void>) => {
      for (const each of ids) devices.checkIn(checkIn(each));
      const flushed = begin();
      await devices.erase(id);
      await devices.enrol([device(id)], NOW_MS);
      await flushed;
      await devices.flush();
      return (await devices.get(id))?.lastSeenMs;
    };
    assert.is(await comesBack('d0007', async () => undefined), undefined, 'in the buffer');
    assert.is(await comesBack('d4499', devices.flush), undefined, 'in the middle of a flush');
    assert.is((await devices.get('d4498'))?.lastSeenMs, NOW_MS);
  }));

test('a renewal leaves the old generation good until the new one is used, however long that takes', async () => {
  let nowMs = NOW_MS;
  await withStore(
    async ({ devices }) => {
      await devices.enrol([device('d1')], NOW_MS, 'k1');
      assert.is(await devices.rotate('d1', NO_END_MS), 2);
      nowMs += 400 * DAY_MS;
      assert.is(await devices.rotate('d1', NO_END_MS), 2, 'a lost answer is given again');
      assert.equal(
        [devices.auth('d1')?.previousGeneration, devices.auth('d1')?.previousUntilMs],
        [1, NO_END_MS],
      );
      // An operator's rotation ends what the renewal left open.
      assert.is(await devices.rotate('d1', nowMs + 14 * DAY_MS), 2);
      assert.is(devices.auth('d1')?.previousUntilMs, nowMs + 14 * DAY_MS);
      assert.is(await devices.rotate('d1', NO_END_MS), 2);
      assert.is(devices.auth('d1')?.previousUntilMs, nowMs + 14 * DAY_MS, 'and no renewal takes that back');
      devices.confirmGeneration('d1', 2);
      assert.is(devices.auth('d1')?.previousUntilMs, 0);
      assert.equal(keyOf(devices, 'd1'), ['k1', NOW_MS]);
    },
    { nowMs: () => nowMs },
  );
});

test('the key of each token in use and its age are known at once and after a restart', () =>
  restarted(
    async ({ devices }) => {
      await devices.enrol([device('d1'), device('d2'), device('d3', [], hexOf('t'))], NOW_MS, 'k1');
      await devices.enrol([device('d4')], NOW_MS);
      devices.sawKid('d2', 'k2');
      devices.sawKid('stranger', 'k2');
      assert.equal(keyOf(devices, 'd2'), ['k2', NOW_MS]);
      assert.is.not(devices.auth('d1')?.slot, devices.auth('d2')?.slot);
      assert.is(devices.auth('stranger'), undefined);
      await devices.rotate('d1', 0);
      await devices.revoke('d4', NOW_MS);
    },
    async ({ devices }) => {
      assert.equal(
        [...devices.kids()].sort(),
        [
          [IMPORTED_KID, 1],
          ['k1', 1],
          ['k2', 1],
        ],
        'a revoked device counts nowhere',
      );
      assert.equal(keyOf(devices, 'd1'), ['k1', NOW_MS]);
    },
  ));

test.run();
