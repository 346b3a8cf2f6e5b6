/**
 * Downloads: the controller, which authorises each piece and records each attempt, next to nginx, whose sendfile
 * lets the kernel do everything. An APK of 40 MB is held in memory; one of 72 MB is above that limit and is read
 * from disk each time.
 */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import type { BenchEnvironment } from './environment.ts';
import { type Fleet, makeFleet, startController } from './fleet.ts';
import { type Loader, type Measured, median, medianOf, rounded } from './load.ts';
import { startNginx } from './nginx.ts';
import type { Cores, Server } from './pinned.ts';

const MB = 1_000_000;
const GB = 1_000_000_000;
const HELD_BYTES = 40 * MB;
const READ_BYTES = 72 * MB;
const DEVICES = 2_000;

export interface DownloadPlan {
  readonly rounds: number;
  readonly seconds: number;
  readonly connections: number;
}

export interface DownloadFigure {
  readonly apkMB: number;
  readonly megabytesPerSecond: number;
  readonly cpuSecondsPerGB: number | undefined;
}

export interface DownloadFigures {
  readonly fromMemory: DownloadFigure;
  readonly fromDisk: DownloadFigure;
  /** Undefined where nginx is not installed. */
  readonly nginx: DownloadFigure | undefined;
  /** nginx's CPU time per byte over the controller's: 1 is equal, more is better. */
  readonly cpuRatios: { readonly fromMemory: number; readonly fromDisk: number } | undefined;
}

function writeTargets(fleet: Fleet, where: string): string {
  const file = path.join(fleet.folder, 'downloads.tsv');
  const lines = fleet.devices.filter(device => device.exposed).map(({ token }) => `${where}\t${token}\t`);
  writeFileSync(file, `${lines.join('\n')}\n`);
  return file;
}

interface Contestant {
  readonly name: string;
  readonly apkBytes: number;
  readonly server: Server;
  readonly targets: string;
  readonly runs: Measured[];
}

export async function benchDownloads(
  environment: BenchEnvironment,
  cores: Cores | undefined,
  loader: Loader,
  plan: DownloadPlan,
): Promise<DownloadFigures> {
  const contestants: Contestant[] = [];
  const folderOf = (name: string): string => path.join(environment.folder, name);
  const enter = async (name: string, apkBytes: number): Promise<Fleet> => {
    const fleet = await makeFleet(folderOf(name), { devices: DEVICES, apkBytes });
    const server = await startController(environment, fleet, cores?.server, {
      OTA_DOWNLOADS_PER_DAY: '100000',
      OTA_CHECKS_PER_MINUTE: '100000',
    });
    const targets = writeTargets(fleet, '/v1/agent/builds/b42/apk');
    contestants.push({ name, apkBytes, server, targets, runs: [] });
    return fleet;
  };
  try {
    const held = await enter('fromMemory', HELD_BYTES);
    await enter('fromDisk', READ_BYTES);
    const nginx = await startNginx(folderOf('nginx'), path.join(held.folder, 'apks'), cores?.server);
    const targets = path.join(held.folder, 'nginx.tsv');
    writeFileSync(targets, '/b42.apk\tnone\t\n');
    if (nginx !== undefined)
      contestants.push({ name: 'nginx', apkBytes: HELD_BYTES, server: nginx, targets, runs: [] });
    await takeTurns(contestants, loader, plan);
    return figuresOf(contestants);
  } finally {
    for (const { server } of contestants) await server.stop();
  }
}

async function takeTurns(contestants: readonly Contestant[], loader: Loader, plan: DownloadPlan) {
  const { seconds, connections } = plan;
  for (let round = 0; round <= plan.rounds; round += 1)
    for (const { name, server, targets, runs } of contestants) {
      const run = await loader.run(server, { targets, seconds, connections });
      if (run.refused > 0 || run.broken > 0 || run.bytes === 0)
        throw new Error(`${name}: ${run.refused} downloads were refused, ${run.broken} broken`);
      if (round > 0) runs.push(run); // the first one only warms up
    }
}

const cpuPerByte = (run: Measured): number | undefined =>
  run.cpuSeconds === undefined ? undefined : run.cpuSeconds / run.bytes;

function figuresOf(contestants: readonly Contestant[]): DownloadFigures {
  const figure = (name: string): DownloadFigure | undefined => {
    const found = contestants.find(contestant => contestant.name === name);
    if (found === undefined) return undefined;
    const cpu = medianOf(found.runs.map(cpuPerByte));
    return {
      apkMB: found.apkBytes / MB,
      megabytesPerSecond: Math.round(median(found.runs.map(run => run.bytes / run.seconds)) / MB),
      cpuSecondsPerGB: cpu && rounded(cpu * GB, 3),
    };
  };
  const fromMemory = figure('fromMemory');
  const fromDisk = figure('fromDisk');
  if (fromMemory === undefined || fromDisk === undefined) throw new Error('a download was not measured');
  const nginx = figure('nginx');
  const against = (own: DownloadFigure): number =>
    rounded((nginx?.cpuSecondsPerGB ?? Number.NaN) / (own.cpuSecondsPerGB ?? Number.NaN));
  const comparable = nginx?.cpuSecondsPerGB !== undefined;
  return {
    fromMemory,
    fromDisk,
    nginx,
    cpuRatios: comparable ? { fromMemory: against(fromMemory), fromDisk: against(fromDisk) } : undefined,
  };
}
