/** `--out FILE`: writes a result that is shown only once to a new file that only its owner can read, not to the terminal. */
import { closeSync, fsyncSync, openSync, unlinkSync, writeSync } from 'node:fs';
import path from 'node:path';
import type { Command } from 'commander';
import { Fault } from '../domain/fault.ts';
import type { ExitCode, Io } from './io.ts';

export interface OutOption {
  readonly out?: string;
}

export const outOption = (command: Command): Command =>
  command.option('--out <file>', 'write the secrets to this new file (mode 0600) instead of the terminal');

/**
 * Opens the file first, so that nothing is created that cannot be saved. Faults `file_exists`, `write_failed`, and
 * `secret_lost` if the secret was created but could not be written.
 */
export async function withSecretFile(
  { out }: OutOption,
  io: Io,
  use: (io: Io) => Promise<ExitCode>,
): Promise<ExitCode> {
  if (out === undefined) return use(io);
  const file = path.resolve(io.cwd, out);
  const descriptor = opened(file, out);
  let kept = false;
  try {
    return await use({
      ...io,
      outOnce: (text, cure) => {
        write(descriptor, text, out, cure);
        kept = true;
        io.err(`wrote ${out}\n`);
      },
    });
  } finally {
    closeSync(descriptor);
    if (!kept) unlinkSync(file);
  }
}

const why = (cause: unknown): string => (cause as NodeJS.ErrnoException).code ?? (cause as Error).message;

function opened(file: string, shown: string): number {
  try {
    return openSync(file, 'wx', 0o600);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'EEXIST')
      throw new Fault(
        'file_exists',
        `${shown} already exists; nothing was made\n  give the name of a new file`,
        {
          retry: 'never',
          cause,
        },
      );
    throw new Fault('write_failed', `cannot write ${shown}: ${why(cause)}; nothing was made`, {
      retry: 'never',
      cause,
    });
  }
}

function write(descriptor: number, text: string, shown: string, cure: string): void {
  try {
    writeSync(descriptor, text);
    fsyncSync(descriptor);
  } catch (cause) {
    throw new Fault(
      'secret_lost',
      `${shown} could not be written: ${why(cause)}\n  it is shown only once\n  ${cure}`,
      { retry: 'never', cause },
    );
  }
}
