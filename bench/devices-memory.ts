/**
 * What a large fleet costs the store: `node --expose-gc --import tsx bench/devices-memory.ts [devices]`.
 * Enrols that many devices (default 1,000,000) in a temporary folder, writes three check-ins of each, opens the folder
 * again in another process as a restart would, and prints rows per second, milliseconds and resident memory as one JSON object.
 * BENCH_DATABASE=postgres://… puts the store into that empty database.
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { DATABASE_FILE } from '../controller/store/folder.ts';
import { openStore, type Store } from '../controller/store/store.ts';

const NOW_MS = Date.UTC(2026, 5, 1, 12);
const PAGE = 10_000;
/** As Android's: 16 hex digits in no order, so that no index is filled from left to right. */
const idOf = (n: number): string => createHash('sha256').update(String(n)).digest('hex').slice(0, 16);
const mebibytes = (bytes: number): number => Math.round(bytes / 1_048_576);

async function timed<T>(work: () => Promise<T>): Promise<{ ms: number; value: T }> {
  const started = performance.now();
  const value = await work();
  return { ms: performance.now() - started, value };
}

async function enrolAll(store: Store, devices: number): Promise<void> {
  for (let from = 0; from < devices; from += PAGE) {
    const page = Array.from({ length: Math.min(PAGE, devices - from) }, (_, n) => ({
      deviceId: idOf(from + n),
      tags: (from + n) % 100 === 0 ? ['qa'] : [],
    }));
    await store.devices.enrol(page, NOW_MS);
  }
}

async function checkInAll(store: Store, devices: number, versionCode: number, atMs: number): Promise<void> {
  for (let n = 0; n < devices; n += 1) {
    store.devices.checkIn({
      deviceId: idOf(n),
      atMs,
      versionCode,
      buildId: `b${versionCode}`,
      sdk: 33,
      signer: 'ab'.repeat(32),
    });
    if (n % PAGE === 0) await store.devices.flush();
  }
  await store.devices.flush();
}

async function median(times: number, work: () => Promise<unknown>): Promise<number> {
  const all: number[] = [];
  for (let n = 0; n < times; n += 1) all.push((await timed(work)).ms);
  return all.sort((a, b) => a - b)[Math.floor(times / 2)] ?? 0;
}

/** The store under measurement. */
const open = (folder: string): Promise<Store> => {
  const url = process.env.BENCH_DATABASE;
  const database = url === undefined ? undefined : { url, connections: 4 };
  return openStore({ folder, database, nowMs: () => NOW_MS });
};

const rate = (devices: number, ms: number): number => Math.round(devices / (ms / 1_000));

async function write(folder: string, devices: number): Promise<object> {
  const store = await open(folder);
  const enrol = await timed(() => enrolAll(store, devices));
  const insert = await timed(() => checkInAll(store, devices, 41, NOW_MS));
  const same = await timed(() => checkInAll(store, devices, 41, NOW_MS + 1));
  const updated = await timed(() => checkInAll(store, devices, 42, NOW_MS + 2));
  const rssMiB = mebibytes(process.memoryUsage.rss());
  await store.close();
  return {
    enrolRowsPerSecond: rate(devices, enrol.ms),
    firstCheckInRowsPerSecond: rate(devices, insert.ms),
    checkInRowsPerSecond: rate(devices, same.ms),
    checkInOfNewVersionRowsPerSecond: rate(devices, updated.ms),
    ...(process.env.BENCH_DATABASE === undefined && {
      databaseMiB: mebibytes((await stat(path.join(folder, DATABASE_FILE))).size),
    }),
    rssWhileWritingMiB: rssMiB,
  };
}

/** As a restart: a process of its own, so that its memory is the fleet's alone. */
async function reopen(folder: string, devices: number): Promise<object> {
  const opened = await timed(() => open(folder));
  const store = opened.value;
  const afterOpen = process.memoryUsage.rss();
  const counts = await median(11, () => store.devices.counts(NOW_MS, 72 * 3_600_000));
  const scan = await median(11, () => store.devices.scan({ after: idOf(devices / 2), limit: 500 }));
  globalThis.gc?.();
  const figures = {
    openMs: Math.round(opened.ms),
    countsMs: Number(counts.toFixed(2)),
    scanPageOf500Ms: Number(scan.toFixed(2)),
    rssAfterOpenMiB: mebibytes(afterOpen),
    rssMiB: mebibytes(process.memoryUsage.rss()),
  };
  await store.close();
  return figures;
}

async function main(devices: number, reopened: string | undefined): Promise<void> {
  if (reopened !== undefined) {
    console.log(JSON.stringify(await reopen(reopened, devices)));
    return;
  }
  const folder = await mkdtemp(path.join(tmpdir(), 'ota-bench-'));
  try {
    const written = await write(folder, devices);
    const self = [...process.execArgv, import.meta.filename, String(devices), folder];
    const child = await promisify(execFile)(process.execPath, self);
    console.log(JSON.stringify({ devices, ...written, ...JSON.parse(child.stdout) }));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

await main(Number(process.argv[2] ?? 1_000_000), process.argv[3]);
