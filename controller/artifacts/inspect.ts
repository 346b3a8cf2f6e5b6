/** The gate of the artifact store: only an APK that Android would accept is stored (SPEC §6, §7). */
import { type ApkVerdict, type ByteReader, HINTS, obstacle, verifyApk } from '../apk/index.ts';
import { Fault } from '../domain/fault.ts';
import { openFileReader } from './file-reader.ts';

export type OpenReader = (file: string) => Promise<ByteReader & { close(): Promise<void> }>;

export async function verdictOf(file: string, openReader: OpenReader = openFileReader): Promise<ApkVerdict> {
  const reader = await openReader(file);
  try {
    return await verifyApk(reader);
  } finally {
    await reader.close();
  }
}

/**
 * Throws the Fault `artifact_rejected`; its cause holds the code of the verdict. An APK that no device installs is
 * refused as well, unless a build that was applied declares it: repairing what the fleet runs must be possible.
 */
export async function inspectApk(file: string, isDeclared: () => Promise<boolean>): Promise<void> {
  const verdict = await verdictOf(file);
  const against = verdict.ok ? obstacle(verdict.facts.concerns) : verdict;
  if (against === undefined || (verdict.ok && (await isDeclared()))) return;
  const { code, message } = against;
  throw new Fault('artifact_rejected', `the APK is refused: ${message}. ${HINTS[code]}`, {
    retry: 'never',
    cause: { code },
  });
}
