/**
 * Android's install result codes → the reasons of SPEC §5. Codes are matched, never their wording, which differs
 * by version and vendor. Names: `PackageManager.INSTALL_*` in AOSP, frameworks/base/core/java/android/content/pm/PackageManager.java
 */
import type { ResultReason } from '../controller/domain/outcome.ts';

const REASONS: ReadonlyMap<string, ResultReason> = new Map<string, ResultReason>([
  ['INSTALL_FAILED_VERSION_DOWNGRADE', 'downgrade_refused'],
  ['INSTALL_FAILED_PERMISSION_MODEL_DOWNGRADE', 'downgrade_refused'],
  ['INSTALL_FAILED_UPDATE_INCOMPATIBLE', 'signer_mismatch'],
  ['INSTALL_FAILED_SHARED_USER_INCOMPATIBLE', 'signer_mismatch'],
  ['INSTALL_PARSE_FAILED_INCONSISTENT_CERTIFICATES', 'signer_mismatch'],
  ['INSTALL_PARSE_FAILED_NO_CERTIFICATES', 'signature_invalid'],
  ['INSTALL_PARSE_FAILED_CERTIFICATE_ENCODING', 'signature_invalid'],
  ['INSTALL_FAILED_BAD_SIGNATURE', 'signature_invalid'],
  ['INSTALL_PARSE_FAILED_BAD_PACKAGE_NAME', 'package_mismatch'],
  ['INSTALL_FAILED_PACKAGE_CHANGED', 'package_mismatch'],
  ['INSTALL_FAILED_INSUFFICIENT_STORAGE', 'storage'],
  ['INSTALL_FAILED_CONTAINER_ERROR', 'storage'],
  ['INSTALL_FAILED_MEDIA_UNAVAILABLE', 'storage'],
  ['INSTALL_FAILED_OLDER_SDK', 'incompatible_sdk'],
  ['INSTALL_FAILED_NEWER_SDK', 'incompatible_sdk'],
  ['INSTALL_FAILED_DEPRECATED_SDK_VERSION', 'incompatible_sdk'],
  ['INSTALL_FAILED_CPU_ABI_INCOMPATIBLE', 'incompatible_sdk'],
  ['INSTALL_FAILED_NO_MATCHING_ABIS', 'incompatible_sdk'],
  ['INSTALL_FAILED_VERIFICATION_FAILURE', 'install_rejected'],
  ['INSTALL_FAILED_USER_RESTRICTED', 'install_rejected'],
  ['INSTALL_FAILED_ABORTED', 'install_rejected'],
  ['INSTALL_FAILED_REJECTED_BY_BUILDTYPE', 'install_rejected'],
  ['INSTALL_FAILED_VERIFICATION_TIMEOUT', 'timeout'],
  // The agent has already verified the signature, so a parse failure has another reason.
  ['INSTALL_FAILED_INVALID_APK', 'install_failed'],
  ['INSTALL_PARSE_FAILED_NOT_APK', 'install_failed'],
  ['INSTALL_PARSE_FAILED_BAD_MANIFEST', 'install_failed'],
  ['INSTALL_PARSE_FAILED_UNEXPECTED_EXCEPTION', 'install_failed'],
  ['INSTALL_PARSE_FAILED_RESOURCES_ARSC_COMPRESSED', 'install_failed'],
  ['no_answer', 'timeout'],
]);

/** `install_failed` for every code that has no closer reason. */
export const reasonForInstallCode = (code: string): ResultReason => REASONS.get(code) ?? 'install_failed';

/** All codes with a specific reason; source of the conformance vectors. */
export const knownInstallCodes = (): readonly (readonly [code: string, reason: ResultReason])[] => [
  ...REASONS,
];
