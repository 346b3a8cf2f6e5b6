/**
 * The TLS certificate and its key. Changes are noticed by watching the folders of the files, by polling every 30 s (a
 * mounted secret may be replaced without an event) and on demand. The two files are written one after the other, so a
 * mismatched pair is read again for 60 s. Meanwhile the old pair stays in use.
 */
import { X509Certificate } from 'node:crypto';
import { type FSWatcher, watch } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { createSecureContext } from 'node:tls';
import { DAY_MS } from '../domain/duration.ts';
import type { Observe } from '../domain/event.ts';
import { Fault } from '../domain/fault.ts';

interface CertificatePair {
  /** PEM texts. */
  readonly cert: string;
  readonly key: string;
}

interface CertificateOptions {
  readonly certFile: string;
  readonly keyFile: string;
  readonly wallMs: () => number;
  readonly monotonicMs: () => number;
  readonly observe: Observe;
}

export interface CertificateWatch {
  /** The pair in use. */
  readonly pair: CertificatePair;
  readonly expiresAtMs: number;
  /** Called with each new pair. */
  subscribe(listener: (pair: CertificatePair) => void): void;
  /** Called each second: reads the files when something may have changed, and warns before the certificate expires. */
  look(): Promise<void>;
  /** Asks for a reload: the next look reads the files and reports what it found. */
  ask(): void;
  stop(): void;
}

const EVERY_MS = 30_000;
const PATIENCE_MS = 60_000;
const WARN_MS = 14 * DAY_MS;

/** Reads the pair for the first time. Fault `tls_invalid` names the file, or says that the two do not match. */
export async function watchCertificate(options: CertificateOptions): Promise<CertificateWatch> {
  const { certFile, keyFile, wallMs, monotonicMs, observe } = options;
  let pair = await readPair(certFile, keyFile);
  let expiresAtMs = endOf(pair);
  const listeners: ((pair: CertificatePair) => void)[] = [];
  let lookedAtMs = monotonicMs();
  let unfitSinceMs: number | undefined;
  let toldUnfit = false;
  let warnedAtMs = Number.NEGATIVE_INFINITY;
  let dirty = false;
  let asked = false;
  const watchers = foldersOf(certFile, keyFile).map(folder =>
    watchFolder(folder, () => {
      dirty = true;
    }),
  );

  function take(next: CertificatePair): void {
    unfitSinceMs = undefined;
    toldUnfit = false;
    const changed = next.cert !== pair.cert || next.key !== pair.key;
    if (changed) {
      pair = next;
      expiresAtMs = endOf(next);
      warnedAtMs = Number.NEGATIVE_INFINITY;
      for (const listener of listeners) listener(next);
    }
    if (changed || asked)
      observe({ type: 'ota.tls.reload', changed, expiresAt: new Date(expiresAtMs).toISOString() });
    asked = false;
  }

  function refuse(error: Fault): void {
    unfitSinceMs ??= monotonicMs();
    if (toldUnfit || monotonicMs() - unfitSinceMs < PATIENCE_MS) return;
    toldUnfit = true;
    asked = false;
    observe({ type: 'ota.tls.fail', code: error.code, message: `${error.message}; the pair in use stays` });
  }

  async function read(): Promise<void> {
    lookedAtMs = monotonicMs();
    dirty = false;
    try {
      take(await readPair(certFile, keyFile));
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      refuse(error);
    }
  }

  function warn(): void {
    const leftMs = expiresAtMs - wallMs();
    if (leftMs > WARN_MS || wallMs() - warnedAtMs < DAY_MS) return;
    warnedAtMs = wallMs();
    const days = Math.floor(leftMs / DAY_MS);
    observe({ type: 'ota.tls.expiring', expiresAt: new Date(expiresAtMs).toISOString(), days });
  }

  return {
    get pair() {
      return pair;
    },
    get expiresAtMs() {
      return expiresAtMs;
    },
    subscribe: listener => {
      listeners.push(listener);
    },
    look: async () => {
      const due = monotonicMs() - lookedAtMs >= EVERY_MS;
      const waiting = unfitSinceMs !== undefined && !toldUnfit;
      if (dirty || asked || due || waiting) await read();
      warn();
    },
    ask: () => {
      asked = true;
    },
    stop: () => {
      for (const watcher of watchers) watcher?.close();
    },
  };
}

const endOf = ({ cert }: CertificatePair): number => Date.parse(new X509Certificate(cert).validTo);

const foldersOf = (...files: string[]): string[] => [...new Set(files.map(file => path.dirname(file)))];

/** Undefined if folders cannot be watched. Then changes are noticed only by polling. */
function watchFolder(folder: string, onChange: () => void): FSWatcher | undefined {
  try {
    return watch(folder, { persistent: false }, onChange).on('error', () => undefined);
  } catch {
    return undefined;
  }
}

async function readPair(certFile: string, keyFile: string): Promise<CertificatePair> {
  const [cert, key] = [await readPem('OTA_TLS_CERT', certFile), await readPem('OTA_TLS_KEY', keyFile)];
  try {
    // Throws when one cannot be read or the key is not the certificate's.
    createSecureContext({ cert, key });
    new X509Certificate(cert);
  } catch (cause) {
    throw new Fault(
      'tls_invalid',
      `the certificate ${certFile} and the key ${keyFile} do not match or are not PEM`,
      { retry: 'never', cause },
    );
  }
  return { cert, key };
}

async function readPem(setting: string, file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new Fault('tls_invalid', `${setting}: ${file} cannot be read (${code ?? 'error'})`, {
      retry: 'never',
      cause,
    });
  }
}
