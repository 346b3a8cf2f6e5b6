/** The gate of the artifact store: only what Android itself would accept gets a name (SPEC §6, §7). */
import { type ApkVerdict, type ByteReader, verifyApk } from '../apk/index.ts';
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

/** Fault `artifact_rejected`, whose cause names the verifier's own code. */
export async function inspectApk(file: string): Promise<void> {
  const verdict = await verdictOf(file);
  if (!verdict.ok)
    throw new Fault('artifact_rejected', `the APK is refused: ${verdict.message}`, {
      retry: 'never',
      cause: { code: verdict.code },
    });
}
