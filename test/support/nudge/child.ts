/** A script of the tests as a process of its own that speaks JSON lines both ways. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';

export type Line = Readonly<Record<string, unknown>>;

export interface Child {
  /** Every line so far. */
  readonly lines: Line[];
  tell(line: unknown): void;
  /** The first line that fits; fails when the process ends first. */
  until(what: string, fits: (line: Line) => boolean): Promise<Line>;
  kill(signal?: NodeJS.Signals): Promise<void>;
}

const ROOT = path.resolve(import.meta.dirname, '../../..');

export function startChild(script: string, environment: Readonly<Record<string, string>> = {}): Child {
  const process_: ChildProcess = spawn(process.execPath, ['--import', 'tsx', script], {
    cwd: ROOT,
    env: { PATH: process.env.PATH, HOME: '/nonexistent', ...environment },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const lines: Line[] = [];
  const errors: string[] = [];
  let look: () => void = () => {};
  if (process_.stdout !== null)
    createInterface({ input: process_.stdout }).on('line', text => {
      lines.push(JSON.parse(text) as Line);
      look();
    });
  process_.stderr?.on('data', chunk => errors.push(String(chunk)));
  process_.stdin?.on('error', () => undefined); // it was killed: `until` tells
  const exited = once(process_, 'close').then(() => look());
  const ended = () => process_.exitCode !== null || process_.signalCode !== null;
  return {
    lines,
    tell: line => void process_.stdin?.write(`${JSON.stringify(line)}\n`),
    until: (what, fits) =>
      new Promise((resolve, reject) => {
        let seen = 0;
        look = () => {
          for (; seen < lines.length; seen++) {
            const line = lines[seen];
            if (line !== undefined && fits(line)) return resolve(line);
          }
          if (ended()) reject(new Error(`${script} ended before ${what}: ${errors.join('').slice(-2_000)}`));
        };
        look();
      }),
    kill: async (signal = 'SIGKILL') => {
      if (!ended()) process_.kill(signal);
      await exited;
    },
  };
}
