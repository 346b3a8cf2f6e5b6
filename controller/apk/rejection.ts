/**
 * Why an APK is refused. The union is closed and the codes are stable: they appear in the JSON of the
 * command line, in admission problems and in agents' reports.
 */
export type ApkRejectionCode = ZipCode | SigningBlockCode | SignerCode | SchemeCode | ManifestCode;

/** Android would not open the archive. */
type ZipCode =
  | 'not_a_zip'
  | 'file_too_large'
  | 'zip64_unsupported'
  | 'zip_directory_misplaced'
  | 'zip_directory_too_large'
  | 'zip_malformed'
  | 'zip_duplicate_entry';

/** The signing block for Android 7 and later is missing or broken. */
type SigningBlockCode =
  | 'unsigned'
  | 'v1_only'
  | 'v2_stripped'
  | 'signing_block_malformed'
  | 'signing_block_too_large';

/** One signer of a scheme is not valid. */
type SignerCode =
  | 'signer_malformed'
  | 'no_signatures'
  | 'no_supported_algorithm'
  | 'algorithms_differ'
  | 'public_key_malformed'
  | 'signature_invalid'
  | 'certificate_missing'
  | 'certificate_malformed'
  | 'public_key_mismatch'
  | 'sdk_range_mismatch'
  | 'lineage_malformed'
  | 'lineage_repeated'
  | 'lineage_signature_invalid'
  | 'lineage_algorithm_mismatch'
  | 'lineage_duplicate_certificate'
  | 'lineage_signer_mismatch';

/** The signers are inconsistent for some Android version, or do not match the file's bytes. */
type SchemeCode =
  | 'no_signers'
  | 'too_many_signers'
  | 'no_signer_for_sdk'
  | 'several_signers_for_sdk'
  | 'v2_missing'
  | 'v3_stripped'
  | 'v31_stripped'
  | 'v31_without_v3'
  | 'scheme_unsupported'
  | 'signers_unrelated'
  | 'content_digest_mismatch'
  | 'verity_misaligned'
  | 'incompatible_sdk';

/** `AndroidManifest.xml` cannot be read, or a build cannot be made from its values. */
type ManifestCode =
  | 'manifest_missing'
  | 'app_bundle'
  | 'split_archive'
  | 'android_library'
  | 'manifest_malformed'
  | 'manifest_too_large'
  | 'manifest_reference'
  | 'package_invalid'
  | 'version_code_invalid'
  | 'version_code_major'
  | 'version_name_missing'
  | 'sdk_codename'
  | 'split_apk';

/** A refusal as a value. Functions return it instead of their result and never throw it. */
export class Rejection {
  readonly code: ApkRejectionCode;
  readonly message: string;

  constructor(code: ApkRejectionCode, message: string) {
    this.code = code;
    this.message = message;
  }
}
