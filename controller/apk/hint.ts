import type { ConcernCode } from './concern.ts';
import type { ApkRejectionCode } from './rejection.ts';

const REBUILD =
  'If the file was copied or downloaded, fetch it again. Otherwise build and sign the APK again.';
const RESIGN = 'Sign the APK again with a current apksigner (Android build-tools 33 or newer).';
const LINEAGE = 'Create the lineage file again with `apksigner rotate`, then sign with `--lineage`.';
const MANIFEST =
  'If the file was copied or downloaded, fetch it again. Otherwise check it with `aapt2 dump badging`.';
const ZIP = 'Do not change an APK after it is signed. Run zipalign before apksigner, never after it.';

const UNIVERSAL = '`bundletool build-apks --mode=universal`';
const ALIGN = 'Run `zipalign -p 4` and then sign again.';

/** What to do about each rejection and concern. The type makes sure that every code has a hint. */
export const HINTS: Record<ApkRejectionCode | ConcernCode, string> = {
  not_a_zip: 'Check that the file is an APK and that its download is complete.',
  file_too_large: 'An APK must be smaller than 4 GiB.',
  zip64_unsupported: 'Build the APK without the ZIP64 extension.',
  zip_directory_misplaced: ZIP,
  zip_directory_too_large: 'Put fewer files into the APK.',
  zip_malformed: REBUILD,
  zip_duplicate_entry: 'Find the packaging step that adds the file twice.',
  unsigned: 'Sign the APK: `apksigner sign --ks release.jks app.apk`.',
  v1_only:
    'Sign the APK with v2 and v3 as well: `apksigner sign --v2-signing-enabled true --v3-signing-enabled true`.',
  v2_stripped: ZIP,
  signing_block_malformed: RESIGN,
  signing_block_too_large: RESIGN,
  signer_malformed: RESIGN,
  no_signatures: RESIGN,
  no_supported_algorithm:
    'Sign with RSA, with ECDSA on a NIST curve, or with DSA. A verity signature alone needs minSdkVersion 28.',
  algorithms_differ: RESIGN,
  public_key_malformed: 'Sign with RSA, with ECDSA on P-224, P-256, P-384 or P-521, or with DSA.',
  signature_invalid: RESIGN,
  certificate_missing: RESIGN,
  certificate_malformed: 'Give apksigner a key store, or an X.509 certificate in DER.',
  public_key_mismatch: 'Check that the key and the certificate given to apksigner belong together.',
  sdk_range_mismatch: RESIGN,
  lineage_malformed: LINEAGE,
  lineage_repeated: LINEAGE,
  lineage_signature_invalid: LINEAGE,
  lineage_algorithm_mismatch: LINEAGE,
  lineage_duplicate_certificate: 'A key cannot appear twice in a lineage. Rotate to a new key.',
  lineage_signer_mismatch: 'Sign with the newest key of the lineage.',
  no_signers: RESIGN,
  too_many_signers: 'Sign the APK with one key.',
  no_signer_for_sdk: 'Sign so that v3 signers cover every SDK from minSdkVersion up.',
  several_signers_for_sdk: 'Sign so that each SDK has exactly one v3 signer.',
  v2_missing: 'Sign with v2 as well, or raise minSdkVersion to 28.',
  v3_stripped:
    'A signature was removed after signing. Find the step that removed it, then sign the APK again.',
  v31_stripped:
    'A signature was removed after signing. Find the step that removed it, then sign the APK again.',
  v31_without_v3: 'Sign with v3 as well. v3.1 only adds to it.',
  scheme_unsupported: 'Sign without the hybrid scheme.',
  signers_unrelated:
    'Sign for older Android versions with the oldest key of the lineage: give apksigner all signers and `--lineage`.',
  content_digest_mismatch:
    'The file changed after it was signed. Fetch it again or sign it again, and do not repackage it.',
  verity_misaligned: RESIGN,
  incompatible_sdk: 'Choose an SDK that the APK can be installed on.',
  manifest_missing: 'Check that the file is an APK.',
  app_bundle: `Build one universal APK from it: ${UNIVERSAL}.`,
  split_archive: `Get the app as one universal APK. Its developer builds it with ${UNIVERSAL}.`,
  android_library: 'Build the app that uses the library, and take its APK.',
  manifest_malformed: MANIFEST,
  manifest_too_large: MANIFEST,
  manifest_reference: 'Write the value itself into the manifest or the Gradle file instead of `@string/…`.',
  package_invalid: MANIFEST,
  version_code_invalid: 'Set versionCode to a whole number from 1 to 2147483647.',
  version_code_major: 'Remove versionCodeMajor.',
  version_name_missing: 'Set versionName.',
  sdk_codename: 'Build against a released SDK, not a preview.',
  split_apk: `Build one universal APK: ${UNIVERSAL}.`,
  test_only:
    "Build a release variant with `./gradlew assembleRelease`. Android Studio's Run button makes test-only APKs.",
  splits_required: `Build one universal APK: \`./gradlew assembleRelease\`, or ${UNIVERSAL}.`,
  resources_compressed: `Do not compress resources.arsc when you repackage. ${ALIGN}`,
  resources_misaligned: ALIGN,
  native_library_compressed: `Set \`android:extractNativeLibs="true"\` (Gradle: \`packaging.jniLibs.useLegacyPackaging = true\`), or store the libraries uncompressed. ${ALIGN}`,
  native_library_misaligned: ALIGN,
  zip_entry_mismatch: REBUILD,
  zip_name_invalid: 'Rename the file, then build and sign the APK again.',
  version_name_invalid: 'Set versionName to printable text of 1 to 100 characters.',
  target_sdk_low: 'Raise targetSdkVersion.',
  debuggable: 'Build a release variant for devices in the field.',
};
