/**
 * Where Android's own tools are installed, the same files are judged by them: APKs that aapt2 compiled, zipalign aligned
 * and apksigner signed. Debian packages: aapt apksigner zipalign android-framework-res.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { codeOf, factsOf, fingerprintOf, makeApk, testKey } from '../support/apk/index.ts';

const FRAMEWORK = '/usr/share/android-framework-res/framework-res.apk';
const missingTools = (['aapt2', 'aapt', 'zipalign', 'apksigner'] as const).filter(
  tool => spawnSync('sh', ['-c', `command -v ${tool}`]).status !== 0,
);
const missing = [...missingTools, ...(existsSync(FRAMEWORK) ? [] : [FRAMEWORK])];
if (missing.length > 0) console.log(`not installed, so not asked for an opinion: ${missing.join(', ')}`);
const opinion = missing.length === 0 ? test : test.skip;

interface Source {
  readonly application?: string;
  readonly manifest?: string;
  readonly uses?: string;
  readonly library?: 'stored' | 'deflated';
}

/** Builds, aligns and signs an APK with Android's tools alone. */
function built(work: string, source: Source): Buffer {
  const inWork = (name: string): string => path.join(work, name);
  const run = (tool: string, ...args: string[]): void => {
    execFileSync(tool, args, { cwd: work, stdio: ['ignore', 'ignore', 'pipe'] });
  };
  mkdirSync(inWork('res/values'), { recursive: true });
  writeFileSync(inWork('res/values/a.xml'), '<resources><string name="label">Agent</string></resources>');
  writeFileSync(
    inWork('AndroidManifest.xml'),
    `<?xml version="1.0" encoding="utf-8"?>
<manifest xmlns:android="http://schemas.android.com/apk/res/android" package="com.nexmdm.agent"
    android:versionCode="7" android:versionName="7.1 β" ${source.manifest ?? ''}>
  <uses-sdk ${source.uses ?? 'android:minSdkVersion="26" android:targetSdkVersion="33"'}/>
  <application ${source.application ?? ''} android:hasCode="false" android:label="@string/label"/>
</manifest>`,
  );
  run('aapt2', 'compile', '-o', inWork('values.zip'), '--dir', inWork('res'));
  run(
    'aapt2',
    'link',
    '-o',
    inWork('raw.apk'),
    '-I',
    FRAMEWORK,
    '--manifest',
    inWork('AndroidManifest.xml'),
    inWork('values.zip'),
  );
  if (source.library !== undefined) {
    mkdirSync(inWork('lib/arm64-v8a'), { recursive: true });
    writeFileSync(inWork('lib/arm64-v8a/libagent.so'), Buffer.alloc(5000, 'agent'));
    const how = source.library === 'stored' ? ['-0', ''] : [];
    run('aapt', 'add', ...how, inWork('raw.apk'), 'lib/arm64-v8a/libagent.so');
  }
  run('zipalign', '-f', '-p', '4', inWork('raw.apk'), inWork('aligned.apk'));
  const { privateKey, certificate } = testKey('release');
  writeFileSync(inWork('key.pk8'), privateKey.export({ type: 'pkcs8', format: 'der' }));
  writeFileSync(inWork('key.der'), certificate);
  const key = ['--key', inWork('key.pk8'), '--cert', inWork('key.der')];
  run(
    'apksigner',
    'sign',
    ...key,
    '--v4-signing-enabled',
    'false',
    '--in',
    inWork('aligned.apk'),
    '--out',
    inWork('app.apk'),
  );
  return readFileSync(inWork('app.apk'));
}

async function inFolder(use: (work: string) => Promise<void> | void): Promise<void> {
  const work = mkdtempSync(path.join(tmpdir(), 'android-tools-'));
  try {
    await use(work);
  } finally {
    rmSync(work, { recursive: true });
  }
}

/** What aapt2 reads of a manifest, in our words. */
function badging(file: string): Record<string, unknown> {
  const text = execFileSync('aapt2', ['dump', 'badging', file], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const field = (pattern: RegExp): string | undefined => pattern.exec(text)?.[1];
  return {
    package: field(/^package: name='([^']*)'/),
    versionCode: Number(field(/versionCode='([^']*)'/)),
    versionName: field(/versionName='([^']*)'/),
    minSdk: Number(field(/^sdkVersion:'(\d+)'/m)),
    targetSdk: Number(field(/^targetSdkVersion:'(\d+)'/m)),
    debuggable: /^application-debuggable$/m.test(text),
    testOnly: /^testOnly='-1'$/m.test(text),
  };
}

const SOURCES: Record<string, [source: Source, concerns: string[]]> = {
  'a release build': [{}, []],
  'a debug build of the Run button': [
    { application: 'android:testOnly="true" android:debuggable="true"' },
    ['test_only', 'debuggable'],
  ],
  'a base APK that requires splits': [{ manifest: 'android:isSplitRequired="true"' }, ['splits_required']],
  'an old targetSdkVersion': [
    { uses: 'android:minSdkVersion="21" android:targetSdkVersion="22"' },
    ['target_sdk_low'],
  ],
  'libraries mapped from the APK': [
    { application: 'android:extractNativeLibs="false"', library: 'stored' },
    [],
  ],
  'libraries that cannot be mapped': [
    { application: 'android:extractNativeLibs="false"', library: 'deflated' },
    ['native_library_compressed'],
  ],
};

for (const [name, [source, concerns]] of Object.entries(SOURCES))
  opinion(`aapt2 and apksigner agree with us on ${name}`, () =>
    inFolder(async work => {
      const apk = built(work, source);
      const facts = await factsOf(apk);
      const { testOnly, ...theirs } = badging(path.join(work, 'app.apk'));
      const { package: id, versionCode, versionName, minSdk, targetSdk, debuggable } = facts;
      assert.equal({ package: id, versionCode, versionName, minSdk, targetSdk, debuggable }, theirs);
      assert.equal(
        facts.concerns.map(c => c.code),
        concerns,
      );
      assert.is(concerns.includes('test_only'), testOnly);
      const verified = spawnSync('apksigner', ['verify', '--print-certs', path.join(work, 'app.apk')], {
        encoding: 'utf8',
      });
      assert.is(verified.status, 0, verified.stderr);
      assert.ok(verified.stdout.includes(fingerprintOf(testKey('release'))));
    }),
  );

opinion('apksigner refuses what we refuse: a byte changed in an APK that it signed', () =>
  inFolder(async work => {
    const apk = built(work, {});
    const at = apk.indexOf('resources.arsc') + 60;
    apk.writeUInt8(apk.readUInt8(at) ^ 1, at);
    writeFileSync(path.join(work, 'app.apk'), apk);
    assert.is(spawnSync('apksigner', ['verify', path.join(work, 'app.apk')]).status, 1);
    assert.is(await codeOf(apk), 'content_digest_mismatch');
  }),
);

opinion('zipalign agrees with us on what is aligned', () =>
  inFolder(async work => {
    const content = Buffer.alloc(5000, 'agent');
    const file = path.join(work, 'app.apk');
    for (const [name, alignTo, code] of [
      ['resources.arsc', 4, undefined],
      ['resources.arsc', undefined, 'resources_misaligned'],
      ['lib/arm64-v8a/libagent.so', 4096, undefined],
      ['lib/arm64-v8a/libagent.so', 4, 'native_library_misaligned'],
    ] as const) {
      const before = { name: 'assets/odd', content: Buffer.alloc(1), stored: true, alignTo: 4 };
      const entry = { name, content, stored: true, ...(alignTo && { alignTo }) };
      const files = [before, entry];
      const apk = makeApk({ versionCode: 1, key: testKey('release'), extractNativeLibs: false, files });
      writeFileSync(file, apk);
      const { stdout } = spawnSync('zipalign', ['-c', '-v', '-p', '4', file], { encoding: 'utf8' });
      const line = stdout.split('\n').find(text => text.includes(name)) ?? '';
      const [concern] = (await factsOf(apk)).concerns;
      assert.is(concern?.code, code, name);
      assert.is(line.includes('(BAD'), code !== undefined, line);
    }
  }),
);

test('CI installs the tools, so that there at least they are asked', () => {
  const ci = readFileSync(new URL('../../.ci/run', import.meta.url), 'utf8');
  for (const part of ['aapt:aapt', 'aapt2:aapt', 'apksigner:apksigner', 'zipalign:zipalign', FRAMEWORK])
    assert.ok(ci.includes(part), part);
});

test.run();
