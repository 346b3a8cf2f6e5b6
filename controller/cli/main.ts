#!/usr/bin/env node
import { randomBytes } from 'node:crypto';
import { tmpdir } from 'node:os';
import type { Proposals } from '../ports/index.ts';
/** `ota`: wires the verbs to this process. The only file of the command line that reads the environment. */
import { controllerOf, takeContext } from './contexts.ts';
import { EXIT, type Io } from './io.ts';
import { lossOf, outputTo } from './output.ts';
import { run } from './program.ts';
import { verbsFor } from './verbs.ts';
import { VERSION } from './version.ts';

const { env, stdout, stderr } = process;
const interrupt = new AbortController();
process.once('SIGINT', () => interrupt.abort());
process.once('SIGTERM', () => interrupt.abort());
// A reader that closes early (`ota … | head`) is not an error. It only ends a watch.
const results = outputTo(stdout, () => interrupt.abort());
const notes = outputTo(stderr);
process.once('exit', () => {
  const loss = lossOf(results);
  if (loss === undefined || process.exitCode !== EXIT.fine) return;
  notes.write(loss);
  process.exitCode = EXIT.error;
});

const asked = takeContext(process.argv.slice(2));
const terminal = stdout.isTTY === true && stderr.isTTY === true && env.TERM !== 'dumb';
const io: Io = {
  out: results.write,
  outOnce: results.writeOnce,
  err: notes.write,
  cwd: process.cwd(),
  environment: env,
  terminal,
  colour: terminal && (env.NO_COLOR ?? '') === '',
  get columns() {
    return stderr.columns ?? 80; // read each time, because the terminal may be resized
  },
  nowMs: () => Date.now(),
  controller: controllerOf(env, asked.context),
  interrupted: interrupt.signal,
  stdin: () => process.stdin,
};

// Parts that most verbs do not need are loaded only on demand.
const load = async (): Promise<Proposals> =>
  (await import('../compose/proposals.ts')).proposalsOf(env, () => Date.now());
const moves = async () => (await import('../compose/store-copy.ts')).movesOf(env, io.cwd, io.nowMs);
const { argv } = asked;
const verbs = await verbsFor(argv, {
  proposals: {
    base: async root => (await load()).base(root),
    open: async proposal => (await load()).open(proposal),
  },
  backups: {
    copyDatabase: async (folder, file) => (await import('../store/backup.ts')).backupFolder(folder, file),
    full: async (...args) => (await import('../store/archive.ts')).fullBackup(...args),
    check: async file => (await import('../store/restore.ts')).checkBackup(file, tmpdir()),
    restore: async (...args) => (await import('../store/restore.ts')).restoreBackup(...args, randomBytes),
  },
  adoptions: {
    adopt: async reason =>
      (await import('../compose/installation.ts')).adoptionsOf(env, io.nowMs).adopt(reason),
  },
  apkCopies: {
    copy: async (...args) =>
      (await import('../compose/artifact-copy.ts')).apkCopiesOf(env, io.cwd, io.nowMs).copy(...args),
  },
  moves: {
    copy: async (...args) => (await moves()).copy(...args),
    cancel: async from => (await moves()).cancel(from),
  },
});
process.exitCode = await run(argv, io, verbs, VERSION);
