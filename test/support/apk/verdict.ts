import { readFileSync } from 'node:fs';
import {
  type ApkFacts,
  type ApkRejectionCode,
  type ApkVerdict,
  bufferReader,
  verifyApk,
} from '../../../controller/apk/index.ts';

/** The verdict on an APK in memory, for one SDK or for all. */
export function verdictOf(apk: Buffer, sdk?: number): Promise<ApkVerdict> {
  return verifyApk(bufferReader(apk), sdk === undefined ? {} : { sdk });
}

/** The rejection code, or `accepted`. */
export async function codeOf(apk: Buffer, sdk?: number): Promise<ApkRejectionCode | 'accepted'> {
  const verdict = await verdictOf(apk, sdk);
  return verdict.ok ? 'accepted' : verdict.code;
}

/** The facts of an APK that must be accepted. */
export async function factsOf(apk: Buffer, sdk?: number): Promise<ApkFacts> {
  const verdict = await verdictOf(apk, sdk);
  if (!verdict.ok) throw new Error(`expected to be accepted: ${verdict.code}: ${verdict.message}`);
  return verdict.facts;
}

const FIXTURES = new URL('../../fixtures/apk/', import.meta.url);

/** An APK built and signed by Android's own tools; see scripts/make-apk-fixtures.ts. */
export function fixtureApk(name: string): Buffer {
  return readFileSync(new URL(`${name}.apk`, FIXTURES));
}
