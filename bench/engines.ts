/**
 * Update checks with the store on SQLite and on PostgreSQL: two controllers with a fleet each take turns at the same
 * rate. A check waits for no database, so both should cost the same; what counts is the controller's own CPU time.
 */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import type { BenchEnvironment } from './environment.ts';
import { type Fleet, makeFleet, type RunningController, startController } from './fleet.ts';
import { type Loader, medianOf, rounded } from './load.ts';
import type { Cores } from './pinned.ts';

export interface EngineCheckPlan {
  readonly devices: number;
  readonly rounds: number;
  /** Of one run. */
  readonly seconds: number;
  /** Checks a second. */
  readonly rate: number;
}

export interface EngineCheckFigures {
  readonly perSecond: number;
  /** CPU µs a check of the controller alone: on SQLite the database is a part of it. Undefined without /proc. */
  readonly sqliteCpuMicroseconds: number | undefined;
  readonly postgresCpuMicroseconds: number | undefined;
  /** PostgreSQL's to SQLite's, the median of the rounds. */
  readonly ratio: number | undefined;
  /**
   * CPU a check of two controllers on PostgreSQL, each at this rate, to one alone: each also takes in what the other writes.
   */
  readonly twoToOne: number | undefined;
}

interface Side {
  readonly targets: string;
  readonly controller: RunningController;
  readonly fleet: Fleet;
}

/** `url`: an empty PostgreSQL database. */
export async function benchEngines(
  environment: BenchEnvironment,
  cores: Cores | undefined,
  loader: Loader,
  url: string,
  plan: EngineCheckPlan,
): Promise<EngineCheckFigures> {
  const open: RunningController[] = [];
  const begin = async (name: string, database: string | undefined): Promise<Side> => {
    const fleet = await makeFleet(path.join(environment.folder, `engine-${name}`), {
      devices: plan.devices,
      ...(database !== undefined && { database: { url: database, connections: 1 } }),
    });
    const controller = await startController(environment, fleet, cores?.server, {
      OTA_CHECKS_PER_MINUTE: '100000',
      ...(database !== undefined && { OTA_DATABASE: database }),
    });
    open.push(controller);
    return { controller, targets: targetsOf(fleet), fleet };
  };
  try {
    const sqlite = await begin('sqlite', undefined);
    const postgres = await begin('postgres', url);
    // Compilers and caches are warm then.
    for (const side of [sqlite, postgres]) await cpuOf(loader, side, plan);
    const rounds: { sqlite: number | undefined; postgres: number | undefined }[] = [];
    for (let round = 0; round < plan.rounds; round += 1)
      rounds.push({
        sqlite: await cpuOf(loader, sqlite, plan),
        postgres: await cpuOf(loader, postgres, plan),
      });
    const ratio = medianOf(rounds.map(r => r.sqlite && r.postgres && r.postgres / r.sqlite));
    const follower = await startController(environment, postgres.fleet, cores?.server, {
      OTA_CHECKS_PER_MINUTE: '100000',
      OTA_DATABASE: url,
      OTA_DATA: path.join(environment.folder, 'engine-follower'),
      OTA_ARTIFACTS: path.join(postgres.fleet.folder, 'data/artifacts'),
    });
    open.push(follower);
    const both = async (): Promise<number | undefined> => {
      const sides = [postgres, { ...postgres, controller: follower }];
      const [one, other] = await Promise.all(sides.map(side => cpuOf(loader, side, plan)));
      return one && other && (one + other) / 2;
    };
    await both();
    const shared: (number | undefined)[] = [];
    for (let round = 0; round < plan.rounds; round += 1) {
      const yardstick = await cpuOf(loader, sqlite, plan);
      const two = await both();
      shared.push(yardstick && two && two / yardstick);
    }
    const two = medianOf(shared);
    const micro = (cpu: number | undefined): number | undefined => cpu && rounded(cpu * 1e6, 1);
    return {
      perSecond: plan.rate,
      sqliteCpuMicroseconds: micro(medianOf(rounds.map(r => r.sqlite))),
      postgresCpuMicroseconds: micro(medianOf(rounds.map(r => r.postgres))),
      ratio: ratio && rounded(ratio),
      twoToOne: two && ratio && rounded(two / ratio),
    };
  } finally {
    for (const controller of open) await controller.stop();
  }
}

/** Nothing to do for any device: the most common check. */
export function targetsOf(fleet: Fleet): string {
  const file = path.join(fleet.folder, 'checks.tsv');
  const lines = fleet.devices.map(({ token, exposed }) => {
    const version = exposed ? 42 : 41;
    const query = `version_code=${version}&build_id=b${version}&sdk=33&signer=${fleet.signer}`;
    return `/v1/agent/update?${query}\t${token}\t"none"`;
  });
  writeFileSync(file, `${lines.join('\n')}\n`);
  return file;
}

/** CPU seconds a check; every check must have been answered and counted. */
async function cpuOf(
  loader: Loader,
  { controller, targets }: Side,
  { seconds, rate }: EngineCheckPlan,
): Promise<number | undefined> {
  const before = await controller.metric('ota_checks_total');
  const run = await loader.run(controller, { targets, seconds, rate, connections: 64 });
  if (run.refused > 0 || run.broken > 0)
    throw new Error(`${run.refused} checks were refused and ${run.broken} broken`);
  const counted = (await controller.metric('ota_checks_total')) - before;
  if (counted < run.requests) throw new Error(`${run.requests} checks were answered but ${counted} counted`);
  return run.cpuSeconds === undefined ? undefined : run.cpuSeconds / run.requests;
}
