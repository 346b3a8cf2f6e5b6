/** Time and memory to verify a 40 MB APK from disk. Run: node --import tsx bench/apk.ts */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type ByteReader, verifyApk } from '../controller/apk/index.ts';
import { openFileReader } from '../controller/artifacts/file-reader.ts';
import { makeApk, type SignerPlan, signZip, testKey, unsignedApk } from '../test/support/apk/index.ts';

const SIZE_BYTES = 40 * 1024 * 1024;
const RUNS = 9;
const MIB = 1024 * 1024;

/** Milliseconds are medians of warm runs; memory is the peak above what the process had before. */
export interface ApkFigures {
  name: string;
  apkMiB: number;
  sha256Ms: number;
  sha512Ms: number;
  verityMs: number;
  /** The first verification in a fresh process, code not yet compiled to machine code. */
  coldMs: number;
  extraRssMiB: number;
  /** Making and signing the APK in memory, as the demo does. */
  signMs: number;
}

interface Measured {
  coldMs: number;
  medianMs: number;
  extraRssMiB: number;
}

export async function benchApk(): Promise<ApkFigures> {
  const folder = mkdtempSync(join(tmpdir(), 'bench-apk-'));
  try {
    const started = performance.now();
    const sha256 = makeApk({ versionCode: 1, key: testKey('release'), sizeBytes: SIZE_BYTES });
    const signMs = performance.now() - started;
    const archive = unsignedApk({ versionCode: 1, minSdk: 28, sizeBytes: SIZE_BYTES });
    const signed = (signer: SignerPlan): Buffer => signZip(archive, { v3: [signer] });
    const of = (apk: Buffer): Measured => measureApart(join(folder, 'bench.apk'), apk);
    const usual = of(sha256);
    const sha512 = of(signed({ key: testKey('rsa-4096') }));
    const verity = of(signed({ key: testKey('release'), algorithms: [0x0423] }));
    return {
      name: 'apk',
      apkMiB: round(sha256.length / MIB),
      sha256Ms: usual.medianMs,
      sha512Ms: sha512.medianMs,
      verityMs: verity.medianMs,
      coldMs: Math.max(usual.coldMs, sha512.coldMs, verity.coldMs),
      extraRssMiB: Math.max(usual.extraRssMiB, sha512.extraRssMiB, verity.extraRssMiB),
      signMs: round(signMs),
    };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** In a process of its own: making the APK takes far more memory than verifying it. */
function measureApart(file: string, apk: Buffer): Measured {
  writeFileSync(file, apk);
  const self = fileURLToPath(import.meta.url);
  const output = execFileSync(process.execPath, ['--import', 'tsx', self, '--measure', file], {
    encoding: 'utf8',
  });
  return JSON.parse(output) as Measured;
}

async function measure(file: string): Promise<Measured> {
  // One read up front, so that opening files and reading memory figures are warm themselves.
  (await openFileReader(file)).close();
  const before = process.memoryUsage.rss();
  let peak = before;
  const times: number[] = [];
  for (let run = 0; run < RUNS; run += 1) {
    const reader = await openFileReader(file);
    const watched: ByteReader = {
      size: reader.size,
      read: (offset, length) => reader.read(offset, length),
      readInto(target, offset) {
        peak = Math.max(peak, process.memoryUsage.rss());
        return reader.readInto(target, offset);
      },
    };
    const started = performance.now();
    const verdict = await verifyApk(watched);
    times.push(performance.now() - started);
    peak = Math.max(peak, process.memoryUsage.rss());
    await reader.close();
    if (!verdict.ok) throw new Error(`the APK must be accepted: ${verdict.code}`);
  }
  const [coldMs = 0] = times;
  const medianMs = times.toSorted((a, b) => a - b)[RUNS >> 1] ?? 0;
  return { coldMs: round(coldMs), medianMs: round(medianMs), extraRssMiB: round((peak - before) / MIB) };
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [option, file] = process.argv.slice(2);
  const result = option === '--measure' && file !== undefined ? await measure(file) : await benchApk();
  console.log(option === '--measure' ? JSON.stringify(result) : JSON.stringify(result, null, 2));
}
