/** The start-up cost of `ota`: CPU time of whole commands, next to a Node that does nothing. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { buildCli } from '../scripts/build.ts';

const ROOT = path.resolve(import.meta.dirname, '..');

/** Each with its limit, as a multiple of `node -e 0`. */
const COMMANDS = [
  { name: 'help', args: ['--help'], aim: 2.5 },
  { name: 'version', args: ['--version'], aim: 2.5 },
  { name: 'validate', args: ['validate'], aim: 4 },
  { name: 'plan', args: ['plan', '--offline'], aim: 4 },
] as const;

/** A shell counts whole processes, from fork to teardown, with the Git that they start; several at once for resolution. */
const TOGETHER = 5;
const COUNTING = `for i in 1 2 3 4 5; do "$@" >/dev/null 2>&1; done; times`;

/** CPU ms of one run. */
async function cpuMs(args: readonly string[]): Promise<number> {
  const env = { PATH: process.env.PATH, HOME: process.env.HOME };
  const command = ['-c', COUNTING, 'sh', process.execPath, ...args];
  const { stdout } = await promisify(execFile)('sh', command, { cwd: ROOT, env });
  // Two lines, each user and system time: of the shell, and of its children.
  const times = [...stdout.matchAll(/(\d+)m([\d.]+)s/g)].map(([, m, s]) => Number(m) * 60 + Number(s));
  const [, , user, system] = times;
  if (user === undefined || system === undefined) throw new Error(`times printed ${stdout}`);
  return ((user + system) * 1000) / TOGETHER;
}

export interface CliFigures {
  /** `node -e 0`, CPU ms, the least of all rounds. */
  readonly nodeMs: number;
  readonly commands: readonly {
    readonly name: string;
    readonly cpuMs: number;
    readonly ratio: number;
    readonly aim: number;
  }[];
}

/** Runs on the example in `releases/`, by the bundle that `npm run build` makes. */
export async function benchCli(rounds: number): Promise<CliFigures> {
  const folder = await mkdtemp(path.join(tmpdir(), 'ota-bench-cli-'));
  try {
    await buildCli(folder);
    const main = path.join(folder, 'controller/cli/main.js');
    const kinds = [['-e', '0'], ...COMMANDS.map(c => [main, ...c.args])];
    const least = kinds.map(() => Number.POSITIVE_INFINITY);
    // In turn, so that a busy moment of the machine falls on all of them alike.
    for (let round = 0; round < rounds; round += 1)
      for (const [at, args] of kinds.entries())
        least[at] = Math.min(least[at] ?? Number.POSITIVE_INFINITY, await cpuMs(args));
    const [nodeMs = Number.NaN, ...rest] = least;
    const commands = COMMANDS.map(({ name, aim }, at) => {
      const ms = rest[at] ?? Number.NaN;
      return { name, cpuMs: ms, ratio: ms / nodeMs, aim };
    });
    return { nodeMs, commands };
  } finally {
    await rm(folder, { recursive: true });
  }
}
