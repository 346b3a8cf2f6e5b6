import type { Build, SignerFrom } from '../domain/release.ts';
import { type ApkFacts, INSTALLED_DATA_FLAG } from './facts.ts';

/** A build's YAML document (SPEC §2) without `notes` and `withdrawn`, which people write. */
export interface BuildDocument {
  apiVersion: 'ota.nexmdm/v1';
  kind: 'Build';
  build_id: string;
  package: string;
  version_code: number;
  version_name: string;
  min_sdk: number;
  size_bytes: number;
  sha256: string;
  signer_fingerprint: string;
  signers?: { min_sdk: number; fingerprint: string }[];
  signer_lineage?: string[];
}

/** One field in which a build's YAML and its APK disagree: its YAML name, and both values as text. */
export interface BuildDisagreement {
  code: BuildDisagreementCode;
  field: string;
  declared: string;
  actual: string;
}

export type BuildDisagreementCode =
  | 'package_mismatch'
  | 'version_code_mismatch'
  | 'version_name_mismatch'
  | 'min_sdk_mismatch'
  | 'size_mismatch'
  | 'sha256_mismatch'
  | 'signer_mismatch'
  | 'signers_mismatch'
  | 'signer_lineage_mismatch'
  /** Android treats the whole set of v2 signers as the app's identity, but a build can name only one. */
  | 'several_signers';

/** The document that `ota build add` writes for an APK. The keys are in the order of SPEC §2. */
export function buildDocument(facts: ApkFacts, buildId: string): BuildDocument {
  const signers = signerChanges(facts);
  const lineage = provenLineage(facts);
  return {
    apiVersion: 'ota.nexmdm/v1',
    kind: 'Build',
    build_id: buildId,
    package: facts.package,
    version_code: facts.versionCode,
    version_name: facts.versionName,
    min_sdk: facts.minSdk,
    size_bytes: facts.sizeBytes,
    sha256: facts.sha256,
    signer_fingerprint: firstSigner(facts),
    ...(signers.length > 0 && {
      signers: signers.map(({ minSdk, fingerprint }) => ({ min_sdk: minSdk, fingerprint })),
    }),
    ...(lineage.length > 0 && { signer_lineage: lineage }),
  };
}

/** Every field in which the declared build differs from the APK, in the order of the document. */
export function compareWithBuild(facts: ApkFacts, build: Build): BuildDisagreement[] {
  const coSigners = facts.signers.flatMap(range => range.coSigners ?? []);
  const rows: [code: BuildDisagreementCode, field: string, declared: unknown, actual: unknown][] = [
    ['package_mismatch', 'package', build.package, facts.package],
    ['version_code_mismatch', 'version_code', build.versionCode, facts.versionCode],
    ['version_name_mismatch', 'version_name', build.versionName, facts.versionName],
    ['min_sdk_mismatch', 'min_sdk', build.minSdk, facts.minSdk],
    ['size_mismatch', 'size_bytes', build.sizeBytes, facts.sizeBytes],
    ['sha256_mismatch', 'sha256', build.sha256, facts.sha256],
    ['signer_mismatch', 'signer_fingerprint', build.signerFingerprint, firstSigner(facts)],
    ['signers_mismatch', 'signers', signersText(build.signers), signersText(signerChanges(facts))],
    [
      'signer_lineage_mismatch',
      'signer_lineage',
      build.signerLineage.join(', '),
      provenLineage(facts).join(', '),
    ],
    ['several_signers', 'signer_fingerprint', '', [...new Set(coSigners)].join(', ')],
  ];
  return rows
    .filter(([, , declared, actual]) => declared !== actual)
    .map(([code, field, declared, actual]) => ({
      code,
      field,
      declared: String(declared),
      actual: String(actual),
    }));
}

/** The signer on the oldest Android the APK can be installed on. */
function firstSigner(facts: ApkFacts): string {
  return facts.signers[0]?.fingerprint ?? '';
}

/** Each SDK at which the signing certificate changes, with the new certificate. */
function signerChanges(facts: ApkFacts): SignerFrom[] {
  return facts.signers
    .filter((range, index) => index > 0 && range.fingerprint !== facts.signers[index - 1]?.fingerprint)
    .map(({ minSdk, fingerprint }) => ({ minSdk, fingerprint }));
}

/**
 * Earlier keys from which a device can be updated. Every proof of rotation in the APK is part of the
 * longest one. Keys without the installed-data capability are left out: Android refuses to update from them.
 */
function provenLineage(facts: ApkFacts): string[] {
  const longest = facts.signers.map(range => range.lineage).sort((a, b) => b.length - a.length)[0] ?? [];
  return longest.filter(node => (node.flags & INSTALLED_DATA_FLAG) !== 0).map(node => node.fingerprint);
}

function signersText(signers: readonly SignerFrom[]): string {
  return signers.map(({ minSdk, fingerprint }) => `${minSdk}: ${fingerprint}`).join(', ');
}
