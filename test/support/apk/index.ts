export {
  certificateOf,
  fingerprintOf,
  type KeyAlgorithm,
  makeKey,
  type TestKey,
  type TestKeyName,
  testKey,
} from './keys.ts';
export { type ApkOptions, joinedApk, type ManifestOptions, makeApk, unsignedApk } from './make-apk.ts';
export { type LineageStep, type SignerPlan, type SigningPlan, signZip } from './sign.ts';
export { codeOf, factsOf, fixtureApk, verdictOf } from './verdict.ts';
