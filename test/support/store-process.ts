/**
 * A store in a process of its own, to be killed. Run as a script (`store-process.ts FOLDER MODE`) it opens the folder
 * and prints `ready`, then: `open` holds it; `apply` applies r1, r2, … for ever; `report` reports for ever.
 * Each step prints what it is about to do and what is committed.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { faultCode } from '../../controller/domain/fault.ts';
import { newRamp } from '../../controller/domain/ramp/progress.ts';
import { openStore, type Store } from '../../controller/store/store.ts';
import { aBuild, aRamp, aState, NOW_MS } from './state.ts';

/** Audit rows, effects and builds that every revision of `apply` brings along. */
export const ROWS_PER_REVISION = 150;

export interface StoreProcess {
  /** The next line that starts so; fails when the process ends first. */
  line(start: string): Promise<string>;
  /** Every line so far. */
  readonly lines: readonly string[];
  /** SIGKILL, and waits until it is dead. */
  kill(): Promise<void>;
}

export async function withStoreProcess<T>(
  folder: string,
  mode: 'open' | 'apply' | 'report',
  use: (child: StoreProcess) => Promise<T>,
): Promise<T> {
  const child = spawn(process.execPath, ['--import', 'tsx', import.meta.filename, folder, mode], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    return await use(follow(child));
  } finally {
    child.kill('SIGKILL');
  }
}

function follow(child: ChildProcess): StoreProcess {
  if (child.stdout === null) throw new Error('assertion: stdout is piped');
  const lines: string[] = [];
  let wanted: { start: string; found: (line: string) => void; lost: (error: Error) => void } | undefined;
  const ended = once(child, 'close').then(() =>
    wanted?.lost(new Error(`the process ended before it said "${wanted.start}": ${lines.join(' | ')}`)),
  );
  createInterface({ input: child.stdout }).on('line', line => {
    lines.push(line);
    if (wanted !== undefined && line.startsWith(wanted.start)) wanted.found(line);
  });
  return {
    lines,
    line: start =>
      new Promise((found, lost) => {
        const already = lines.find(line => line.startsWith(start));
        if (already === undefined) wanted = { start, found, lost };
        else found(already);
      }),
    kill: async () => {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

async function applyForEver({ desired }: Store): Promise<never> {
  for (let n = 1; ; n += 1) {
    const revision = `r${n}`;
    console.log(`applying ${n}`);
    const numbers = Array.from({ length: ROWS_PER_REVISION }, (_, k) => k);
    await desired.apply(
      {
        revision,
        treeHash: revision,
        appliedAtMs: NOW_MS + n,
        state: aState({
          builds: [aBuild(41), aBuild(42), aBuild(100 + n)],
          rollout: { exposure: aRamp(undefined, [1, 4], [100]) },
        }),
        progress: newRamp({ startMs: undefined }, n),
        formerBuilds: new Map(),
      },
      [],
      numbers.map(k => ({
        atMs: n,
        actor: `git:${revision}`,
        action: 'test',
        subject: String(k),
        detail: n,
      })),
      numbers.map(k => ({ topic: 'test', key: String(k), payload: n, notBeforeMs: 0 })),
    );
    console.log(`applied ${n}`);
  }
}

async function reportForEver({ devices, outcomes }: Store): Promise<never> {
  await devices.enrol([{ deviceId: 'd1', tags: [] }], NOW_MS);
  for (let n = 1; ; n += 1) {
    await outcomes.report({
      deviceId: 'd1',
      requestId: `request-${n}`,
      buildId: 'b42',
      outcome: 'ok',
      reason: 'installed',
      detail: undefined,
      versionCode: 42,
      timingsMs: undefined,
      atMs: NOW_MS + n,
    });
    console.log(`reported ${n}`);
  }
}

async function main(folder: string, mode: string): Promise<void> {
  const store = await openStore({ folder, nowMs: () => NOW_MS });
  console.log('ready');
  if (mode === 'apply') await applyForEver(store);
  if (mode === 'report') await reportForEver(store);
  await new Promise(resolve => setTimeout(resolve, 60_000));
}

const [, script, folder, mode] = process.argv;
if (script === import.meta.filename && folder !== undefined && mode !== undefined)
  await main(folder, mode).catch(error => console.log(`fault ${faultCode(error)}`));
