/** The gate of the artifact store: only an APK that Android would accept is stored (SPEC §6, §7). */
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

/** Throws the Fault `artifact_rejected`; its cause holds the verifier's code. */
export async function inspectApk(file: string): Promise<void> {
  const verdict = await verdictOf(file);
  if (!verdict.ok)
    throw new Fault('artifact_rejected', `the APK is refused: ${verdict.message}`, {
      retry: 'never',
      cause: { code: verdict.code },
    });
}
