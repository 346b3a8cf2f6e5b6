/** What a verb may touch of the world: made once by `main.ts`, or by a test. */
import { createColors } from 'picocolors';

export interface Io {
  /** Results: what a pipe reads. */
  out(text: string): void;
  /** A result that is shown only once. When it is lost, even to a reader that closed early, the exit code is 2 and `cure` is told. */
  outOnce(text: string, cure: string): void;
  /** Progress, notes and errors. */
  err(text: string): void;
  readonly cwd: string;
  /** What child processes (Git) may see: PATH, HOME and the like. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Standard output is a terminal: colours and progress bars may be drawn. */
  readonly terminal: boolean;
  readonly colour: boolean;
  /** Width of the terminal; 80 without one. */
  readonly columns: number;
  nowMs(): number;
  /** Base URL of the controller and the operator's token: from the environment, never from arguments. */
  readonly controller: { readonly url: string | undefined; readonly token: string | undefined };
  /** Fires on Ctrl-C, so that a watch ends in order. */
  readonly interrupted: AbortSignal;
  /** Reads standard input whole, for `-`. */
  stdin(): AsyncIterable<Buffer>;
}

export const paint = (io: Pick<Io, 'colour'>) => createColors(io.colour);

/** 0 fine · 1 invalid or differences · 2 error, wrong use included · 3 timeout · 4 halted · 130 Ctrl-C. */
export const EXIT = { fine: 0, invalid: 1, error: 2, timeout: 3, halted: 4, interrupted: 130 } as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** Pretty JSON and a newline: one value on standard output. */
export const outJson = (io: Pick<Io, 'out'>, value: unknown): void => io.out(jsonText(value));

export const jsonText = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;
