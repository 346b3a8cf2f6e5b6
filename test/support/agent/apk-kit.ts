/** The APKs that an agent is checked with: made once a process, signed for real. */
import type { ApkKit } from '../../../agent/conform/agent/under-test.ts';
import { fingerprintOf, makeApk, testKey } from '../apk/index.ts';

export function makeKit(): ApkKit {
  const key = testKey('release');
  const stranger = testKey('stranger');
  const apk = (versionCode: number) => makeApk({ key, versionCode });
  return {
    package: 'com.nexmdm.agent',
    signer: fingerprintOf(key),
    foreignSigner: fingerprintOf(stranger),
    v40: apk(40),
    v41: apk(41),
    v42: apk(42),
    v43: apk(43),
    foreign: makeApk({ key: stranger, versionCode: 42 }),
    otherPackage: makeApk({ key, versionCode: 42, package: 'com.example.other' }),
  };
}
