/**
 * Update checks: the controller with everything on, next to servers that only send as many bytes. The three take
 * turns, so that other load on the machine affects all of them; figures are medians over the rounds.
 */
import { createReadStream, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import path from 'node:path';
import { createInterface } from 'node:readline';
import type { FixedAnswer, FixedAnswers } from './bare-server.ts';
import {
  type AnswerKind,
  type CheckFigures,
  type Contestant,
  figureOf,
  type PacedFigure,
  pacedOf,
  ratiosOf,
} from './check-figures.ts';
import type { BenchEnvironment } from './environment.ts';
import { type Fleet, type FleetDevice, makeFleet, type RunningController, startController } from './fleet.ts';
import { type Loader, type Measured, rounded } from './load.ts';
import { type Cores, type Server, startPinned } from './pinned.ts';

export interface CheckPlan {
  readonly devices: number;
  readonly rounds: number;
  /** Of one run. */
  readonly seconds: number;
  /** Of one run at a fixed rate, which takes as many rounds. */
  readonly pacedSeconds: number;
  /** One run of each that is not counted: compilers and caches are warm then. */
  readonly warmUp: boolean;
  readonly connections: number;
}

const KINDS: readonly AnswerKind[] = ['304', '200'];
const CONTESTANTS: readonly Contestant[] = ['http', 'koa', 'controller'];

/** What an agent asks: half the fleet is offered b42; the rest is kept on, or brought to, b41. */
function target(device: FleetDevice, kind: AnswerKind, signer: string): string {
  const versionCode = (device.exposed ? 42 : 41) - (kind === '200' ? 1 : 0);
  const query = `version_code=${versionCode}&build_id=b${versionCode}&sdk=33&signer=${signer}`;
  return `/v1/agent/update?${query}\t${device.token}\t${kind === '304' ? '"none"' : ''}`;
}

function writeTargets(fleet: Fleet, kind: AnswerKind): string {
  const file = path.join(fleet.folder, `checks-${kind}.tsv`);
  writeFileSync(file, `${fleet.devices.map(device => target(device, kind, fleet.signer)).join('\n')}\n`);
  return file;
}

/** The answer as it goes over the wire, without the headers that Node adds to every answer. */
function probe(url: string, line: string): Promise<FixedAnswer> {
  const [where = '', token = '', tag = ''] = line.split('\t');
  const headers = { authorization: `Bearer ${token}`, ...(tag === '' ? {} : { 'if-none-match': tag }) };
  return new Promise((resolve, reject) => {
    request(url + where, { headers, agent: false }, res => {
      const chunks: Buffer[] = [];
      res.on('data', chunk => chunks.push(chunk));
      res.on('end', () => {
        const own: string[] = [];
        for (let i = 0; i < res.rawHeaders.length; i += 2) {
          const [name = '', value = ''] = res.rawHeaders.slice(i, i + 2);
          if (!/^(date|connection|keep-alive)$/i.test(name)) own.push(name, value);
        }
        resolve({ status: res.statusCode ?? 0, headers: own, body: Buffer.concat(chunks).toString() });
      });
    })
      .on('error', reject)
      .end();
  });
}

async function fixedAnswers(controller: Server, fleet: Fleet): Promise<FixedAnswers> {
  const device = fleet.devices.find(({ exposed }) => exposed);
  if (device === undefined) throw new Error('no device of the fleet is exposed');
  const [hold, offer] = await Promise.all(
    KINDS.map(kind => probe(controller.url, target(device, kind, fleet.signer))),
  );
  if (hold?.status !== 304 || offer?.status !== 200)
    throw new Error(`the controller answered ${hold?.status} and ${offer?.status} instead of 304 and 200`);
  return { hold, offer };
}

const sizeOf = ({ headers, body }: FixedAnswer): number =>
  headers.reduce((sum, text) => sum + text.length + 2, 0) + Buffer.byteLength(body);

function startBare(environment: BenchEnvironment, core: number | undefined, kind: string, answers: string) {
  return startPinned(
    core,
    process.execPath,
    [environment.program('bench/bare-server.ts'), kind, answers],
    { stdio: ['ignore', 'pipe', 'inherit'], env: { PATH: process.env.PATH, NODE_ENV: 'production' } },
    child => new Promise(resolve => child.stdout?.once('data', text => resolve(String(text).trim()))),
  );
}

export async function benchChecks(
  environment: BenchEnvironment,
  cores: Cores | undefined,
  loader: Loader,
  plan: CheckPlan,
): Promise<CheckFigures> {
  const fleet = await makeFleet(path.join(environment.folder, 'checks'), {
    devices: plan.devices,
    checkedIn: true,
  });
  const controller = await startController(environment, fleet, cores?.server, {
    // A bench run asks in seconds what the fleet asks in a day.
    OTA_CHECKS_PER_MINUTE: '100000',
  });
  const servers: Partial<Record<Contestant, Server>> = { controller };
  try {
    const answers = await fixedAnswers(controller, fleet);
    const answersFile = path.join(fleet.folder, 'answers.json');
    writeFileSync(answersFile, JSON.stringify(answers));
    for (const kind of ['http', 'koa'] as const)
      servers[kind] = await startBare(environment, cores?.server, kind, answersFile);
    const ready = servers as Record<Contestant, Server>;
    const hold = await benchKind(ready, writeTargets(fleet, '304'), loader, plan);
    const offer = await benchKind(ready, writeTargets(fleet, '200'), loader, plan);
    const counted = await countedOf(controller, hold.sent + offer.sent);
    const memoryMiB = controller.memoryMiB();
    await controller.stop();
    return {
      devices: plan.devices,
      connections: plan.connections,
      answers: {
        '304': { bytes: sizeOf(answers.hold), ...hold.figures },
        '200': { bytes: sizeOf(answers.offer), ...offer.figures },
      },
      counted,
      logged: await loggedChecks(controller.logFile, counted),
      memoryMiB,
    };
  } finally {
    for (const server of Object.values(servers)) await server.stop();
  }
}

async function benchKind(
  servers: Record<Contestant, Server>,
  targets: string,
  loader: Loader,
  plan: CheckPlan,
) {
  const { connections } = plan;
  let sent = 0;
  const load = async (name: Contestant, rate?: number): Promise<Measured> => {
    const pace = rate === undefined ? { seconds: plan.seconds } : { seconds: plan.pacedSeconds, rate };
    const run = await loader.run(servers[name], { targets, connections, ...pace });
    if (run.refused > 0 || run.broken > 0)
      throw new Error(`${name}: ${run.refused} requests were refused and ${run.broken} broken`);
    if (name === 'controller') sent += run.requests;
    return run;
  };
  if (plan.warmUp) for (const name of CONTESTANTS) await load(name);
  const runs: Record<Contestant, Measured[]> = { controller: [], http: [], koa: [] };
  for (let round = 0; round < plan.rounds; round += 1)
    for (const name of CONTESTANTS) runs[name].push(await load(name));
  const figures = {
    controller: figureOf(runs.controller),
    http: figureOf(runs.http),
    koa: figureOf(runs.koa),
  };
  const rate = Math.round(figures.controller.perSecond / 2);
  const paced: Record<Contestant, Measured[]> = { controller: [], http: [], koa: [] };
  const slow: Measured[] = [];
  for (let round = 0; round < plan.rounds; round += 1) {
    for (const name of CONTESTANTS) paced[name].push(await load(name, rate));
    slow.push(await load('controller', 1000));
  }
  const half = {
    controller: pacedOf(paced.controller),
    http: pacedOf(paced.http),
    koa: pacedOf(paced.koa),
  };
  const own = half.controller.cpuMicroseconds;
  const against = (rival: PacedFigure): number | undefined =>
    own === undefined || rival.cpuMicroseconds === undefined
      ? undefined
      : rounded(rival.cpuMicroseconds / own);
  return {
    sent,
    figures: {
      servers: figures,
      ratios: { http: ratiosOf(runs.controller, runs.http), koa: ratiosOf(runs.controller, runs.koa) },
      halfOfSaturation: half,
      cpuRatiosAtHalf: { http: against(half.http), koa: against(half.koa) },
      at1000: pacedOf(slow),
    },
  };
}

/** Checks that every check was counted, because a figure for checks that were not recorded would be worthless. */
async function countedOf(controller: RunningController, sent: number): Promise<number> {
  const counted = await controller.metric('ota_checks_total');
  if (counted < sent) throw new Error(`${sent} checks were answered but ${counted} counted`);
  return counted;
}

/** How many checks were logged; throws when a line is missing. The controller must have ended, so that all are written. */
export async function loggedChecks(logFile: string, counted: number): Promise<number> {
  let lines = 0;
  for await (const line of createInterface({ input: createReadStream(logFile) }))
    if (line.includes('"ota.manifest.')) lines += 1;
  if (lines < counted) throw new Error(`${counted} checks were counted but ${lines} logged`);
  return lines;
}
