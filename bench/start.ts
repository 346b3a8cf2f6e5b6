/** How long a controller takes from its start until it answers with a release in force, with an empty store. */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { freePort } from '../test/support/process.ts';
import type { BenchEnvironment } from './environment.ts';

const ROOT = path.resolve(import.meta.dirname, '..');
/** Linux counts CPU time in hundredths of a second. */
const TICK_MS = 10;
const ASK_MS = 2;

export interface StartFigures {
  /** Until `/readyz` answers 200; the least of all rounds. */
  readonly readyMs: number;
  /** User and system time of the process until then; undefined without `/proc`. */
  readonly cpuMs: number | undefined;
  readonly aimMs: number;
}

/** Starts on the example in `releases/` with its two APKs; each round has a new data folder. */
export async function benchStart(environment: BenchEnvironment, rounds: number): Promise<StartFigures> {
  const all: { readyMs: number; cpuMs: number | undefined }[] = [];
  for (let round = 0; round < rounds; round += 1)
    all.push(await startOnce(environment, path.join(environment.folder, `start-${round}`)));
  return {
    readyMs: Math.min(...all.map(one => one.readyMs)),
    cpuMs: all.some(one => one.cpuMs === undefined) ? undefined : Math.min(...all.map(one => one.cpuMs ?? 0)),
    aimMs: 500,
  };
}

async function startOnce(
  environment: BenchEnvironment,
  data: string,
): Promise<{ readyMs: number; cpuMs: number | undefined }> {
  // Repeated, because the log may be written later.
  const port = await freePort();
  const env = {
    PATH: process.env.PATH,
    HOME: environment.folder,
    OTA_DATA: data,
    OTA_PORT: String(port),
    OTA_SOURCE: path.join(ROOT, 'releases'),
    OTA_ARTIFACTS_IMPORT: path.join(ROOT, 'examples/apks'),
  };
  const sinceMs = performance.now();
  const child = spawn(process.execPath, [environment.program('controller/main.ts')], {
    env,
    stdio: 'ignore',
  });
  const ended = new Promise<void>(resolve => child.once('close', () => resolve()));
  try {
    while (!(await isReady(`http://127.0.0.1:${port}/readyz`))) {
      if (child.exitCode !== null) throw new Error('the controller did not start');
      await wait(ASK_MS);
    }
    return { readyMs: performance.now() - sinceMs, cpuMs: cpuMsOf(child.pid) };
  } finally {
    child.kill('SIGTERM');
    await ended;
  }
}

const isReady = (url: string): Promise<boolean> =>
  fetch(url).then(
    answer => answer.ok,
    () => false,
  );

function cpuMsOf(pid: number | undefined): number | undefined {
  if (process.platform !== 'linux') return undefined;
  // After the name, which may hold anything, user and system time are the 12th and 13th fields (proc(5)).
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
}
