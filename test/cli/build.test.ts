import { readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { parse } from 'yaml';
import { ota, otaProcess } from '../support/cli.ts';
import { withController } from '../support/controller.ts';
import { withFolder } from '../support/folder.ts';
import { anApk, sha256Of } from '../support/http.ts';
import { releaseFiles, writeReleases } from '../support/releases.ts';
import { aRollout } from '../support/state.ts';

const b41 = await anApk(41);
const b42 = await anApk(42);

/** A folder with b41 declared and fully out, and the APK of b42 beside it. */
const withApk = (use: (folder: string, builds: () => Promise<string[]>) => Promise<void>): Promise<void> =>
  withFolder(async folder => {
    const rollout = aRollout({
      current: 'b41',
      lastSafe: undefined,
      exposure: { kind: 'percent', percent: 100 },
    });
    await writeReleases(path.join(folder, 'releases'), releaseFiles({ builds: [b41.build], rollout }));
    await writeFile(path.join(folder, 'app.apk'), b42.apk);
    await use(folder, () => readdir(path.join(folder, 'releases', 'builds')));
  });

test('build add writes the facts of an APK as a build that validates', () =>
  withApk(async (cwd, builds) => {
    const { code, out, err } = await otaProcess(['build', 'add', 'app.apk', '--notes', 'fixes: Wi-Fi'], {
      cwd,
    });
    assert.is(code, 0, err);
    assert.is(out, 'wrote releases/builds/b42.yaml\nnext: ota promote b42 --percent 1\n');
    assert.match(err, /OTA_ADMIN_TOKEN is not set, so the APK was not uploaded/);
    const text = await readFile(path.join(cwd, 'releases/builds/b42.yaml'), 'utf8');
    assert.match(text, /^apiVersion: /, 'no schema lies beside it, so no link is written');
    const written = parse(text);
    assert.is(written.sha256, sha256Of(b42.apk));
    assert.is(written.version_code, 42);
    assert.is(written.signer_fingerprint, b42.build.signerFingerprint);
    assert.is(written.notes, 'fixes: Wi-Fi');
    assert.equal(await builds(), ['b41.yaml', 'b42.yaml']);
    assert.is((await ota(['validate'], { cwd })).code, 0);
    const again = await ota(['build', 'add', 'app.apk'], { cwd });
    assert.is(again.code, 0);
    assert.match(again.out, /already declares this APK/);
    assert.is(await readFile(path.join(cwd, 'releases/builds/b42.yaml'), 'utf8'), text);
  }));

test('build add refuses other facts under a known id, a taken version and a rejected APK, and writes nothing', () =>
  withApk(async (cwd, builds) => {
    const taken = await ota(['build', 'add', 'app.apk', '--id', 'b41'], { cwd });
    assert.is(taken.code, 1);
    assert.match(
      taken.err,
      /b41\.yaml already exists with other facts \[build_facts_edited\]\n {2}a build cannot change/,
    );
    await writeFile(path.join(cwd, 'same.apk'), b41.apk);
    const twice = await ota(['build', 'add', 'same.apk', '--id', 'other'], { cwd });
    assert.is(twice.code, 1);
    assert.match(twice.err, /error duplicate_version_code[\s\S]*would be invalid; nothing was written/);
    const bytes = Buffer.from(b42.apk);
    const middle = bytes.length >> 1;
    bytes.writeUInt8(bytes.readUInt8(middle) ^ 1, middle);
    await writeFile(path.join(cwd, 'bad.apk'), bytes);
    const bad = await ota(['build', 'add', 'bad.apk'], { cwd });
    assert.is(bad.code, 1);
    assert.match(bad.err, /^refused: .+ \[\w+\]\n {2}hint: /);
    assert.equal(await builds(), ['b41.yaml']);
  }));

test('a file that is missing, a folder or no APK: cannot read is 2, rejected is 1', () =>
  withApk(async cwd => {
    const missing = await ota(['build', 'add', 'nope.apk'], { cwd });
    assert.equal(
      [missing.code, missing.err],
      [2, 'error: cannot read nope.apk: there is no such file [file_unreadable]\n'],
    );
    assert.match((await ota(['build', 'add', 'releases'], { cwd })).err, /it is a folder/);
    assert.is((await ota(['build', 'verify', 'app.apk'], { cwd })).code, 0);
    assert.is((await ota(['build', 'verify', 'releases/rollout.yaml'], { cwd })).code, 1);
    assert.is((await ota(['build', 'verify', 'nope.apk'], { cwd })).code, 2);
    const json = await ota(['build', 'verify', 'app.apk', '--json', '--sdk', '33'], { cwd });
    assert.is(JSON.parse(json.out).sha256, sha256Of(b42.apk));
  }));

test('with a token the APK is stored in the controller before the file is written', () =>
  withApk(cwd =>
    withController(async journey => {
      const fresh = await anApk(77);
      await writeFile(path.join(cwd, 'new.apk'), fresh.apk);
      const options = { cwd, url: journey.url, token: journey.adminToken };
      const { code, out, err } = await ota(['build', 'add', 'new.apk', '--json'], options);
      assert.is(code, 0, err);
      assert.equal([JSON.parse(out).uploaded, JSON.parse(out).written], [true, true]);
      const stored = await journey.admin('GET', '/v1/artifacts');
      assert.ok(stored.json.artifacts.some((a: { sha256: string }) => a.sha256 === sha256Of(fresh.apk)));
      assert.match((await ota(['build', 'add', 'new.apk', '--upload'], options)).err, /already has this APK/);
      await writeFile(path.join(cwd, 'next.apk'), (await anApk(78)).apk);
      const local = await ota(['build', 'add', 'next.apk', '--no-upload', '--json'], options);
      assert.is(JSON.parse(local.out).uploaded, false);
      assert.is(
        (await journey.admin('GET', '/v1/artifacts')).json.artifacts.length,
        stored.json.artifacts.length,
      );
    }),
  ));

test('when the upload fails nothing is written', () =>
  withApk(async (cwd, builds) => {
    const none = await ota(['build', 'add', 'app.apk', '--upload'], { cwd });
    assert.match(none.err, /\[token_missing\]/);
    const down = await ota(['build', 'add', 'app.apk'], {
      cwd,
      url: 'http://127.0.0.1:9',
      token: 'x',
    });
    assert.is(down.code, 2);
    assert.match(down.err, /\[controller_unreachable\]/);
    assert.equal(await builds(), ['b41.yaml']);
  }));

test.run();
