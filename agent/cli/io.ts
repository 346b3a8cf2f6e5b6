/** A command's access to the world: created once by `main.ts`, or by a test. */
import type { Readable } from 'node:stream';
import { createColors } from 'picocolors';

export interface Io {
  /** Results, on standard output. */
  out(text: string): void;
  /** Progress, notes and errors, on standard error. */
  err(text: string): void;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Standard error is a terminal: progress may be drawn on it. */
  readonly terminal: boolean;
  readonly colour: boolean;
  readonly stdin: Readable;
  /** Fires on Ctrl-C and SIGTERM. */
  readonly interrupted: AbortSignal;
}

export const paint = (io: Pick<Io, 'colour'>) => createColors(io.colour);

/** 0 fine · 1 an attempt, a device or a check failed · 2 error or wrong usage · 75 replaced by an update: start again. */
export const EXIT = { fine: 0, failed: 1, error: 2, replaced: 75 } as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

export const outJson = (io: Pick<Io, 'out'>, value: unknown): void =>
  io.out(`${JSON.stringify(value, null, 2)}\n`);
