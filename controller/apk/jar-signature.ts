import type { ByteReader } from './byte-reader.ts';
import { Rejection } from './rejection.ts';
import { readZipEntry, type ZipEntry } from './zip-entry.ts';

const SIGNATURE_FILE = /^META-INF\/[^/]+\.SF$/i;
const SIGNATURE_BLOCK = /^META-INF\/[^/]+\.(RSA|DSA|EC)$/i;
const STRIPPING_HEADER = /^X-Android-APK-Signed:([\d, ]*)$/im;
/** The header is in the main section at the top. The rest of the file grows with the number of entries. */
const MAX_SIGNATURE_FILE = 4 * 1024 * 1024;
/** Limits the work that an archive with many signature files can cause. */
const MAX_SIGNATURE_FILES = 10;

/**
 * Says why an APK has no v2 or v3 signature: it was removed, the APK has only a JAR signature (which
 * Android 11 and later refuse if targetSdkVersion is 30 or higher), or the APK is not signed at all.
 * Source: https://source.android.com/docs/security/features/apksigning/v2#v1-verification
 */
export async function rejectWithoutBlock(
  reader: ByteReader,
  entries: ReadonlyMap<string, ZipEntry>,
  end: number,
  targetSdk: number,
): Promise<Rejection> {
  const names = [...entries.keys()];
  const signatureFiles = names.filter(name => SIGNATURE_FILE.test(name)).slice(0, MAX_SIGNATURE_FILES);
  for (const name of signatureFiles) {
    const entry = entries.get(name);
    const content = entry && (await readZipEntry(reader, entry, end, MAX_SIGNATURE_FILE));
    const schemes = STRIPPING_HEADER.exec(content?.toString('latin1') ?? '')?.[1] ?? '';
    if (/[23]/.test(schemes)) {
      return new Rejection(
        'v2_stripped',
        `${name} says that the APK was also signed with scheme ${schemes.trim()}, but that signature is missing`,
      );
    }
  }
  if (signatureFiles.length === 0 || !names.some(name => SIGNATURE_BLOCK.test(name))) {
    return new Rejection('unsigned', 'the APK is not signed');
  }
  const also =
    targetSdk >= 30 ? `; with targetSdkVersion ${targetSdk} Android itself requires v2 or newer` : '';
  return new Rejection(
    'v1_only',
    `the APK has only a v1 (JAR) signature, and v2 or newer is required${also}`,
  );
}
