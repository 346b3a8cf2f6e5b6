import { utimes } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { openDiskArtifacts } from '../../controller/artifacts/disk.ts';
import type { Build } from '../../controller/domain/release.ts';
import type { Artifacts } from '../../controller/ports/index.ts';
import { artifactUses } from '../../controller/watch/artifact-uses.ts';
import { type CopyStore, prune, pruneCopies } from '../../controller/watch/retention.ts';
import { sha256Of } from '../support/http.ts';
import { aBuild, aState, DAY_MS, NOW_MS } from '../support/state.ts';
import { withStore } from '../support/store.ts';

const KEEP = { eventsMs: 90 * DAY_MS, downloadsMs: 365 * DAY_MS, artifactsMs: 30 * DAY_MS };
const inDays = (days: number): number => NOW_MS + days * DAY_MS;

const storeIn = (folder: string): Promise<Artifacts> =>
  openDiskArtifacts({
    folder: path.join(folder, 'artifacts'),
    quotaBytes: 1e6,
    inspect: async () => undefined,
    nowMs: () => NOW_MS,
  });

/** A build whose bytes are stored since `NOW_MS`. */
async function stored(artifacts: Artifacts, versionCode: number): Promise<Build> {
  const bytes = Buffer.from(`bytes of ${versionCode}`);
  const sha256 = sha256Of(bytes);
  async function* body() {
    yield bytes;
  }
  await artifacts.put(sha256, body(), 1e6);
  const date = new Date(NOW_MS);
  await utimes((await artifacts.path(sha256)) ?? '', date, date);
  return aBuild(versionCode, { sha256 });
}

test('results and audit rows are kept for 90 days, downloads for a year', () =>
  withStore(async (store, folder) => {
    const artifacts = await storeIn(folder);
    const about = { deviceId: 'd-1', buildId: 'b42', requestId: 'request-1', atMs: NOW_MS };
    await store.devices.enrol([{ deviceId: 'd-1', tags: [] }], NOW_MS);
    await store.outcomes.report({
      ...about,
      outcome: 'ok',
      reason: 'installed',
      detail: undefined,
      versionCode: 42,
      timingsMs: undefined,
    });
    await store.outcomes.recordDownload({ ...about, result: 'ok', status: 200, bytes: 1, lastByte: true });
    await store.audit.record({ atMs: NOW_MS, actor: 'admin:a', action: 'x', subject: 'y', detail: {} });
    const keptAfter = async (days: number) => {
      await prune(
        KEEP,
        store,
        artifacts,
        artifactUses({ desired: store.desired, values: store.keyValues }),
        inDays(days),
      );
      const { reports, downloads } = await store.outcomes.history('d-1', 10);
      return [reports.length, (await store.audit.list({ limit: 10 })).length, downloads.length];
    };
    assert.equal(await keptAfter(89), [1, 1, 1]);
    assert.equal(await keptAfter(91), [0, 0, 1]);
    assert.equal(await keptAfter(364), [0, 0, 1]);
    assert.equal(await keptAfter(366), [0, 0, 0]);
  }));

test('an APK that no build was ever declared for goes after 30 days; a referenced one never does', () =>
  withStore(async (store, folder) => {
    const artifacts = await storeIn(folder);
    const [former, current, stray] = [
      await stored(artifacts, 41),
      await stored(artifacts, 42),
      await stored(artifacts, 43),
    ];
    const left = async (days: number) => {
      await prune(
        KEEP,
        store,
        artifacts,
        artifactUses({ desired: store.desired, values: store.keyValues }),
        inDays(days),
      );
      const names = new Set((await artifacts.list()).map(a => a.sha256));
      return [former, current, stray].filter(b => names.has(b.sha256)).map(b => b.buildId);
    };
    assert.equal(
      await left(1_000),
      ['b41', 'b42', 'b43'],
      'before anything is declared nothing is known to be stray',
    );
    await store.desired.apply(
      {
        revision: 'r1',
        treeHash: 't1',
        appliedAtMs: NOW_MS,
        state: aState({ builds: [current], rollout: { lastSafe: undefined } }),
        progress: undefined,
        formerBuilds: new Map([['b41', former]]),
      },
      [],
      [],
      [],
    );
    assert.equal(await left(29), ['b41', 'b42', 'b43']);
    const long = { ...KEEP, artifactsMs: 60 * DAY_MS };
    await prune(
      long,
      store,
      artifacts,
      artifactUses({ desired: store.desired, values: store.keyValues }),
      inDays(59),
    );
    assert.is((await artifacts.list()).length, 3, 'the setting decides');
    assert.equal(await left(31), ['b41', 'b42']);
    assert.equal(await left(10_000), ['b41', 'b42']);
  }));

test('a controller that does not lead keeps no copies of APKs that nothing uses', () =>
  withStore(async (store, folder) => {
    const copies = await storeIn(folder);
    const [current, stray] = [await stored(copies, 42), await stored(copies, 43)];
    const named = artifactUses({ desired: store.desired, values: store.keyValues });
    const removeStray: CopyStore['removeStray'] = async (keep, beforeMs) =>
      void (await copies.collect(keep, beforeMs));
    const left = async (days: number) => {
      await pruneCopies(KEEP.artifactsMs, { removeStray }, named, inDays(days));
      const names = new Set((await copies.list()).map(a => a.sha256));
      return [current, stray].filter(b => names.has(b.sha256)).map(b => b.buildId);
    };
    assert.equal(
      await left(1_000),
      ['b42', 'b43'],
      'before anything is declared nothing is known to be stray',
    );
    await store.desired.apply(
      {
        revision: 'r1',
        treeHash: 't1',
        appliedAtMs: NOW_MS,
        state: aState({ builds: [current], rollout: { lastSafe: undefined } }),
        progress: undefined,
        formerBuilds: new Map(),
      },
      [],
      [],
      [],
    );
    assert.equal(await left(29), ['b42', 'b43']);
    assert.equal(await left(31), ['b42']);
  }));

test.run();
