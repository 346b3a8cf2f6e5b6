/** The store of a large fleet on both engines, one after the other; PostgreSQL as it comes, with every sync to the disk. */
import path from 'node:path';
import { onDatabase, startPostgres } from '../test/support/postgres.ts';
import { runPinned } from './pinned.ts';

export interface StoreFigures {
  readonly sqlite: Readonly<Record<string, number>>;
  /** Undefined where PostgreSQL is not installed. */
  readonly postgres: Readonly<Record<string, number>> | undefined;
}

const FILE = path.join(import.meta.dirname, 'devices-memory.ts');
const LIMIT_MS = 600_000;

async function measure(devices: number, env: NodeJS.ProcessEnv): Promise<Record<string, number>> {
  const args = ['--expose-gc', '--import', 'tsx', FILE, String(devices)];
  const output = await runPinned(undefined, process.execPath, args, { timeoutMs: LIMIT_MS, env });
  return JSON.parse(output) as Record<string, number>;
}

export async function benchStore(devices: number): Promise<StoreFigures> {
  const sqlite = await measure(devices, {});
  const server = await startPostgres('durable');
  if (server === undefined) return { sqlite, postgres: undefined };
  try {
    await onDatabase(`${server.url}/postgres`, 'create database ota');
    return { sqlite, postgres: await measure(devices, { BENCH_DATABASE: `${server.url}/ota` }) };
  } finally {
    await server.stop();
  }
}
