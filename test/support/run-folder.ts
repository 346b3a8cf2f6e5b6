/**
 * Where the tests of one run put their files: in memory where the machine has room for it. The tests use real SQLite and
 * Git, which sync each commit to the disk; a disk takes milliseconds for that, and no test is about a loss of power.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, statfsSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

const MEMORY = '/dev/shm';
const LEAST_FREE_BYTES = 4 * 1024 ** 3;

/** The folder for `TMPDIR` of all tests, removed at the end; {@link tmpdir} itself where memory cannot be used. */
export function runFolder(): string {
  if (process.env.TMPDIR !== undefined || !hasRoom()) return tmpdir();
  const folder = mkdtempSync(path.join(MEMORY, 'ota-tests-'));
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  if (!mayExecute(folder)) {
    remove();
    return tmpdir();
  }
  keepTranspiled(folder);
  process.once('exit', remove);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
  return folder;
}

function hasRoom(): boolean {
  try {
    const { bavail, bsize } = statfsSync(MEMORY);
    return bavail * bsize >= LEAST_FREE_BYTES;
  } catch {
    return false; // not Linux
  }
}

/** Containers often forbid it there, and tests run scripts of their own. */
function mayExecute(folder: string): boolean {
  const script = path.join(folder, 'script');
  try {
    writeFileSync(script, '#!/bin/sh\nexit 0\n', { mode: 0o700 });
    return spawnSync(script).status === 0;
  } catch {
    return false;
  }
}

/** tsx keeps what it has transpiled in `TMPDIR/tsx-<uid>`: the usual place of it serves every run. */
function keepTranspiled(folder: string): void {
  const name = `tsx-${process.getuid?.() ?? 0}`;
  mkdirSync(path.join(tmpdir(), name), { recursive: true });
  symlinkSync(path.join(tmpdir(), name), path.join(folder, name));
}
