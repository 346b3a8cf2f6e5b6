/** The APKs of the conformance kit from a folder: `v40.apk` … `foreign.apk`, verified as they are read. */

import { readFileSync } from 'node:fs';
import path from 'node:path';
import { bufferReader, signerForSdk, verifyApk } from '../../../controller/apk/index.ts';
import { Fault } from '../../../controller/domain/fault.ts';
import type { ApkKit } from './under-test.ts';

/** File names in the folder, without `.apk`. */
const KIT_FILES = ['v40', 'v41', 'v42', 'v43', 'foreign', 'other-package'] as const;
const SDK = 33;

/** Faults `kit_incomplete` and `kit_wrong` name the file. */
export async function readKit(folder: string): Promise<ApkKit> {
  const [v40, v41, v42, v43, foreign, otherPackage] = KIT_FILES.map(name =>
    read(path.join(folder, `${name}.apk`)),
  );
  if (
    v40 === undefined ||
    v41 === undefined ||
    v42 === undefined ||
    v43 === undefined ||
    foreign === undefined ||
    otherPackage === undefined
  )
    throw new Fault('kit_incomplete', `${folder} must contain an APK for each of ${KIT_FILES.join(', ')}`, {
      retry: 'never',
    });
  const own = await factsOf(v42, 'v42');
  const other = await factsOf(foreign, 'foreign');
  if (own.signer === other.signer)
    throw new Fault('kit_wrong', 'foreign.apk has the signer of v42.apk', { retry: 'never' });
  return {
    package: own.package,
    signer: own.signer,
    foreignSigner: other.signer,
    v40,
    v41,
    v42,
    v43,
    foreign,
    otherPackage,
  };
}

function read(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (cause) {
    throw new Fault('kit_incomplete', `cannot read ${file}`, { retry: 'never', cause });
  }
}

async function factsOf(apk: Buffer, name: string): Promise<{ package: string; signer: string }> {
  const verdict = await verifyApk(bufferReader(apk), { sdk: SDK });
  const signer = verdict.ok ? signerForSdk(verdict.facts, SDK)?.fingerprint : undefined;
  if (!verdict.ok || signer === undefined)
    throw new Fault(
      'kit_wrong',
      `${name}.apk is not a valid APK: ${verdict.ok ? 'no signer' : verdict.code}`,
      {
        retry: 'never',
      },
    );
  return { package: verdict.facts.package, signer };
}
