import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { DeviceAuth } from '../../controller/ports/index.ts';
import { makeDb } from '../../controller/store/db.ts';
import { loadRegistry } from '../../controller/store/load-registry.ts';
import { Registry } from '../../controller/store/registry.ts';
import { withFolder } from '../support/folder.ts';
import { DAY_MS, hexOf, NOW_MS } from '../support/state.ts';
import { engineOf, openTestStore } from '../support/store.ts';

const DEVICES = 23;
const idOf = (n: number): string => `d-${String(n).padStart(2, '0')}`;

test('every device, its token, tags, key and last check-in come back, whatever the size of a page', () =>
  withFolder(async folder => {
    const store = await openTestStore({ folder, nowMs: () => NOW_MS });
    const ids = Array.from({ length: DEVICES }, (_, n) => idOf(n));
    await store.devices.enrol(
      ids.map((deviceId, n) => ({
        deviceId,
        tags: n % 3 === 0 ? ['qa', `"quoted" \\ ${n}`] : [],
        tokenSha256: n === 7 ? hexOf('imported') : undefined,
      })),
      NOW_MS,
      'k1',
    );
    for (const [n, deviceId] of ids.entries())
      if (n % 2 === 0)
        store.devices.checkIn({
          deviceId,
          atMs: NOW_MS - n,
          versionCode: 41 + (n % 4),
          buildId: n % 4 === 0 ? undefined : `b${n}`,
          sdk: 33,
          signer: undefined,
        });
    await store.devices.flush();
    await store.devices.revoke(idOf(3), NOW_MS);
    await store.devices.rotate(idOf(4), NOW_MS + DAY_MS);
    // Which slot a device has says nothing: halves of a large fleet are read at once.
    const known = (auth: DeviceAuth | undefined) => ({ ...auth, slot: undefined });
    const before = ids.map(id => known(store.devices.auth(id)));
    const counts = await store.devices.counts(NOW_MS, DAY_MS);
    const kids = store.devices.kids();
    await store.close();

    for (const page of [1, 7, 11, DEVICES, 10_000]) {
      const db = makeDb(await engineOf(folder));
      try {
        const registry = new Registry();
        await loadRegistry(db, registry, page);
        assert.equal(
          ids.map(id => known(registry.auth(id))),
          before,
          `pages of ${page}`,
        );
        const byVersion = (all: typeof counts) =>
          [...all.running].sort(
            (a, b) => a.versionCode - b.versionCode || (a.buildId ?? '').localeCompare(b.buildId ?? ''),
          );
        const loaded = registry.counts(NOW_MS - DAY_MS);
        assert.equal([loaded.enrolled, loaded.active], [counts.enrolled, counts.active]);
        assert.equal(byVersion(loaded), byVersion(counts));
        assert.equal(registry.kids(), kids);
        assert.is(registry.deviceOfToken(hexOf('imported'), NOW_MS), idOf(7));
      } finally {
        await db.close();
      }
    }
  }));

test.run();
