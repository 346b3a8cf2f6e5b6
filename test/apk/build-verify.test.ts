/** `ota build verify`: exit codes, text for people, JSON for scripts. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { HINTS } from '../../controller/apk/index.ts';
import { renderVerdict, runBuildVerify, type VerdictView } from '../../controller/cli/build-verify.ts';
import { fingerprintOf, fixtureApk, makeApk, testKey, verdictOf } from '../support/apk/index.ts';

const key = testKey('release');
const next = testKey('release-next');
const rotated = makeApk({ versionCode: 42, versionName: '4.2.0', key, rotateTo: { key: next } });

async function run(content: Buffer | undefined, view: VerdictView = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'build-verify-'));
  try {
    const file = join(folder, 'app.apk');
    if (content !== undefined) writeFileSync(file, content);
    const printed = { out: '', err: '' };
    const exit = await runBuildVerify(file, view, {
      out: text => {
        printed.out += text;
      },
      err: text => {
        printed.err += text;
      },
    });
    return { exit, ...printed };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test('exit code 0: an accepted APK, with its facts', async () => {
  const { exit, out, err } = await run(rotated);
  assert.is(exit, 0);
  assert.is(err, '');
  for (const words of [
    '✓ accepted on SDK 26 and up',
    'com.nexmdm.agent',
    '4.2.0 (code 42)',
    'schemes     v2, v3, v3.1',
    `SDK 26 to 27     v2    ${fingerprintOf(key)}`,
    `SDK 28 to 32     v3    ${fingerprintOf(key)}`,
    `SDK 33 and up    v3.1  ${fingerprintOf(next)}`,
    `1. ${fingerprintOf(key)}`,
    'still trusted with: installed_data, shared_uid, permission, auth',
    `${rotated.length.toLocaleString('en-US')} bytes`,
  ]) {
    assert.ok(out.includes(words), `${words}\nin\n${out}`);
  }
  assert.not(out.includes('\u001b'), 'no colours unless asked');
});

test('1: a rejected APK, with code, reason and hint', async () => {
  const { exit, out } = await run(fixtureApk('v1-only'));
  assert.is(exit, 1);
  assert.match(out, /✗ rejected: v1_only\n {2}The APK has only a v1 \(JAR\) signature/);
  assert.ok(out.includes(HINTS.v1_only));
  assert.match(out, /what the file claims \(not verified\)/);
});

test('2: a file that is not there, or no file', async () => {
  const missing = await run(undefined);
  assert.is(missing.exit, 2);
  assert.is(missing.out, '');
  assert.match(missing.err, /^error: .*app\.apk.* \[file_unreadable\]\n$/);
  const quiet = { out: () => undefined, err: () => undefined };
  assert.is(await runBuildVerify(tmpdir(), {}, quiet), 2, 'a folder');
});

test('an empty file is rejected, not unreadable', async () => {
  const { exit, out } = await run(Buffer.alloc(0));
  assert.is(exit, 1);
  assert.match(out, /not_a_zip/);
});

test('--sdk judges one SDK', async () => {
  const { exit, out } = await run(rotated, { sdk: 33 });
  assert.is(exit, 0);
  assert.match(out, /accepted on SDK 33\n/);
  assert.match(out, /schemes {5}v3\.1\n/);
  assert.is((await run(rotated, { sdk: 23 })).exit, 1);
});

test('a rollback flag on an earlier key is a warning', async () => {
  assert.match((await run(fixtureApk('v3-rotated-rollback'))).out, /warning: the holder of this key/);
  assert.not.match((await run(fixtureApk('v3-rotated-once'))).out, /warning/);
});

test('--json of an accepted APK', async () => {
  const { exit, out } = await run(rotated, { json: true });
  const verdict = JSON.parse(out);
  assert.is(exit, 0);
  assert.is(verdict.accepted, true);
  assert.equal(Object.keys(verdict), [
    'accepted',
    'package',
    'version_code',
    'version_name',
    'min_sdk',
    'target_sdk',
    'debuggable',
    'size_bytes',
    'sha256',
    'schemes',
    'concerns',
    'signers',
  ]);
  assert.equal(
    verdict.signers.map((range: Record<string, unknown>) => [
      range.min_sdk,
      range.max_sdk,
      range.scheme,
      range.fingerprint,
    ]),
    [
      [26, 27, 'v2', fingerprintOf(key)],
      [28, 32, 'v3', fingerprintOf(key)],
      [33, null, 'v3.1', fingerprintOf(next)],
    ],
  );
  assert.equal(verdict.signers[2].lineage[0].capabilities, [
    'installed_data',
    'shared_uid',
    'permission',
    'auth',
  ]);
});

test('--json of a rejected APK', async () => {
  const { exit, out } = await run(fixtureApk('version-code-major'), { json: true, sdk: 30 });
  const verdict = JSON.parse(out);
  assert.is(exit, 1);
  assert.equal(Object.keys(verdict), ['accepted', 'sdk', 'code', 'message', 'hint', 'package', 'size_bytes']);
  assert.equal([verdict.accepted, verdict.sdk, verdict.code], [false, 30, 'version_code_major']);
});

test('texts in an APK cannot send control codes to the terminal', async () => {
  const apk = makeApk({ versionCode: 1, versionName: '1.0\u001b[2J\u202egpj', key });
  const text = renderVerdict(await verdictOf(apk), {});
  assert.ok(text.includes('1.0\\u001b[2J\\u202egpj'));
  assert.not(text.includes('\u001b') || text.includes('\u202e'));
});

test('colours come when asked for', async () => {
  assert.ok(renderVerdict(await verdictOf(rotated), { color: true }).includes('\u001b[32m✓'));
});

test.run();
