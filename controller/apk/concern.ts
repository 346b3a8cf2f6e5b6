/**
 * A problem of an APK whose signatures are all valid. A new APK with an `error` is refused: Android does not
 * install it, or ZIP readers disagree about its content. A `warning` is only shown.
 */
export interface Concern {
  severity: 'error' | 'warning';
  code: ConcernCode;
  message: string;
}

export type ConcernCode =
  | 'test_only'
  | 'splits_required'
  | 'resources_compressed'
  | 'resources_misaligned'
  | 'native_library_compressed'
  | 'native_library_misaligned'
  | 'zip_entry_mismatch'
  | 'zip_name_invalid'
  | 'version_name_invalid'
  | 'target_sdk_low'
  | 'debuggable';

export const refused = (code: ConcernCode, message: string): Concern => ({
  severity: 'error',
  code,
  message,
});
export const cautioned = (code: ConcernCode, message: string): Concern => ({
  severity: 'warning',
  code,
  message,
});

/** The first concern that refuses a new APK. */
export function obstacle(concerns: readonly Concern[]): Concern | undefined {
  return concerns.find(({ severity }) => severity === 'error');
}
