/** The artifact store on a real disk: an APK is seen whole or not at all. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, readdir, readFile, symlink, truncate, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { openDiskArtifacts } from '../../controller/artifacts/disk.ts';
import { importFolder } from '../../controller/artifacts/import-folder.ts';
import { inspectApk } from '../../controller/artifacts/inspect.ts';
import { DAY_MS, HOUR_MS } from '../../controller/domain/duration.ts';
import { Fault } from '../../controller/domain/fault.ts';
import { makeApk, testKey } from '../support/apk/index.ts';
import { withFolder } from '../support/folder.ts';
import { eventually, pieces, sha256Of } from '../support/http.ts';

const apk = makeApk({ versionCode: 42, key: testKey('release'), sizeBytes: 300_000 });
const sha256 = sha256Of(apk);
const other = makeApk({ versionCode: 43, key: testKey('release'), sizeBytes: 300_000 });

const storeIn = (folder: string, quotaBytes = 10_000_000, nowMs: () => number = Date.now) =>
  openDiskArtifacts({ folder, quotaBytes, inspect: file => inspectApk(file, async () => false), nowMs });

/** The stored file of `apk`, with one bit of it flipped. */
async function flipABit(folder: string): Promise<void> {
  const file = path.join(folder, `${sha256}.apk`);
  const bytes = await readFile(file);
  bytes[60_000] = (bytes[60_000] ?? 0) ^ 1;
  await writeFile(file, bytes);
}

async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return 'fine';
  } catch (error) {
    if (error instanceof Fault) return error.code;
    throw error;
  }
}

test('an APK streams in, is found by its hash, and is there after a restart', () =>
  withFolder(async folder => {
    const artifacts = await storeIn(folder);
    assert.equal(await artifacts.put(sha256, pieces(apk, 1000), 1e6), {
      sha256,
      sizeBytes: apk.length,
      created: true,
      repaired: false,
    });
    assert.equal(await artifacts.put(sha256, pieces(apk), 1e6), {
      sha256,
      sizeBytes: apk.length,
      created: false,
      repaired: false,
    });
    const again = await storeIn(folder);
    assert.ok(await again.has(sha256));
    assert.ok((await readFile((await again.path(sha256)) ?? '')).equals(apk));
    assert.is(await again.usedBytes(), apk.length);
    assert.equal(
      (await again.list()).map(a => [a.sha256, a.sizeBytes]),
      [[sha256, apk.length]],
    );
    assert.is(await again.path('0'.repeat(64)), undefined);
  }));

test('a truncated, oversized or wrong-hash upload leaves nothing behind', () =>
  withFolder(async folder => {
    const artifacts = await storeIn(folder);
    assert.is(await codeOf(artifacts.put(sha256, pieces(apk.subarray(0, -1)), 1e6)), 'sha256_mismatch');
    assert.is(await codeOf(artifacts.put(sha256, pieces(other), 1e6)), 'sha256_mismatch');
    assert.is(await codeOf(artifacts.put(sha256, pieces(apk), apk.length - 1)), 'too_large');
    assert.equal(await readdir(folder), []);
    assert.is(await artifacts.usedBytes(), 0);
  }));

test('a wrong body for a stored APK is refused and the stored one stays', () =>
  withFolder(async folder => {
    const artifacts = await storeIn(folder);
    await artifacts.put(sha256, pieces(apk), 1e6);
    assert.is(await codeOf(artifacts.put(sha256, pieces(other), 1e6)), 'sha256_mismatch');
    assert.ok((await readFile((await artifacts.path(sha256)) ?? '')).equals(apk));
  }));

test('an APK that Android would not accept is not stored', () =>
  withFolder(async folder => {
    const artifacts = await storeIn(folder);
    const tampered = Buffer.from(apk);
    tampered[60_000] = (tampered[60_000] ?? 0) ^ 1;
    for (const bytes of [tampered, Buffer.from('not an APK'), Buffer.alloc(0)])
      assert.is(await codeOf(artifacts.put(sha256Of(bytes), pieces(bytes), 1e6)), 'artifact_rejected');
    assert.equal(await readdir(folder), []);
    assert.is(await artifacts.usedBytes(), 0);
  }));

test('a body that breaks off leaves nothing behind', () =>
  withFolder(async folder => {
    const artifacts = await storeIn(folder);
    async function* breaking() {
      yield apk.subarray(0, 100_000);
      throw new Fault('body_aborted', 'gone', { retry: 'never' });
    }
    assert.is(await codeOf(artifacts.put(sha256, breaking(), 1e6)), 'body_aborted');
    assert.equal(await readdir(folder), []);
  }));

test('quotas hold for uploads at the same time, and free again', () =>
  withFolder(async folder => {
    const artifacts = await storeIn(folder, apk.length + 1000);
    const codes = await Promise.all([
      codeOf(artifacts.put(sha256, pieces(apk, 5000), 1e6)),
      codeOf(artifacts.put(sha256Of(other), pieces(other, 5000), 1e6)),
    ]);
    assert.ok(codes.includes('quota_exceeded'), codes.join());
    const stored = await artifacts.list();
    assert.ok(stored.length <= 1);
    await artifacts.collect(new Set(), Number.MAX_SAFE_INTEGER);
    assert.is(await artifacts.usedBytes(), 0);
    assert.is(await codeOf(artifacts.put(sha256, pieces(apk), 1e6)), 'fine');
  }));

test('the same APK uploaded twice at once is stored and counted once', () =>
  withFolder(async folder => {
    const artifacts = await storeIn(folder);
    await Promise.all([1, 2, 3].map(() => artifacts.put(sha256, pieces(apk, 7000), 1e6)));
    assert.equal(await readdir(folder), [`${sha256}.apk`]);
    assert.is(await artifacts.usedBytes(), apk.length);
  }));

test('only what nothing refers to and is old is collected', () =>
  withFolder(async folder => {
    const artifacts = await storeIn(folder);
    await artifacts.put(sha256, pieces(apk), 1e6);
    await artifacts.put(sha256Of(other), pieces(other), 1e6);
    await utimes((await artifacts.path(sha256)) ?? '', 1000, 1000);
    await utimes((await artifacts.path(sha256Of(other))) ?? '', 2000, 2000);
    assert.equal(await artifacts.collect(new Set([sha256]), 1_500_000), []);
    assert.equal(await artifacts.collect(new Set(), 1_500_000), [sha256]);
    assert.equal(
      (await artifacts.list()).map(a => a.sha256),
      [sha256Of(other)],
    );
  }));

test('a collection ends before the first deletion that its controller may not make any more', () =>
  withFolder(async folder => {
    const artifacts = await storeIn(folder);
    await artifacts.put(sha256, pieces(apk), 1e6);
    const lost = () => Promise.reject(new Fault('lease_lost', 'another leads', { retry: 'never' }));
    assert.is(await codeOf(artifacts.collect(new Set(), Date.now() + 1_000, lost)), 'lease_lost');
    assert.ok(await artifacts.has(sha256));
    assert.equal(await artifacts.collect(new Set(), Date.now() + 1_000), [sha256]);
  }));

test('kill -9 during an upload leaves a temporary file that a start sweeps an hour later', () =>
  withFolder(async folder => {
    const program = `
      import { openDiskArtifacts } from './controller/artifacts/disk.ts';
      const artifacts = await openDiskArtifacts({ folder: ${JSON.stringify(folder)}, quotaBytes: 1e9, inspect: async () => {}, nowMs: Date.now });
      async function* endless() { for (;;) { yield Buffer.alloc(65536); await new Promise(r => setTimeout(r, 5)); } }
      await artifacts.put('${sha256}', endless(), 1e9);`;
    const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', program], {
      stdio: 'inherit',
    });
    const exit = once(child, 'exit');
    await eventually(async () => (await readdir(folder)).length > 0);
    child.kill('SIGKILL');
    await exit;
    const left = await readdir(folder);
    assert.is(left.length, 1);
    assert.match(left[0] ?? '', /^\.incoming-/);
    await storeIn(folder);
    assert.equal(await readdir(folder), left, 'another controller that shares the folder may be writing it');
    const hourAgo = new Date(Date.now() - HOUR_MS);
    await utimes(path.join(folder, left[0] ?? ''), hourAgo, hourAgo);
    const artifacts = await storeIn(folder);
    assert.equal(await readdir(folder), []);
    assert.equal(await artifacts.list(), []);
    assert.is(await codeOf(artifacts.put(sha256, pieces(apk), 1e6)), 'fine');
  }));

test('an APK that was damaged on the disk is replaced by uploading it again', () =>
  withFolder(async folder => {
    const file = path.join(folder, `${sha256}.apk`);
    for (const [how, damage] of [
      ['a flipped bit', () => flipABit(folder)],
      ['a file cut short', () => truncate(file, 1000)],
      ['an empty file', () => truncate(file, 0)],
    ] as const) {
      const artifacts = await storeIn(folder, apk.length + 1000);
      await artifacts.put(sha256, pieces(apk), 1e6);
      assert.is(await artifacts.check(sha256), 'intact');
      await damage();
      assert.is(await artifacts.check(sha256), 'damaged', how);
      const again = await artifacts.put(sha256, pieces(apk), 1e6);
      assert.equal([again.created, again.repaired], [false, true], how);
      assert.ok((await readFile(file)).equals(apk), how);
      assert.is(await artifacts.check(sha256), 'intact', how);
      assert.is(await artifacts.usedBytes(), apk.length, how);
    }
  }));

test('a repair that fails leaves the store as it was', () =>
  withFolder(async folder => {
    const artifacts = await storeIn(folder, apk.length + 1000);
    await artifacts.put(sha256, pieces(apk), 1e6);
    await flipABit(folder);
    assert.is(await codeOf(artifacts.put(sha256, pieces(other), 1e6)), 'sha256_mismatch');
    assert.equal(await readdir(folder), [`${sha256}.apk`]);
    assert.is(await artifacts.usedBytes(), apk.length);
    assert.is(await codeOf(artifacts.put(sha256Of(other), pieces(other), 1e6)), 'quota_exceeded');
  }));

test('what is not stored is missing, and so is what a folder stands for', () =>
  withFolder(async folder => {
    const artifacts = await storeIn(folder);
    assert.is(await artifacts.check(sha256), 'missing');
    await mkdir(path.join(folder, `${sha256}.apk`));
    assert.equal([await artifacts.check(sha256), await artifacts.has(sha256)], ['missing', false]);
    assert.equal(await artifacts.list(), []);
  }));

test('an APK that is uploaded again on day 29 is not collected on day 31', () =>
  withFolder(async folder => {
    const startMs = Date.UTC(2026, 10, 1);
    let nowMs = startMs;
    const artifacts = await storeIn(folder, 10_000_000, () => nowMs);
    const collect = () => artifacts.collect(new Set(), nowMs - 30 * DAY_MS);
    await artifacts.put(sha256, pieces(apk), 1e6);
    await artifacts.put(sha256Of(other), pieces(other), 1e6);
    nowMs = startMs + 29 * DAY_MS;
    assert.is((await artifacts.put(sha256, pieces(apk), 1e6)).created, false);
    nowMs = startMs + 31 * DAY_MS;
    assert.equal(await collect(), [sha256Of(other)]);
    nowMs = startMs + 58 * DAY_MS;
    assert.equal(await collect(), []);
    nowMs = startMs + 60 * DAY_MS;
    assert.equal(await collect(), [sha256]);
  }));

test('an APK that is being uploaded again is not collected meanwhile', () =>
  withFolder(async folder => {
    const artifacts = await storeIn(folder, 10_000_000, () => 5_000_000);
    await artifacts.put(sha256, pieces(apk), 1e6);
    await utimes((await artifacts.path(sha256)) ?? '', 1000, 1000);
    async function* slow() {
      yield apk.subarray(0, 100_000);
      assert.equal(await artifacts.collect(new Set(), 4_000_000), []);
      yield apk.subarray(100_000);
    }
    assert.is((await artifacts.put(sha256, slow(), 1e6)).created, false);
    assert.is(await artifacts.check(sha256), 'intact');
  }));

/** A file system of 256 KiB: real ENOSPC where mounting is allowed. Undefined where it is not. */
async function withTinyDisk(use: (folder: string) => Promise<void>): Promise<boolean> {
  return withFolder(async folder => {
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', folder], { stdio: 'ignore' });
    } catch {
      return false; // not root, or no such right: the test falls back to a device that is always full
    }
    try {
      await use(folder);
    } finally {
      execFileSync('umount', ['-l', folder]);
    }
    return true;
  });
}

test('a full disk on upload is disk_full and leaves nothing behind', async () => {
  const mounted = await withTinyDisk(async folder => {
    const artifacts = await storeIn(folder);
    assert.is(await codeOf(artifacts.put(sha256, pieces(apk), 1e6)), 'disk_full');
    assert.equal(await readdir(folder), []);
    assert.is(await artifacts.usedBytes(), 0);
    const small = makeApk({ versionCode: 42, key: testKey('release') });
    assert.is(await codeOf(artifacts.put(sha256Of(small), pieces(small), 1e6)), 'fine');
  });
  if (mounted) return;
  await withFolder(async folder => {
    const full = Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });
    const artifacts = await openDiskArtifacts({
      folder,
      quotaBytes: 1e9,
      inspect: () => Promise.reject(full),
      nowMs: Date.now,
    });
    assert.is(await codeOf(artifacts.put(sha256, pieces(apk), 1e6)), 'disk_full');
    assert.equal(await readdir(folder), []);
  });
});

test('a folder that cannot be written is a clear error', () =>
  withFolder(async folder => {
    const file = path.join(folder, 'file');
    await writeFile(file, '');
    assert.is(await codeOf(storeIn(path.join(file, 'artifacts'))), 'artifact_folder_unwritable');
    assert.is(await codeOf(storeIn(file)), 'artifact_folder_unwritable');
    const locked = path.join(folder, 'locked');
    await mkdir(locked);
    await chmod(locked, 0o500);
    // Root may write anywhere.
    if (process.getuid?.() !== 0) assert.is(await codeOf(storeIn(locked)), 'artifact_folder_unwritable');
  }));

test('a folder of APKs is imported, and a bad one does not stop the others', () =>
  withFolder(async folder => {
    const from = path.join(folder, 'from');
    await mkdir(from);
    await writeFile(path.join(from, 'a.apk'), apk);
    await writeFile(path.join(from, 'b.apk'), 'nonsense');
    await writeFile(path.join(from, 'notes.txt'), 'no APK');
    await symlink(path.join(from, 'a.apk'), path.join(from, 'c.apk'));
    const artifacts = await storeIn(path.join(folder, 'to'));
    const imported = await importFolder(artifacts, from, 1e6);
    assert.equal(
      imported.map(i => [i.file, typeof i.result === 'string' ? i.result : i.result.code]),
      [
        ['a.apk', 'stored'],
        ['b.apk', 'artifact_rejected'],
        ['c.apk', 'present'],
      ],
    );
    assert.equal(
      imported.map(i => i.sizeBytes),
      [apk.length, 8, apk.length],
    );
    await flipABit(path.join(folder, 'to'));
    assert.equal(
      (await importFolder(artifacts, from, 1e6))
        .map(i => i.result)
        .filter(result => typeof result === 'string'),
      ['repaired', 'present'],
    );
    assert.is(await artifacts.check(sha256), 'intact');
    assert.is(
      await codeOf(importFolder(artifacts, path.join(folder, 'nowhere'), 1e6)),
      'import_folder_unreadable',
    );
  }));

test.run();
