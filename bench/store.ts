/** The store of a large fleet on both engines, one after the other; PostgreSQL as it comes, with every sync to the disk. */
import path from 'node:path';
import { onDatabase, startPostgres } from '../test/support/postgres.ts';
import { benchEngines, type EngineCheckFigures, type EngineCheckPlan } from './engines.ts';
import type { BenchEnvironment } from './environment.ts';
import type { Loader } from './load.ts';
import { type Cores, runPinned } from './pinned.ts';

export interface StoreFigures {
  readonly sqlite: Readonly<Record<string, number>>;
  /** Undefined where PostgreSQL is not installed. */
  readonly postgres: Readonly<Record<string, number>> | undefined;
  /** What a check costs the controller on each. */
  readonly checks: EngineCheckFigures | undefined;
}

const FILE = path.join(import.meta.dirname, 'devices-memory.ts');
const LIMIT_MS = 600_000;

async function measure(devices: number, env: NodeJS.ProcessEnv): Promise<Record<string, number>> {
  const args = ['--expose-gc', '--import', 'tsx', FILE, String(devices)];
  const output = await runPinned(undefined, process.execPath, args, { timeoutMs: LIMIT_MS, env });
  return JSON.parse(output) as Record<string, number>;
}

export interface StorePlan {
  readonly devices: number;
  readonly checks: EngineCheckPlan;
}

export async function benchStore(
  environment: BenchEnvironment,
  cores: Cores | undefined,
  loader: Loader,
  plan: StorePlan,
): Promise<StoreFigures> {
  const sqlite = await measure(plan.devices, {});
  const server = await startPostgres('durable');
  if (server === undefined) return { sqlite, postgres: undefined, checks: undefined };
  const databaseOf = async (name: string): Promise<string> => {
    await onDatabase(`${server.url}/postgres`, `create database ${name}`);
    return `${server.url}/${name}`;
  };
  try {
    const postgres = await measure(plan.devices, { BENCH_DATABASE: await databaseOf('ota') });
    const url = await databaseOf('checks');
    return { sqlite, postgres, checks: await benchEngines(environment, cores, loader, url, plan.checks) };
  } finally {
    await server.stop();
  }
}
