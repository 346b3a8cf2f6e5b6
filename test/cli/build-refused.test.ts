/** `ota build add` and `ota build verify` on APKs that are signed but that Android does not install. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type ApkOptions, makeApk, testKey } from '../support/apk/index.ts';
import { ota } from '../support/cli.ts';
import { withFolder } from '../support/folder.ts';
import { anApk } from '../support/http.ts';
import { otaProgram } from '../support/programs.ts';
import { releaseFiles, writeReleases } from '../support/releases.ts';
import { aRollout } from '../support/state.ts';

const b41 = await anApk(41);
const CONTENT = Buffer.from('content, content, content, content, content, content');
const apkWith = (more: Partial<ApkOptions>): Buffer =>
  makeApk({ versionCode: 42, key: testKey('release'), ...more });

const inReleases = (use: (cwd: string) => Promise<void>): Promise<void> =>
  withFolder(async cwd => {
    const rollout = aRollout({
      current: 'b41',
      lastSafe: undefined,
      exposure: { kind: 'percent', percent: 100 },
    });
    await writeReleases(path.join(cwd, 'releases'), releaseFiles({ builds: [b41.build], rollout }));
    await use(cwd);
  });

const KINDS: [code: string, apk: Buffer, says: RegExp, hint: RegExp][] = [
  [
    'test_only',
    apkWith({ testOnly: true }),
    /refused: the manifest says android:testOnly="true", and Android installs such an APK only with `adb install -t` \[test_only\]/,
    /hint: Build a release variant with `\.\/gradlew assembleRelease`/,
  ],
  [
    'splits_required',
    apkWith({ splitsRequired: 'manifest' }),
    /refused: the manifest requires split APKs, and Android does not install this APK without them \[splits_required\]/,
    /hint: Build one universal APK: .*bundletool build-apks --mode=universal/,
  ],
  [
    'resources_compressed',
    apkWith({ files: [{ name: 'resources.arsc', content: CONTENT }] }),
    /refused: resources\.arsc is compressed; with targetSdkVersion 34, Android 11 and newer do not install it \[resources_compressed\]/,
    /hint: Do not compress resources\.arsc when you repackage\. Run `zipalign -p 4` and then sign again\./,
  ],
  [
    'native_library_compressed',
    apkWith({ extractNativeLibs: false, files: [{ name: 'lib/arm64-v8a/libagent.so', content: CONTENT }] }),
    /refused: lib\/arm64-v8a\/libagent\.so is compressed, but the manifest says android:extractNativeLibs="false" \[native_library_compressed\]/,
    /hint: .*useLegacyPackaging = true.*zipalign -p 4/,
  ],
];

for (const [code, apk, says, hint] of KINDS)
  test(`build add refuses ${code} with what a developer has to do, and writes nothing`, () =>
    inReleases(async cwd => {
      await writeFile(path.join(cwd, 'app.apk'), apk);
      const { code: exit, out, err } = await ota(['build', 'add', 'app.apk'], { cwd });
      assert.equal([exit, out], [1, '']);
      assert.match(err, says);
      assert.match(err, hint);
      assert.equal(await readdir(path.join(cwd, 'releases/builds')), ['b41.yaml']);
    }));

test('build verify exits 1, and still shows what the APK is', () =>
  withFolder(async cwd => {
    for (const [code, apk] of KINDS) {
      await writeFile(path.join(cwd, 'app.apk'), apk);
      const { code: exit, out } = await ota(['build', 'verify', 'app.apk'], { cwd });
      assert.is(exit, 1);
      assert.match(out, new RegExp(`✗ not installable: ${code}\n`));
      assert.match(out, /package {5}com\.nexmdm\.agent\n.*42\.0\.0 \(code 42\)/);
      const json = JSON.parse((await ota(['build', 'verify', 'app.apk', '--json'], { cwd })).out);
      assert.equal([json.accepted, json.code, json.version_code], [false, code, 42]);
      assert.equal([json.concerns[0].severity, json.concerns[0].hint], ['error', json.hint]);
    }
  }));

test('an APK that is already declared is not refused, because the fleet may run it', () =>
  inReleases(async cwd => {
    const [, apk] = KINDS[0] ?? [];
    await writeFile(path.join(cwd, 'app.apk'), apk ?? '');
    const plain = apkWith({});
    await writeFile(path.join(cwd, 'plain.apk'), plain);
    assert.is((await ota(['build', 'add', 'plain.apk'], { cwd })).code, 0);
    const file = path.join(cwd, 'releases/builds/b42.yaml');
    const { out } = await ota(['build', 'verify', 'app.apk', '--json'], { cwd });
    const { sha256, size_bytes } = JSON.parse(out);
    const yaml = (await readFile(file, 'utf8'))
      .replace(/sha256: .*/, `sha256: ${sha256}`)
      .replace(/size_bytes: .*/, `size_bytes: ${size_bytes}`);
    await writeFile(file, yaml);
    const again = await ota(['build', 'add', 'app.apk'], { cwd });
    assert.is(again.code, 0, again.err);
    assert.match(again.err, /warning: the manifest says android:testOnly="true".*\[test_only\]/);
    assert.match(again.out, /already declares this APK/);
  }));

test('a warning is shown and refuses nothing', () =>
  inReleases(async cwd => {
    await writeFile(path.join(cwd, 'app.apk'), apkWith({ targetSdk: 22, minSdk: 21, debuggable: true }));
    const verified = await ota(['build', 'verify', 'app.apk'], { cwd });
    assert.is(verified.code, 0);
    assert.match(
      verified.out,
      /! warning: target_sdk_low\n.*Android 14 \(SDK 34\) and newer.*\n.*hint: Raise/,
    );
    assert.match(verified.out, /debuggable {2}yes/);
    const added = await ota(['build', 'add', 'app.apk'], { cwd });
    assert.is(added.code, 0);
    assert.match(added.err, /warning: .*\[target_sdk_low\]/);
    assert.match(added.err, /warning: .*\[debuggable\]/);
  }));

test('build verify and build add read a named pipe', () =>
  inReleases(async cwd => {
    const { apk, build } = await anApk(42);
    await writeFile(path.join(cwd, 'real.apk'), apk);
    const viaPipe = async (...argv: string[]) => {
      const pipe = path.join(cwd, `pipe-${argv.join('-')}`);
      await once(spawn('mkfifo', [pipe]), 'exit');
      const writer = spawn('sh', ['-c', 'cat real.apk > "$0"', pipe], { cwd });
      const ran = await ota([...argv.slice(0, 2), pipe, ...argv.slice(2)], { cwd });
      if (writer.exitCode === null) await once(writer, 'exit');
      return ran;
    };
    const verified = await viaPipe('build', 'verify', '--json');
    assert.equal([verified.code, JSON.parse(verified.out).sha256], [0, build.sha256]);
    const added = await viaPipe('build', 'add');
    assert.is(added.code, 0, added.err);
    assert.ok((await readFile(path.join(cwd, 'releases/builds/b42.yaml'), 'utf8')).includes(build.sha256));
  }));

test('build verify reads the shell’s <(…), and leaves no copy behind', () =>
  withFolder(async cwd => {
    await writeFile(path.join(cwd, 'app.apk'), b41.apk);
    const script = `exec '${process.execPath}' '${otaProgram()}' build verify --json <(cat '${cwd}/app.apk')`;
    const child = spawn('bash', ['-c', script], { env: { ...process.env, TMPDIR: cwd } });
    let out = '';
    child.stdout.on('data', piece => {
      out += piece;
    });
    const [exit] = await once(child, 'close');
    assert.is(exit, 0);
    assert.is(JSON.parse(out).sha256, b41.build.sha256);
    assert.equal(
      (await readdir(cwd)).filter(name => name.startsWith('ota-apk-')),
      [],
    );
  }));

test.run();
