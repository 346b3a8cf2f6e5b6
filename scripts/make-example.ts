/**
 * Makes the two APKs under examples/apks/ and their builds under releases/builds/. It always makes the same bytes: the key
 * is a committed test key that protects nothing, and RSA signatures are deterministic.
 * Usage: node --import tsx scripts/make-example.ts
 */
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { buildDocument } from '../controller/apk/index.ts';
import { toBuild } from '../controller/yaml/convert.ts';
import { buildYaml } from '../controller/yaml/write.ts';
import { factsOf, makeApk, testKey } from '../test/support/apk/index.ts';

const root = path.resolve(import.meta.dirname, '..');

const EXAMPLES = [
  { buildId: 'b41', versionCode: 41, versionName: '4.1.0', notes: 'The build that all devices run.' },
  {
    buildId: 'b42',
    versionCode: 42,
    versionName: '4.2.0',
    notes: 'Reconnects faster after a lost network.',
  },
] as const;

for (const { buildId, notes, ...version } of EXAMPLES) {
  const key = testKey('rsa-2048');
  const apk = makeApk({ ...version, key, package: 'com.nexmdm.agent', minSdk: 26 });
  const facts = await factsOf(apk);
  const yaml = buildYaml({ ...toBuild(buildDocument(facts, buildId)), notes });
  for (const [name, content] of [
    [`examples/apks/${buildId}.apk`, apk],
    [`releases/builds/${buildId}.yaml`, yaml],
  ] as const) {
    await mkdir(path.dirname(path.join(root, name)), { recursive: true });
    await writeFile(path.join(root, name), content);
    console.log(`${name} ${content.length} bytes`);
  }
}
