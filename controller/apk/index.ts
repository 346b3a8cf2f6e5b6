export {
  type BuildDisagreement,
  type BuildDisagreementCode,
  type BuildDocument,
  buildDocument,
  compareWithBuild,
} from './build-facts.ts';
export { type ByteReader, bufferReader } from './byte-reader.ts';
export { type Concern, type ConcernCode, obstacle } from './concern.ts';
export {
  type ApkFacts,
  type ApkVerdict,
  capabilityNames,
  FIRST_SDK,
  INSTALLED_DATA_FLAG,
  identityOf,
  LAST_SDK,
  type LineageNode,
  ROLLBACK_FLAG,
  type Scheme,
  type SignerRange,
  sameSigningKey,
  signerForSdk,
} from './facts.ts';
export { HINTS } from './hint.ts';
export type { ApkRejectionCode } from './rejection.ts';
export { verifyApk } from './verify.ts';
