/**
 * The cost of one update check, one result and the rows of one device on both engines. docs/scale.md adds them up.
 */
import { statSync } from 'node:fs';
import path from 'node:path';
import { Pool } from 'undici';
import { fleetOf } from '../controller/ports/index.ts';
import { DATABASE_FILE } from '../controller/store/folder.ts';
import { openStore, type Store } from '../controller/store/store.ts';
import { databaseBytes, onDatabase, startPostgres } from '../test/support/postgres.ts';
import { targetsOf } from './engines.ts';
import type { BenchEnvironment } from './environment.ts';
import { type Fleet, makeFleet, type RunningController, startController } from './fleet.ts';
import { type Loader, median, rounded } from './load.ts';
import type { Cores } from './pinned.ts';

export interface Units {
  /** CPU of the controller: on SQLite the database is a part of it. Undefined without /proc. */
  readonly checkCpuMicroseconds: number | undefined;
  readonly checkLogBytes: number;
  readonly resultCpuMicroseconds: number | undefined;
  readonly resultLogBytes: number;
  /** In the database, with its indexes. */
  readonly deviceBytes: number;
  readonly checkInBytes: number;
  readonly resultBytes: number;
  readonly downloadBytes: number;
  /** Of the count that a gate takes once a minute, wall time: for each device of the fleet, and for each that took the build. */
  readonly gateFleetMicroseconds: number;
  readonly gateTakerMicroseconds: number;
}

export interface UnitFigures {
  readonly sqlite: Units;
  /** Undefined where PostgreSQL is not installed. */
  readonly postgres: Units | undefined;
}

export interface UnitPlan {
  readonly devices: number;
  /** Checks a second; each device asks once. */
  readonly rate: number;
}

interface Engine {
  readonly folder: string;
  readonly database: string | undefined;
}

/** Connections that report results at the same time; those that wait together share a commit. */
const REPORTING = 32;

export async function benchUnits(
  environment: BenchEnvironment,
  cores: Cores | undefined,
  loader: Loader,
  plan: UnitPlan,
): Promise<UnitFigures> {
  const measured = (name: string, database?: string): Promise<Units> =>
    unitsOf(
      { folder: path.join(environment.folder, `units-${name}`), database },
      environment,
      cores,
      loader,
      plan,
    );
  const sqlite = await measured('sqlite');
  const server = await startPostgres('durable');
  if (server === undefined) return { sqlite, postgres: undefined };
  try {
    await onDatabase(`${server.url}/postgres`, 'create database units');
    return { sqlite, postgres: await measured('postgres', `${server.url}/units`) };
  } finally {
    await server.stop();
  }
}

async function unitsOf(
  engine: Engine,
  environment: BenchEnvironment,
  cores: Cores | undefined,
  loader: Loader,
  { devices, rate }: UnitPlan,
): Promise<Units> {
  const { folder, database } = engine;
  const options = database === undefined ? undefined : { url: database, connections: 1 };
  const size = { devices, ...(options !== undefined && { database: options }) };
  const small = { ...size, devices: 1 };
  // The first fleet makes the tables and the releases; the second is what is weighed.
  await makeFleet(folder, small);
  const empty = await bytesOf(engine);
  const fleet = await makeFleet(folder, size);
  const enrolled = await bytesOf(engine);
  const run = async <T>(work: (controller: RunningController) => Promise<T>): Promise<T> => {
    const settings = {
      OTA_CHECKS_PER_MINUTE: '100000',
      ...(database !== undefined && { OTA_DATABASE: database }),
    };
    const controller = await startController(environment, fleet, cores?.server, settings);
    try {
      return await work(controller);
    } finally {
      await controller.stop();
    }
  };
  const checks = await run(controller =>
    spent(controller, devices, async () => {
      const targets = targetsOf(fleet);
      const load = await loader.run(controller, { targets, rate, seconds: devices / rate, connections: 64 });
      if (load.refused > 0 || load.broken > 0 || load.requests < devices)
        throw new Error(`of ${devices} checks ${load.requests} were answered and ${load.refused} refused`);
    }),
  );
  const checked = await bytesOf(engine);
  const reporters = fleet.devices.filter(({ exposed }) => exposed);
  const results = await run(controller =>
    spent(controller, reporters.length, () => report(controller.url, reporters)),
  );
  const reported = await bytesOf(engine);
  const gate = await withStoreOf(engine, async store => ({
    gateFleetMicroseconds: await countFleet(store, devices),
    gateTakerMicroseconds: await countTakers(store, reporters),
  }));
  return {
    checkCpuMicroseconds: checks.cpuMicroseconds,
    checkLogBytes: checks.logBytes,
    resultCpuMicroseconds: results.cpuMicroseconds,
    resultLogBytes: results.logBytes,
    deviceBytes: Math.round((enrolled - empty) / devices),
    checkInBytes: Math.round((checked - enrolled) / devices),
    resultBytes: Math.round((reported - checked) / reporters.length),
    downloadBytes: Math.round(((await bytesOf(engine)) - reported) / reporters.length),
    ...gate,
  };
}

/** The size of a closed store. Opening and closing it first writes its log into the file. */
async function bytesOf({ folder, database }: Engine): Promise<number> {
  if (database !== undefined) return databaseBytes(database);
  await withStoreOf({ folder, database }, async () => undefined);
  return statSync(path.join(folder, 'data', DATABASE_FILE)).size;
}

async function withStoreOf<T>({ folder, database }: Engine, use: (store: Store) => Promise<T>): Promise<T> {
  const store = await openStore({
    folder: path.join(folder, 'data'),
    database: database === undefined ? undefined : { url: database, connections: 1 },
    nowMs: Date.now,
  });
  try {
    return await use(store);
  } finally {
    await store.close();
  }
}

const TAKEN_BYTES = 40_000_000;
const COUNTS = 5;

/** Each device took the whole of b42; then they are counted. */
async function countTakers(store: Store, devices: Fleet['devices']): Promise<number> {
  await Promise.all(
    devices.map(({ deviceId }) =>
      store.outcomes.recordDownload({
        deviceId,
        buildId: 'b42',
        requestId: undefined,
        result: 'ok',
        status: 200,
        bytes: TAKEN_BYTES,
        atMs: Date.now(),
        lastByte: true,
      }),
    ),
  );
  return microsecondsOf(devices.length, async () => (await store.halts.takers('b42', TAKEN_BYTES)).length);
}

/** Page by page, as a gate reads it. */
const countFleet = (store: Store, devices: number): Promise<number> =>
  microsecondsOf(devices, async () => {
    let counted = 0;
    for await (const _ of fleetOf(store.devices)) counted += 1;
    return counted;
  });

/** Of each that `count` counts, which must be this many: the median of some counts. */
async function microsecondsOf(expected: number, count: () => Promise<number>): Promise<number> {
  const times: number[] = [];
  for (let n = 0; n < COUNTS; n += 1) {
    const startedMs = performance.now();
    const counted = await count();
    if (counted !== expected) throw new Error(`${counted} of ${expected} were counted`);
    times.push(performance.now() - startedMs);
  }
  return rounded((median(times) / expected) * 1000, 1);
}

/** Of each of `count` pieces of work; a look at the controller before and after costs nothing beside many of them. */
async function spent(
  controller: RunningController,
  count: number,
  work: () => Promise<void>,
): Promise<{ cpuMicroseconds: number | undefined; logBytes: number }> {
  const log = (): number => statSync(controller.logFile).size;
  const [cpuBefore, logBefore] = [controller.cpuSeconds(), log()];
  await work();
  const cpuAfter = controller.cpuSeconds();
  return {
    cpuMicroseconds:
      cpuBefore === undefined || cpuAfter === undefined
        ? undefined
        : rounded(((cpuAfter - cpuBefore) / count) * 1e6, 0),
    logBytes: Math.round((log() - logBefore) / count),
  };
}

/** Each device says once that it runs b42; an answer is given only once the result is on the disk. */
async function report(url: string, devices: Fleet['devices']): Promise<void> {
  const pool = new Pool(url, { connections: REPORTING });
  const left = devices.entries();
  const reporter = async (): Promise<void> => {
    for (const [n, { token }] of left) {
      const { statusCode, body } = await pool.request({
        method: 'POST',
        path: '/v1/action-result',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        body: JSON.stringify({
          request_id: `units-result-${n}`,
          build_id: 'b42',
          outcome: 'ok',
          reason: 'installed',
          version_code: 42,
        }),
      });
      const text = await body.text();
      if (statusCode !== 200) throw new Error(`a result was answered ${statusCode}: ${text}`);
    }
  };
  try {
    await Promise.all(Array.from({ length: REPORTING }, reporter));
  } finally {
    await pool.close();
  }
}
