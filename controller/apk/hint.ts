import type { ApkRejectionCode } from './rejection.ts';

const REBUILD = 'Build and sign the APK again; if it was copied or downloaded, fetch it again first.';
const RESIGN = 'Sign the APK again with a current apksigner (Android build-tools 33 or newer).';
const LINEAGE = 'Make the lineage file anew with `apksigner rotate`, then sign with `--lineage`.';
const MANIFEST =
  'If the file was copied or downloaded, fetch it again; else check it with `aapt2 dump badging`.';
const ZIP = 'Do not change an APK after signing it; run zipalign before apksigner, never after.';

/** What to do about a rejection, in one sentence. Total over the codes: a new one needs its hint. */
export const HINTS: Record<ApkRejectionCode, string> = {
  not_a_zip: 'Is this the APK itself, and downloaded to its end?',
  file_too_large: 'An APK must be smaller than 4 GiB.',
  zip64_unsupported: 'Build the APK without the ZIP64 extension.',
  zip_directory_misplaced: ZIP,
  zip_directory_too_large: 'Put fewer files into the APK.',
  zip_malformed: REBUILD,
  zip_duplicate_entry: 'Find the packaging step that adds the file twice.',
  unsigned: 'Sign it: `apksigner sign --ks release.jks app.apk`.',
  v1_only: 'Sign it with v2 and v3 too: `apksigner sign --v2-signing-enabled --v3-signing-enabled`.',
  v2_stripped: ZIP,
  signing_block_malformed: RESIGN,
  signing_block_too_large: RESIGN,
  signer_malformed: RESIGN,
  no_signatures: RESIGN,
  no_supported_algorithm:
    'Sign with RSA, ECDSA on a NIST curve, or DSA; verity alone needs minSdkVersion 28.',
  algorithms_differ: RESIGN,
  public_key_malformed: 'Sign with RSA, ECDSA on P-224 to P-521, or DSA.',
  signature_invalid: RESIGN,
  certificate_missing: RESIGN,
  certificate_malformed: 'Give apksigner an X.509 certificate in DER or a key store.',
  public_key_mismatch: 'Check that key and certificate given to apksigner belong together.',
  sdk_range_mismatch: RESIGN,
  lineage_malformed: LINEAGE,
  lineage_repeated: LINEAGE,
  lineage_signature_invalid: LINEAGE,
  lineage_algorithm_mismatch: LINEAGE,
  lineage_duplicate_certificate: 'A key cannot come back in a lineage; rotate to a fresh one.',
  lineage_signer_mismatch: 'Sign with the newest key of the lineage.',
  no_signers: RESIGN,
  too_many_signers: 'Sign with one key.',
  no_signer_for_sdk: 'Sign so that v3 covers every SDK from minSdkVersion up.',
  several_signers_for_sdk: 'Sign so that each SDK has exactly one v3 signer.',
  v2_missing: 'Sign with v2 as well, or raise minSdkVersion to 28.',
  v3_stripped: 'A signature was removed after signing: find out where, then sign again.',
  v31_stripped: 'A signature was removed after signing: find out where, then sign again.',
  v31_without_v3: 'Sign with v3 as well; v3.1 only adds to it.',
  scheme_unsupported: 'Sign without the hybrid scheme.',
  signers_unrelated: 'Sign for older Android versions with the oldest key of the lineage.',
  content_digest_mismatch:
    'The bytes changed after signing: fetch or build the APK again and do not repackage it.',
  verity_misaligned: RESIGN,
  incompatible_sdk: 'Choose an SDK the APK can be installed on.',
  manifest_missing: 'Is this an APK, and not an app bundle (.aab) or a library (.aar)?',
  manifest_malformed: MANIFEST,
  manifest_too_large: MANIFEST,
  manifest_reference: 'Write the value itself into the manifest or the Gradle file in place of `@string/…`.',
  package_invalid: MANIFEST,
  version_code_invalid: 'Set versionCode to a whole number from 1 to 2147483647.',
  version_code_major: 'Leave versionCodeMajor out.',
  version_name_missing: 'Set versionName.',
  sdk_codename: 'Build against a released SDK, not a preview.',
  split_apk: 'Build one universal APK: `bundletool build-apks --mode=universal`.',
};
