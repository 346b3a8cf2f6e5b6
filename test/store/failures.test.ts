import path from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { FailureGroup, FailureQuery, Report } from '../../controller/ports/index.ts';
import { DATABASE_FILE } from '../../controller/store/folder.ts';
import { openKnex } from '../../controller/store/sqlite.ts';
import type { Store } from '../../controller/store/store.ts';
import { onPostgres } from '../support/postgres.ts';
import { NOW_MS } from '../support/state.ts';
import { withStore } from '../support/store.ts';

const QUERY: FailureQuery = { buildId: 'b42', versionCode: 42 };

let requests = 0;
const nextRequest = (): string => {
  requests += 1;
  return `request-${requests}`;
};
const fails = (deviceId: string, over: Partial<Report> = {}): Report => ({
  deviceId,
  requestId: nextRequest(),
  buildId: 'b42',
  outcome: 'fail',
  reason: 'install_failed',
  detail: undefined,
  versionCode: 41,
  timingsMs: undefined,
  atMs: NOW_MS,
  ...over,
});

const seen = ({ devices }: Store, deviceId: string, sdk: number, versionCode: number) =>
  devices.checkIn({
    deviceId,
    atMs: NOW_MS,
    versionCode,
    buildId: `b${versionCode}`,
    sdk,
    signer: undefined,
  });

/** d1 failed twice and recovered; d2 and d3 failed in their own ways; d4 is well; d5 never checked in. */
const withFailures = (use: (store: Store, folder: string) => Promise<void>) =>
  withStore(async (store, folder) => {
    const ids = ['d1', 'd2', 'd3', 'd4', 'd5'];
    await store.devices.enrol(
      ids.map(deviceId => ({ deviceId, tags: [] })),
      NOW_MS,
    );
    seen(store, 'd1', 33, 42);
    seen(store, 'd2', 29, 41);
    seen(store, 'd3', 29, 40);
    seen(store, 'd4', 33, 42);
    await store.devices.flush();
    for (const report of [
      fails('d1', { atMs: NOW_MS - 2_000 }),
      fails('d1', { atMs: NOW_MS - 1_000, reason: 'sha256_mismatch' }),
      fails('d2'),
      fails('d3', { versionCode: 40, detail: 'INSTALL_FAILED_OLDER_SDK' }),
      fails('d4', { outcome: 'ok', reason: 'installed', versionCode: 42 }),
      fails('d4', { buildId: 'b41' }),
      fails('d5', { atMs: NOW_MS - 5_000 }),
    ])
      await store.outcomes.report(report);
    await use(store, folder);
  });

test('each device counts once, by its newest failed attempt; who runs the build by now has recovered', () =>
  withFailures(async ({ failures }) => {
    const by = (group: FailureGroup, query: Partial<FailureQuery> = {}) =>
      failures.count({ ...QUERY, ...query }, group);
    assert.equal(await by('reason'), [
      { key: 'install_failed', devices: 3, recovered: 0 },
      { key: 'sha256_mismatch', devices: 1, recovered: 1 },
    ]);
    assert.equal(await by('sdk'), [
      { key: 29, devices: 2, recovered: 0 },
      { key: undefined, devices: 1, recovered: 0 },
      { key: 33, devices: 1, recovered: 1 },
    ]);
    assert.equal(await by('from_version'), [
      { key: 41, devices: 3, recovered: 1 },
      { key: 40, devices: 1, recovered: 0 },
    ]);
    assert.equal(await by('reason', { sdk: 33 }), [{ key: 'sha256_mismatch', devices: 1, recovered: 1 }]);
    assert.equal(await by('sdk', { reason: 'install_failed', fromVersion: 40 }), [
      { key: 29, devices: 1, recovered: 0 },
    ]);
    assert.equal(await by('reason', { sinceMs: NOW_MS - 1_500 }), [
      { key: 'install_failed', devices: 2, recovered: 0 },
      { key: 'sha256_mismatch', devices: 1, recovered: 1 },
    ]);
  }));

test('the devices come page by page in the order of their ids', () =>
  withFailures(async ({ failures }) => {
    const first = await failures.devices(QUERY, { limit: 2 });
    const second = await failures.devices(QUERY, { after: 'd2', limit: 2 });
    assert.equal(
      [...first, ...second].map(d => [d.deviceId, d.reason, d.fromVersion, d.sdk, d.recovered]),
      [
        ['d1', 'sha256_mismatch', 41, 33, true],
        ['d2', 'install_failed', 41, 29, false],
        ['d3', 'install_failed', 40, 29, false],
        ['d5', 'install_failed', 41, undefined, false],
      ],
    );
    assert.is(second[0]?.detail, 'INSTALL_FAILED_OLDER_SDK');
    assert.equal(await failures.devices({ ...QUERY, buildId: 'b99' }, { limit: 9 }), []);
  }));

if (!onPostgres)
  test('neither reads a table from end to end', () =>
    withFailures(async (store, folder) => {
      const db = openKnex(path.join(folder, DATABASE_FILE), ['query_only = ON'], 1);
      try {
        const plan = async (sql: string): Promise<string> =>
          ((await db.raw(`explain query plan ${sql}`)) as { detail: string }[]).map(r => r.detail).join('\n');
        const failed = await plan(
          "select device_id from attempts where build_id = 'b42' and outcome = 'fail' and device_id > 'd' order by device_id",
        );
        assert.match(failed, /SEARCH attempts USING (COVERING )?INDEX attempts_build_id_outcome_device_id/);
        const applied = await plan(
          "select * from audit where action = 'apply' and id < 9 order by id desc limit 5",
        );
        assert.match(applied, /SEARCH audit USING INDEX audit_action_id_index/);
        assert.not.match(failed + applied, /SCAN|TEMP B-TREE/);
      } finally {
        await db.destroy();
      }
      assert.ok(store);
    }));

test.run();
