import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { faultCode } from '../../controller/domain/fault.ts';
import type { CheckIn, DownloadEvent, Report } from '../../controller/ports/index.ts';
import type { Store } from '../../controller/store/store.ts';
import { aState, NOW_MS } from '../support/state.ts';
import { withStore } from '../support/store.ts';

const report = (over: Partial<Report> = {}): Report => ({
  deviceId: 'd1',
  requestId: 'request-1',
  buildId: 'b42',
  outcome: 'ok',
  reason: 'installed',
  detail: undefined,
  versionCode: 42,
  timingsMs: undefined,
  atMs: NOW_MS,
  ...over,
});
const download = (over: Partial<DownloadEvent> = {}): DownloadEvent => ({
  deviceId: 'd1',
  buildId: 'b42',
  requestId: 'request-1',
  result: 'ok',
  status: 200,
  bytes: 1_000,
  atMs: NOW_MS,
  lastByte: true,
  ...over,
});
const withFleet = (use: (store: Store) => Promise<void>) =>
  withStore(async store => {
    await store.devices.enrol(
      ['d1', 'd2', 'd3'].map(deviceId => ({ deviceId, tags: [] })),
      NOW_MS,
    );
    await use(store);
  });
const deferred = report({ outcome: 'deferred', reason: 'wifi' });

test('deferred may come any number of times before one final outcome', () =>
  withFleet(async ({ outcomes }) => {
    assert.is((await outcomes.report(deferred)).verdict, 'recorded');
    assert.is((await outcomes.report({ ...deferred, reason: 'battery' })).verdict, 'recorded');
    assert.equal((await outcomes.counts('b42')).reasons, [
      { outcome: 'deferred', reason: 'battery', devices: 1, attempts: 1 },
    ]);
    assert.is((await outcomes.report(report())).verdict, 'recorded');
    const counts = await outcomes.counts('b42');
    assert.equal([counts.ok, counts.deferred, counts.reasons], [1, 0, []]);
  }));

test('the same final outcome again is repeated, a different one conflicts, a late deferral too', () =>
  withFleet(async ({ outcomes }) => {
    const fail = report({ outcome: 'fail', reason: 'install_failed' });
    assert.is((await outcomes.report(fail)).verdict, 'recorded');
    assert.is((await outcomes.report({ ...fail, atMs: NOW_MS + 9, detail: 'again' })).verdict, 'repeated');
    assert.is((await outcomes.report({ ...fail, reason: 'storage' })).verdict, 'conflict');
    assert.is((await outcomes.report(report())).verdict, 'conflict');
    assert.is((await outcomes.report(deferred)).verdict, 'conflict');
    assert.equal((await outcomes.history('d1', 9)).reports, [fail]);
  }));

test('the same result posted twice at once is recorded once', () =>
  withFleet(async ({ outcomes }) => {
    const answers = await Promise.all(Array.from({ length: 5 }, () => outcomes.report(report())));
    assert.equal(answers.map(a => a.verdict).sort(), [
      'recorded',
      'repeated',
      'repeated',
      'repeated',
      'repeated',
    ]);
    assert.is((await outcomes.counts('b42')).ok, 1);
  }));

test('an attempt is one device, one request and one build: none counts for another', () =>
  withFleet(async ({ outcomes }) => {
    for (const other of [{}, { deviceId: 'd2' }, { requestId: 'request-2' }, { buildId: 'b41' }])
      assert.is((await outcomes.report(report(other))).verdict, 'recorded');
    const { reports } = await outcomes.history('d1', 9);
    assert.is(reports.length, 3);
  }));

test('a device that has installed a build three times within a day is named with its first time', () =>
  withFleet(async ({ outcomes }) => {
    const DAY_MS = 24 * 3_600_000;
    const install = async (n: number, atMs: number) =>
      (await outcomes.report(report({ requestId: `request-${n}`, atMs }))).installsMs;
    await install(1, NOW_MS);
    await install(2, NOW_MS + 1);
    assert.equal(await outcomes.repeatedInstalls('d1', NOW_MS), []);
    assert.equal(await install(3, NOW_MS + 2), [NOW_MS + 2, NOW_MS + 1, NOW_MS]);
    assert.equal(await outcomes.repeatedInstalls('d1', NOW_MS), [
      { buildId: 'b42', installs: 3, firstAtMs: NOW_MS },
    ]);
    assert.equal(await outcomes.repeatedInstalls('d2', NOW_MS), []);
    assert.equal(await outcomes.repeatedInstalls('d1', NOW_MS + 1), []);
    assert.equal((await install(4, NOW_MS + DAY_MS)).length, 4);
  }));

test('a report and the effects it causes are committed together, and only when it is new', () =>
  withFleet(async ({ outcomes, outbox }) => {
    const effect = { topic: 'comment', key: 'pr-7', payload: null, notBeforeMs: 0 };
    await outcomes.report(report(), [effect]);
    const [row] = await outbox.pending('comment');
    assert.is(row?.key, 'pr-7');
    await outbox.done(row?.id ?? 0);
    assert.is((await outcomes.report(report(), [effect])).verdict, 'repeated');
    assert.equal(await outbox.pending('comment'), []);
  }));

test('a report of a device that was just erased is refused, not kept', () =>
  withFleet(async ({ outcomes, devices }) => {
    await devices.erase('d1');
    assert.is(await outcomes.report(report()).catch(faultCode), 'device_unknown');
    await outcomes.recordDownload(download());
    assert.equal(await outcomes.history('d1', 9), { reports: [], downloads: [] });
  }));

test('devices are counted by their last report since a moment', () =>
  withFleet(async ({ outcomes }) => {
    await outcomes.report(report({ deviceId: 'd2', requestId: 'request-0', atMs: NOW_MS - 1 }));
    await outcomes.report(report());
    await outcomes.report(report({ deviceId: 'd2', outcome: 'fail', reason: 'sha256_mismatch' }));
    await outcomes.report({ ...deferred, deviceId: 'd3' });
    assert.equal(await outcomes.counts('b42', NOW_MS), {
      ok: 1,
      confirmed: 0,
      fail: 1,
      deferred: 1,
      skipped: 0,
      verifyFail: 1,
      reasons: [
        { outcome: 'deferred', reason: 'wifi', devices: 1, attempts: 1 },
        { outcome: 'fail', reason: 'sha256_mismatch', devices: 1, attempts: 1 },
      ],
    });
    const skipped = { outcome: 'skipped', reason: 'offer_gone', requestId: 'request-2' } as const;
    await outcomes.report(report({ ...skipped, deviceId: 'd3', atMs: NOW_MS + 1 }));
    const { deferred: waiting, skipped: gone } = await outcomes.counts('b42');
    assert.equal([waiting, gone], [0, 1]);
  }));

test('one tablet that failed ten times is one failure, whatever it waited for since', () =>
  withFleet(async ({ outcomes }) => {
    await outcomes.report(report({ deviceId: 'd2' }));
    const first: boolean[] = [];
    for (let n = 0; n < 10; n += 1) {
      const fail = { outcome: 'fail', reason: 'install_failed', requestId: `request-1${n}` } as const;
      first.push((await outcomes.report(report({ ...fail, atMs: NOW_MS + n }))).first);
    }
    await outcomes.report({ ...deferred, atMs: NOW_MS + 99 });
    assert.equal(first, [true, ...Array.from({ length: 9 }, () => false)]);
    const counts = await outcomes.counts('b42');
    assert.equal([counts.ok, counts.fail, counts.deferred], [1, 1, 0]);
    assert.equal(counts.reasons, [{ outcome: 'fail', reason: 'install_failed', devices: 1, attempts: 10 }]);
  }));

test('the newest final outcome counts, also when an attempt that began earlier ended later', () =>
  withFleet(async ({ outcomes }) => {
    await outcomes.report(deferred);
    const fail = { outcome: 'fail', reason: 'timeout', requestId: 'request-2' } as const;
    await outcomes.report(report({ ...fail, atMs: NOW_MS + 1 }));
    await outcomes.report(report({ atMs: NOW_MS + 2 }));
    const counts = await outcomes.counts('b42');
    assert.equal([counts.ok, counts.fail], [1, 0]);
  }));

test('an ok counts as adoption only when a later check confirms that very build', () =>
  withFleet(async ({ outcomes, devices, desired }) => {
    const state = aState();
    await desired.apply(
      { revision: 'r1', treeHash: 't', appliedAtMs: 0, state, progress: undefined, formerBuilds: new Map() },
      [],
      [],
      [],
    );
    const says = async (over: Partial<CheckIn>): Promise<number> => {
      devices.checkIn({
        deviceId: 'd1',
        atMs: NOW_MS + 1,
        versionCode: 42,
        buildId: 'b42',
        sdk: undefined,
        signer: undefined,
        ...over,
      });
      await devices.flush();
      return (await outcomes.counts('b42')).confirmed;
    };
    // The report itself claims the wrong code: what the build declares decides.
    await outcomes.report(report({ versionCode: 41 }));
    assert.is(await says({ atMs: NOW_MS - 1 }), 0, 'a check before the report');
    assert.is(await says({ versionCode: 41, buildId: 'b41' }), 0, 'still the old version');
    assert.is(await says({ buildId: 'b42-other' }), 0, 'the same code, another build');
    assert.is(await says({ deviceId: 'd2' }), 0, 'another device');
    assert.is(await says({}), 1);
    // Its timer ran out, the install went through all the same.
    const timedOut = report({ deviceId: 'd2', outcome: 'fail', reason: 'timeout', atMs: NOW_MS + 2 });
    await outcomes.report(timedOut);
    assert.is(await says({ deviceId: 'd2', atMs: NOW_MS + 1 }), 1, 'a check before the failure');
    assert.is((await outcomes.counts('b42')).fail, 1);
    assert.is(await says({ deviceId: 'd2', atMs: NOW_MS + 3 }), 2, 'it has run the build since');
    assert.equal((await outcomes.counts('b42')).reasons, []);
    assert.is((await outcomes.counts('b42')).ok, 2);
  }));

test('every download attempt is a row with source agent-ota, and bytes sent count toward the cap', () =>
  withFleet(async ({ outcomes }) => {
    await outcomes.recordDownload(download());
    await outcomes.recordDownload(download({ status: 206, bytes: 10, atMs: NOW_MS + 5 }));
    await outcomes.recordDownload(download({ status: 200, bytes: 400, result: 'client_gone' }));
    await outcomes.recordDownload(download({ status: 304, bytes: 0 }));
    await outcomes.recordDownload(download({ status: 410, bytes: 0, result: 'build_not_offered' }));
    await outcomes.recordDownload(download({ deviceId: 'd2', buildId: 'b41', requestId: undefined }));
    const sent = (sinceMs: number, maxBytes: number) => outcomes.sentSince('d1', 'b42', sinceMs, maxBytes);
    assert.equal(await sent(NOW_MS, 1_411), { bytes: 1_410, belowFromMs: undefined });
    assert.equal(await sent(NOW_MS + 1, 10), { bytes: 10, belowFromMs: NOW_MS + 5 });
    assert.equal(await sent(NOW_MS + 6, 1), { bytes: 0, belowFromMs: undefined });
    // Less than 1,410 remain once the first row is gone, less than 10 only without the newest.
    assert.equal(await sent(NOW_MS, 1_410), { bytes: 1_410, belowFromMs: NOW_MS });
    assert.equal(await sent(NOW_MS, 10), { bytes: 1_410, belowFromMs: NOW_MS + 5 });
    assert.equal(await outcomes.downloadStats('b42'), { downloads: 2, bytes: 1_410, fails: 2 });
    const own = (await outcomes.history('d1', 9)).downloads;
    assert.equal([own.length, own.every(event => event.deviceId === 'd1')], [5, true]);
    const [newest] = (await outcomes.history('d1', 1)).downloads;
    assert.equal(newest, download({ status: 206, bytes: 10, atMs: NOW_MS + 5 }));
  }));

test('retention removes what is older, in batches, and leaves the rest', () =>
  withFleet(async ({ outcomes, audit, adoption, outbox, keyValues }) => {
    for (let n = 0; n < 1_200; n += 1) {
      // Not awaited one by one: they share transactions.
      void outcomes.report(report({ requestId: `old-${n}`, atMs: NOW_MS - 100 }));
    }
    await outcomes.report(report());
    await outcomes.recordDownload(download({ atMs: NOW_MS - 100 }));
    await outcomes.recordDownload(download());
    for (const atMs of [NOW_MS - 100, NOW_MS]) {
      await audit.record({ atMs, actor: 'admin:a', action: 'x', subject: 'y', detail: null });
      await adoption.add({ revision: 'r', buildId: 'b42', atMs, active: 1, running: 1 });
    }
    await keyValues.set('old', 'x', NOW_MS - 1);
    await keyValues.set('kept', 'x');
    await outbox.add([{ topic: 't', key: 'pending', payload: null, notBeforeMs: 0 }]);
    await outcomes.prune(NOW_MS - 50, NOW_MS - 200);
    assert.is((await outcomes.history('d1', 9)).reports.length, 1);
    assert.is((await outcomes.downloadStats('b42')).downloads, 2);
    assert.is((await audit.list({ limit: 9 })).length, 1);
    assert.is((await adoption.series('b42', 0)).length, 1);
    assert.is((await outbox.pending('t')).length, 1);
    assert.is(await keyValues.get('kept'), 'x');
    await outcomes.prune(NOW_MS - 50, NOW_MS - 50);
    assert.is((await outcomes.downloadStats('b42')).downloads, 1);
  }));

test('the history of a device comes newest first, and by the order of arrival at the same moment', () =>
  withFleet(async ({ outcomes }) => {
    await outcomes.report(report({ requestId: 'late-0001', atMs: NOW_MS + 2 }));
    await outcomes.report(report({ requestId: 'early-001', atMs: NOW_MS }));
    await outcomes.report(report({ requestId: 'late-0002', atMs: NOW_MS + 2 }));
    const { reports } = await outcomes.history('d1', 10);
    assert.equal(
      reports.map(r => r.requestId),
      ['late-0002', 'late-0001', 'early-001'],
    );
    assert.equal(
      (await outcomes.history('d1', 1)).reports.map(r => r.requestId),
      ['late-0002'],
    );
  }));

test.run();
