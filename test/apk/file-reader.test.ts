/** Reading an APK from disk: exact ranges, and errors for files that are gone. */
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { verifyApk } from '../../controller/apk/index.ts';
import { openFileReader } from '../../controller/artifacts/file-reader.ts';
import { factsOf, makeApk, testKey } from '../support/apk/index.ts';

async function withFile(content: Buffer, use: (path: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'file-reader-'));
  try {
    const path = join(folder, 'app.apk');
    writeFileSync(path, content);
    await use(path);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function rejects(work: Promise<unknown>, expected: RegExp): Promise<void> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  assert.match(String(error), expected);
}

test('ranges are read exactly', () =>
  withFile(Buffer.from('0123456789'), async path => {
    const reader = await openFileReader(path);
    assert.is(reader.size, 10);
    assert.is((await reader.read(3, 4)).toString(), '3456');
    const target = Buffer.alloc(2);
    await reader.readInto(target, 8);
    assert.is(target.toString(), '89');
    await rejects(reader.read(8, 4), /ends before byte 12/);
    await reader.close();
  }));

test('a folder is not a file', () => rejects(openFileReader(tmpdir()), /not a regular file/));

test('from disk and from memory the verdict is the same', async () => {
  const apk = makeApk({ versionCode: 1, key: testKey(), sizeBytes: 2_500_000 });
  await withFile(apk, async path => {
    const reader = await openFileReader(path);
    const verdict = await verifyApk(reader);
    await reader.close();
    assert.equal(verdict, { ok: true, facts: await factsOf(apk) });
  });
});

test('a file that shrinks while it is verified is an I/O error', async () => {
  const apk = makeApk({ versionCode: 1, key: testKey(), sizeBytes: 2_500_000 });
  await withFile(apk, async path => {
    const reader = await openFileReader(path);
    truncateSync(path, 1000);
    await rejects(verifyApk(reader), /ends before byte/);
    await reader.close();
  });
});

test.run();
