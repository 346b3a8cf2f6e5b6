import { Rejection } from './rejection.ts';

/** A file that only this kind of package has at its top level, and the usual name of the kind. */
const SPLIT_ARCHIVES: ReadonlyArray<readonly [file: string, name: string]> = [
  ['toc.pb', 'an APK set of bundletool (.apks)'],
  ['info.json', 'an APKMirror bundle (.apkm)'],
  ['manifest.json', 'an XAPK'],
];

/**
 * Recognises archives without `AndroidManifest.xml` that people mistake for an APK: app bundles and sets of APKs.
 * `undefined` if the archive is neither.
 * Source: https://developer.android.com/guide/app-bundle/app-bundle-format
 */
export function otherPackage(entries: ReadonlyMap<string, unknown>): Rejection | undefined {
  if (entries.has('BundleConfig.pb'))
    return new Rejection('app_bundle', 'the file is an Android App Bundle (.aab), not an APK');
  if (![...entries.keys()].some(name => name.toLowerCase().endsWith('.apk'))) return undefined;
  const kind = SPLIT_ARCHIVES.find(([file]) => entries.has(file))?.[1] ?? 'an archive of APKs';
  return new Rejection('split_archive', `the file is ${kind}, not an APK`);
}

/** Recognises an Android library. Its manifest is plain text, so call this only if the manifest cannot be read. */
export function androidLibrary(entries: ReadonlyMap<string, unknown>): Rejection | undefined {
  if (!entries.has('classes.jar')) return undefined;
  return new Rejection('android_library', 'the file is an Android library (.aar), not an APK');
}
