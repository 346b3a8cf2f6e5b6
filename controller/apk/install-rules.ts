import { versionNameFault } from '../domain/version-name.ts';
import { type Concern, cautioned, refused } from './concern.ts';
import type { LocalFindings } from './local-headers.ts';
import type { InstallFlags, ManifestFacts } from './manifest.ts';
import { DEFLATED, STORED, type ZipEntry } from './zip-entry.ts';

const RESOURCES = 'resources.arsc';
const NATIVE_LIBRARY = /^lib\/[^/]+\/[^/]+\.so$/;
const RESOURCES_ALIGNMENT = 4;
const LIBRARY_ALIGNMENT = 4096;
/** With this targetSdkVersion or higher, Android maps resources.arsc into memory and refuses a compressed one. */
const MAPPED_RESOURCES_TARGET = 30;

/** The lowest targetSdkVersion that an Android version installs; oldest first. */
const LOWEST_TARGETS: ReadonlyArray<readonly [android: string, sdk: number, target: number]> = [
  ['Android 14', 34, 23],
  ['Android 15', 35, 24],
];

/**
 * Checks what Android checks after the signatures, and whether two ZIP readers could see different content.
 * Sources: AOSP ApkLiteParseUtils, NativeLibraryHelper, PackageManagerService and
 * https://developer.android.com/about/versions/11/behavior-changes-11#compressed-resources-file
 */
export function installConcerns(
  manifest: ManifestFacts,
  flags: InstallFlags,
  entries: ReadonlyMap<string, ZipEntry>,
  local: LocalFindings,
): Concern[] {
  return [
    ...archiveConcerns(entries, local),
    ...manifestConcerns(manifest, flags),
    ...resourceConcerns(manifest, entries.get(RESOURCES), local),
    ...(flags.extractNativeLibs ? [] : libraryConcerns(entries, local)),
  ];
}

function* archiveConcerns(
  entries: ReadonlyMap<string, ZipEntry>,
  { disagreement }: LocalFindings,
): Generator<Concern> {
  for (const name of entries.keys()) {
    const bytes = Buffer.from(name, 'latin1');
    const text = bytes.toString('utf8');
    if (name !== '' && !name.includes('\0') && Buffer.from(text, 'utf8').equals(bytes)) continue;
    yield refused(
      'zip_name_invalid',
      `the name ${JSON.stringify(text)} of an entry is empty, contains NUL or is not UTF-8`,
    );
    break;
  }
  if (disagreement !== undefined) yield refused('zip_entry_mismatch', disagreement);
}

function* manifestConcerns(manifest: ManifestFacts, flags: InstallFlags): Generator<Concern> {
  if (flags.testOnly)
    yield refused(
      'test_only',
      'the manifest says android:testOnly="true", and Android installs such an APK only with `adb install -t`',
    );
  if (flags.splitsRequired)
    yield refused(
      'splits_required',
      'the manifest requires split APKs, and Android does not install this APK without them',
    );
  const fault = versionNameFault(manifest.versionName);
  if (fault !== undefined) yield refused('version_name_invalid', `versionName cannot be used: ${fault}`);
  const { targetSdk } = manifest;
  const oldest = LOWEST_TARGETS.find(([, , target]) => targetSdk < target);
  if (oldest !== undefined) {
    const [android, sdk] = oldest;
    yield cautioned(
      'target_sdk_low',
      `targetSdkVersion is ${targetSdk}, and ${android} (SDK ${sdk}) and newer do not install it`,
    );
  }
  if (manifest.debuggable)
    yield cautioned('debuggable', 'the APK is debuggable: anyone with adb can read and change its data');
}

function* resourceConcerns(
  { targetSdk }: ManifestFacts,
  entry: ZipEntry | undefined,
  { dataOffsets }: LocalFindings,
): Generator<Concern> {
  if (entry === undefined || targetSdk < MAPPED_RESOURCES_TARGET) return;
  const consequence = `with targetSdkVersion ${targetSdk}, Android 11 and newer do not install it`;
  if (entry.method !== STORED)
    yield refused('resources_compressed', `${RESOURCES} is compressed; ${consequence}`);
  else if ((dataOffsets.get(RESOURCES) ?? 0) % RESOURCES_ALIGNMENT !== 0)
    yield refused('resources_misaligned', `${RESOURCES} is not aligned to 4 bytes; ${consequence}`);
}

/** Names only the first library of each kind: if one is wrong, usually all are. */
function* libraryConcerns(
  entries: ReadonlyMap<string, ZipEntry>,
  { dataOffsets }: LocalFindings,
): Generator<Concern> {
  const libraries = [...entries.values()].filter(({ name }) => NATIVE_LIBRARY.test(name));
  const compressed = libraries.find(({ method }) => method === DEFLATED);
  if (compressed !== undefined)
    yield refused(
      'native_library_compressed',
      `${compressed.name} is compressed, but the manifest says android:extractNativeLibs="false"`,
    );
  const misaligned = libraries.find(
    ({ name, method }) => method === STORED && (dataOffsets.get(name) ?? 0) % LIBRARY_ALIGNMENT !== 0,
  );
  if (misaligned !== undefined)
    yield refused(
      'native_library_misaligned',
      `${misaligned.name} is not aligned to ${LIBRARY_ALIGNMENT} bytes, but the manifest says android:extractNativeLibs="false"`,
    );
}
