/**
 * A simulated package manager: checks an APK by Android's rules, independently of the agent, so that a simulated fleet
 * rejects what a phone would reject. Codes are `PackageManager.INSTALL_*`.
 */
import { createHash } from 'node:crypto';
import { type ByteReader, INSTALLED_DATA_FLAG, signerForSdk, verifyApk } from '../../controller/apk/index.ts';
import type { Sha256 } from '../../controller/domain/ids.ts';
import type { InstallResult } from '../readings.ts';
import type { VerdictCache } from '../verify.ts';

/** What is installed; `versionCode` 0 means nothing yet. */
export interface Package {
  readonly package: string;
  readonly versionCode: number;
  readonly signer: Sha256 | undefined;
  readonly sha256: Sha256 | undefined;
}

interface InstallPolicy {
  readonly sdk: number;
  /** The caller asked for a downgrade (`pm install -d`). */
  readonly downgrade: boolean;
  /** Downgrades are allowed: only for debuggable builds and for system or root installers. */
  readonly mayDowngrade: boolean;
}

export type Judged =
  | { readonly ok: true; readonly installed: Package }
  | Extract<InstallResult, { ok: false }>;

const no = (code: string, detail = ''): Judged => ({ ok: false, code, detail });

export async function judgeInstall(
  reader: ByteReader,
  was: Package,
  policy: InstallPolicy,
  verdicts?: VerdictCache,
): Promise<Judged> {
  const hash = createHash('sha256');
  for (let at = 0; at < reader.size; at += 1 << 20)
    hash.update(await reader.read(at, Math.min(1 << 20, reader.size - at)));
  const sha256 = hash.digest('hex');
  const key = `${sha256}/${policy.sdk}`;
  const verdict = verdicts?.get(key) ?? (await verifyApk(reader, { sdk: policy.sdk }));
  verdicts?.set(key, verdict);
  if (!verdict.ok) return no('INSTALL_PARSE_FAILED_NO_CERTIFICATES', verdict.code);
  const { facts } = verdict;
  if (facts.minSdk > policy.sdk) return no('INSTALL_FAILED_OLDER_SDK');
  const signer = signerForSdk(facts, policy.sdk);
  if (signer === undefined) return no('INSTALL_PARSE_FAILED_NO_CERTIFICATES');
  if (facts.package !== was.package) return no('INSTALL_FAILED_PACKAGE_CHANGED');
  if (was.versionCode > 0) {
    const proven = signer.lineage.some(
      n => n.fingerprint === was.signer && (n.flags & INSTALLED_DATA_FLAG) !== 0,
    );
    if (was.signer !== signer.fingerprint && !proven) return no('INSTALL_FAILED_UPDATE_INCOMPATIBLE');
    if (facts.versionCode < was.versionCode && !(policy.downgrade && policy.mayDowngrade))
      return no('INSTALL_FAILED_VERSION_DOWNGRADE');
  }
  return {
    ok: true,
    installed: { package: facts.package, versionCode: facts.versionCode, signer: signer.fingerprint, sha256 },
  };
}
