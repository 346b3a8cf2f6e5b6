import { statSync } from 'node:fs';
import path from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { DATABASE_FILE } from '../../controller/store/folder.ts';
import { openStore, type Store } from '../../controller/store/store.ts';
import { withFolder } from '../support/folder.ts';
import { NOW_MS } from '../support/state.ts';
import { ROWS_PER_REVISION, type StoreProcess, withStoreProcess } from '../support/store-process.ts';

const lastNumber = (child: StoreProcess, start: string): number =>
  Number(child.lines.findLast(line => line.startsWith(start))?.slice(start.length) ?? 0);

async function reopened<T>(folder: string, use: (store: Store) => Promise<T>): Promise<T> {
  const store = await openStore({ folder, nowMs: () => NOW_MS });
  try {
    return await use(store);
  } finally {
    await store.close();
  }
}

/** Everything that one transaction wrote says the same revision. */
async function wholeRevision({ desired, audit, outbox }: Store): Promise<number> {
  const applied = await desired.applied();
  const n = Number(applied?.revision.slice(1) ?? 0);
  if (applied === undefined) {
    assert.is(await desired.attempted(), undefined);
    assert.equal(await audit.list({ limit: 1 }), []);
    assert.equal(await outbox.pending('test'), []);
    return n;
  }
  assert.is((await desired.attempted())?.revision, `r${n}`);
  assert.is(applied.progress?.rampId, n);
  assert.ok(applied.state.builds.has(`b${100 + n}`));
  assert.is(applied.formerBuilds.size, n - 1);
  const audited = await audit.list({ limit: 1_000_000 });
  assert.is(audited.length, n * ROWS_PER_REVISION);
  assert.ok(audited.every(row => Number(row.detail) <= n));
  const promised = await outbox.pending('test');
  assert.is(promised.length, ROWS_PER_REVISION);
  assert.ok(promised.every(row => row.payload === n));
  return n;
}

/** Waits until the write-ahead log changes: something of the running transaction, or all of it, reached the disk. */
async function logGrown(folder: string): Promise<void> {
  const log = path.join(folder, `${DATABASE_FILE}-wal`);
  const before = statSync(log).size;
  for (const endMs = performance.now() + 10_000; statSync(log).size === before; ) {
    if (performance.now() > endMs) throw new Error('the log never grew');
    await new Promise(setImmediate);
  }
}

async function killedRound(revision: number, when: 'at once' | 'on disk'): Promise<'old' | 'new'> {
  return withFolder(folder =>
    withStoreProcess(folder, 'apply', async child => {
      await child.line(`applying ${revision}`);
      if (when === 'on disk') await logGrown(folder);
      await child.kill();
      const committed = lastNumber(child, 'applied ');
      const started = lastNumber(child, 'applying ');
      const found = await reopened(folder, wholeRevision);
      assert.ok(found === committed || found === started, `r${found}, between r${committed} and r${started}`);
      return found < started ? 'old' : 'new';
    }),
  );
}

test('kill -9 in the middle of apply leaves the old or the new state, never half', async () => {
  const left: string[] = [];
  for (const when of ['at once', 'on disk'] as const)
    for (const revision of [1, 2, 3]) left.push(await killedRound(revision, when));
  assert.ok(left.includes('old'), 'no kill ever came in the middle');
});

test('kill -9 loses no result that was answered', () =>
  withFolder(folder =>
    withStoreProcess(folder, 'report', async child => {
      await child.line('reported 40');
      await child.kill();
      const answered = lastNumber(child, 'reported ');
      const { reports } = await reopened(folder, ({ outcomes }) => outcomes.history('d1', 10_000));
      const kept = reports.length;
      assert.ok(kept >= answered && kept <= answered + 1, `${kept} of ${answered}`);
    }),
  ));

test.run();
