/** All checks of SPEC §9 before an install, cheapest first. */
import { createHash } from 'node:crypto';
import type { LRUCache } from 'lru-cache';
import {
  type ApkFacts,
  type ApkVerdict,
  type ByteReader,
  INSTALLED_DATA_FLAG,
  identityOf,
  signerForSdk,
  verifyApk,
} from '../controller/apk/index.ts';
import type { Sha256 } from '../controller/domain/ids.ts';
import type { VerifyResult } from './fact.ts';
import type { Offer } from './offer.ts';
import type { Installed } from './readings.ts';

const READ_BYTES = 1024 * 1024;

/** Verdicts by the hash of the bytes read, so that many agents in one process verify an APK only once. */
export type VerdictCache = LRUCache<string, ApkVerdict>;

/** Codes of an APK that may be genuine but does not fit this Android version. */
const SDK_CODES: ReadonlySet<string> = new Set(['incompatible_sdk', 'no_signer_for_sdk']);

const wrong = (reason: Extract<VerifyResult, { ok: false }>['reason'], detail: string): VerifyResult => ({
  ok: false,
  reason,
  detail,
});

export async function verifyDownload(
  reader: ByteReader,
  offer: Offer,
  installed: Installed,
  monotonicMs: () => number,
  cache?: VerdictCache,
): Promise<VerifyResult> {
  const startedMs = monotonicMs();
  if (reader.size !== offer.sizeBytes)
    return wrong('size_mismatch', `${reader.size} of ${offer.sizeBytes} bytes`);
  const sha256 = await hashOf(reader);
  if (sha256 !== offer.sha256) return wrong('sha256_mismatch', sha256);
  const key = `${sha256}/${installed.sdk}`;
  const verdict = cache?.get(key) ?? (await verifyApk(reader, { sdk: installed.sdk }));
  cache?.set(key, verdict);
  if (!verdict.ok)
    return wrong(SDK_CODES.has(verdict.code) ? 'incompatible_sdk' : 'signature_invalid', verdict.code);
  return judgeFacts(verdict.facts, offer, installed) ?? { ok: true, ms: monotonicMs() - startedMs };
}

async function hashOf(reader: ByteReader): Promise<Sha256> {
  const hash = createHash('sha256');
  for (let at = 0; at < reader.size; at += READ_BYTES)
    hash.update(await reader.read(at, Math.min(READ_BYTES, reader.size - at)));
  return hash.digest('hex');
}

/** The first problem of a genuine APK; undefined if it may replace the installed one. */
function judgeFacts(
  facts: ApkFacts,
  offer: Offer,
  installed: Installed,
): Extract<VerifyResult, { ok: false }> | undefined {
  const no = (reason: Extract<VerifyResult, { ok: false }>['reason'], detail: string) =>
    ({ ok: false, reason, detail }) as const;
  if (facts.package !== installed.package) return no('package_mismatch', facts.package.slice(0, 80));
  if (facts.versionCode !== offer.versionCode)
    return no('version_mismatch', `${facts.versionCode}, announced ${offer.versionCode}`);
  if (facts.minSdk > installed.sdk)
    return no('incompatible_sdk', `needs ${facts.minSdk}, is ${installed.sdk}`);
  const signer = signerForSdk(facts, installed.sdk);
  if (signer === undefined) return no('incompatible_sdk', `no signer for sdk ${installed.sdk}`);
  if (identityOf(signer) !== offer.signerFingerprint)
    return no('signer_mismatch', 'not the signer of the manifest');
  if (installed.versionCode === 0) return undefined;
  if (installed.signer === undefined) return no('unreadable', 'the installed signer cannot be read now');
  if (installed.signer === signer.fingerprint) return undefined;
  if (offer.versionCode < installed.versionCode)
    return no('signer_mismatch', 'a downgrade needs the very same signer');
  // Only the APK's own proof of rotation counts, not the manifest, and only if it still allows updates from the old key.
  const proven = signer.lineage.some(
    node => node.fingerprint === installed.signer && (node.flags & INSTALLED_DATA_FLAG) !== 0,
  );
  return proven ? undefined : no('signer_mismatch', 'not the installed signer, nor proven by rotation');
}
