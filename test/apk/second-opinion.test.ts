/** Where Android's apksigner is installed, both verifiers judge the same files. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  codeOf,
  factsOf,
  fingerprintOf,
  fixtureApk,
  makeApk,
  type SigningPlan,
  signZip,
  testKey,
  unsignedApk,
} from '../support/apk/index.ts';

const key = testKey('release');
const next = testKey('release-next');
const archive = unsignedApk({ versionCode: 1, minSdk: 28 });
const sign = (plan: SigningPlan): Buffer => signZip(archive, plan);

/**
 * Debian's version is of 2021: it does not know v3.1, and crashes on RSA-PSS. So neither is asked
 * about here; the fixtures' v3.1 signatures are its own, moved. It also accepts v3 alone with a
 * minSdkVersion below 28, which no Android 7 or 8 can verify; we refuse that (`v2_missing`).
 */
const CASES: Record<string, Buffer> = {
  ...Object.fromEntries(
    [
      'v2-rsa-2048',
      'v2-ec-p256',
      'v2-dsa-2048',
      'v2-two-signers',
      'v3-ec-p384',
      'v2-v3-rsa-4096',
      'v3-rotated-once',
      'v2-v3-rotated-twice',
      'v3-verity-ec-p256',
      'unsigned',
    ].map(name => [name, fixtureApk(name)]),
  ),
  'our v2 and v3': makeApk({ versionCode: 1, minSdk: 24, key }),
  'our rotation': makeApk({ versionCode: 1, minSdk: 24, key: next, lineage: [{ key }] }),
  'our ECDSA with SHA-512': sign({ v3: [{ key: testKey('ec-p384') }] }),
  'our RSA with SHA-512': sign({ v2: [{ key: testKey('rsa-4096') }] }),
  'our DSA': sign({ v3: [{ key: testKey('dsa-2048') }] }),
  'our verity': sign({ v3: [{ key, algorithms: [0x0423] }] }),
  'our several algorithms': sign({ v2: [{ key, algorithms: [0x0201, 0x0202, 0x0423] }] }),
  'broken: signature': sign({ v3: [{ key, broken: { signature: () => Buffer.alloc(70) } }] }),
  'broken: digest': sign({ v3: [{ key, broken: { digest: () => Buffer.alloc(32) } }] }),
  'broken: certificate of another key': sign({ v2: [{ key, broken: { certificates: [next.certificate] } }] }),
  'broken: no certificate': sign({ v2: [{ key, broken: { certificates: [] } }] }),
  'broken: algorithms differ': sign({ v3: [{ key, broken: { digestAlgorithms: [0x0202] } }] }),
  'broken: signed SDK range': sign({ v3: [{ key, broken: { signedMinSdk: 29 } }] }),
  'broken: lineage ends elsewhere': sign({
    v3: [{ key: next, lineage: [{ key: testKey('stranger') }, { key: next }, { key }] }],
  }),
  'broken: unrelated v2 and v3': signZip(unsignedApk({ versionCode: 1, minSdk: 24 }), {
    v2: [{ key }],
    v3: [{ key: next }],
  }),
};

const installed = spawnSync('apksigner', ['--version']).status === 0;
if (!installed) console.log('apksigner is not installed: its opinion is not asked');
const opinion = installed ? test : test.skip;

for (const [name, apk] of Object.entries(CASES)) {
  opinion(`apksigner agrees on ${name}`, async () => {
    const theirs = apksigner(apk);
    const ours = await codeOf(apk);
    assert.is(ours === 'accepted', theirs.accepted, `ours: ${ours}, theirs: ${theirs.output}`);
    if (!theirs.accepted) return;
    const signer = (await factsOf(apk)).signers.at(-1);
    assert.equal([signer?.fingerprint, ...(signer?.coSigners ?? [])], theirs.fingerprints);
  });
}

function apksigner(apk: Buffer): { accepted: boolean; fingerprints: string[]; output: string } {
  const folder = mkdtempSync(join(tmpdir(), 'second-opinion-'));
  try {
    const file = join(folder, 'app.apk');
    writeFileSync(file, apk);
    const { status, stdout, stderr } = spawnSync('apksigner', ['verify', '--print-certs', file], {
      encoding: 'utf8',
    });
    const fingerprints = [...stdout.matchAll(/certificate SHA-256 digest: ([0-9a-f]{64})/g)].map(
      match => match[1] ?? '',
    );
    return { accepted: status === 0, fingerprints, output: stdout + stderr };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test('the keys of the repository are the ones expected', () => {
  assert.is(new Set([key, next, testKey('release-third'), testKey('stranger')].map(fingerprintOf)).size, 4);
});

test.run();
