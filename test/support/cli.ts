/** The command line for tests: in this process with its output caught, or as the real process. */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Backups } from '../../controller/cli/backup.ts';
import type { Io } from '../../controller/cli/io.ts';
import { run } from '../../controller/cli/program.ts';
import { verbsFor } from '../../controller/cli/verbs.ts';
import { apkCopiesOf } from '../../controller/compose/artifact-copy.ts';
import { adoptionsOf } from '../../controller/compose/installation.ts';
import { movesOf } from '../../controller/compose/store-copy.ts';
import type { Proposals } from '../../controller/ports/index.ts';
import { fullBackup } from '../../controller/store/archive.ts';
import { backupFolder } from '../../controller/store/backup.ts';
import { checkBackup, restoreBackup } from '../../controller/store/restore.ts';
import { otaProgram } from './programs.ts';

/** As main.ts wires them. */
export const BACKUPS: Backups = {
  copyDatabase: backupFolder,
  full: fullBackup,
  check: file => checkBackup(file, tmpdir()),
  restore: (...args) => restoreBackup(...args, randomBytes),
};

/** For tests that only look at the verbs. */
export const WIRING = {
  proposals: undefined,
  backups: BACKUPS,
  moves: movesOf({}, '/', Date.now),
  apkCopies: apkCopiesOf({}, '/', Date.now),
  adoptions: adoptionsOf({}, Date.now),
};

export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

export interface CliOptions {
  readonly cwd?: string;
  readonly url?: string | undefined;
  readonly token?: string | undefined;
  readonly stdin?: string;
  readonly nowMs?: number;
  /** Settings of the controller, for verbs that work on its store. */
  readonly settings?: Readonly<Record<string, string>>;
  readonly interrupted?: AbortSignal;
  readonly proposals?: Proposals;
  readonly colour?: boolean;
  /** A terminal of this width. */
  readonly columns?: number;
  /** Called before each piece of output. */
  readonly onText?: () => void;
}

const root = path.resolve(import.meta.dirname, '../..');

/** The same program that `main.ts` runs, with another world around it. */
export async function ota(argv: readonly string[], options: CliOptions = {}): Promise<Ran> {
  let out = '';
  let err = '';
  const { nowMs } = options;
  const print = (text: string): void => {
    options.onText?.();
    out += text;
  };
  const io: Io = {
    out: print,
    outOnce: print,
    err: text => {
      options.onText?.();
      err += text;
    },
    cwd: options.cwd ?? root,
    environment: { PATH: process.env.PATH, HOME: options.cwd ?? root },
    terminal: options.columns !== undefined,
    columns: options.columns ?? 80,
    colour: options.colour ?? false,
    nowMs: nowMs === undefined ? Date.now : () => nowMs,
    controller: { url: options.url, token: options.token },
    interrupted: options.interrupted ?? new AbortController().signal,
    async *stdin() {
      yield Buffer.from(options.stdin ?? '');
    },
  };
  const settings = { ...io.environment, ...options.settings };
  const moves = movesOf(settings, io.cwd, io.nowMs);
  const adoptions = adoptionsOf(settings, io.nowMs);
  const apkCopies = apkCopiesOf(settings, io.cwd, io.nowMs);
  const verbs = await verbsFor(argv, {
    proposals: options.proposals,
    backups: BACKUPS,
    moves,
    apkCopies,
    adoptions,
  });
  const code = await run(argv, io, verbs, '0.0.0-test');
  return { code, out, err };
}

/** `ota` as a process of its own, its output a pipe. */
export function otaProcess(
  argv: readonly string[],
  options: {
    cwd?: string;
    env?: Record<string, string>;
    stdin?: string;
    /** Sees standard error as it comes, each time whole. */
    onErr?: (text: string) => void;
  } = {},
): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [otaProgram(), ...argv], {
      cwd: options.cwd ?? root,
      env: { PATH: process.env.PATH, HOME: options.cwd ?? root, ...options.env },
      stdio: 'pipe',
    });
    let out = '';
    let err = '';
    child.stdout.on('data', (chunk: Buffer) => {
      out += chunk.toString();
    });
    child.stderr.on('data', (chunk: Buffer) => {
      err += chunk.toString();
      options.onErr?.(err);
    });
    child.on('error', reject);
    child.on('close', code => resolve({ code: code ?? -1, out, err }));
    child.stdin.end(options.stdin ?? '');
  });
}
