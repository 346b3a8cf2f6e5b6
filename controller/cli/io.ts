/** The input and output that a verb may use. `main.ts` or a test makes it once. */
import { createColors } from 'picocolors';

export interface Io {
  /** Prints results on standard output. */
  out(text: string): void;
  /** Prints a result that is shown only once. If it is lost, even because the reader closed early, the exit code is 2 and `cure` is printed. */
  outOnce(text: string, cure: string): void;
  /** Prints progress, notes and errors on standard error. */
  err(text: string): void;
  readonly cwd: string;
  /** The environment for child processes (Git): PATH, HOME and the like. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Standard output is a terminal: colours and progress bars may be drawn. */
  readonly terminal: boolean;
  readonly colour: boolean;
  /** Width of the terminal; 80 without one. */
  readonly columns: number;
  nowMs(): number;
  /** Base URL of the controller and the operator's token: from the environment, never from arguments. */
  readonly controller: { readonly url: string | undefined; readonly token: string | undefined };
  /** Aborted on Ctrl-C, so that a watch ends cleanly. */
  readonly interrupted: AbortSignal;
  /** Reads all of standard input, for `-`. */
  stdin(): AsyncIterable<Buffer>;
}

export const paint = (io: Pick<Io, 'colour'>) => createColors(io.colour);

/** 0 success · 1 invalid or differences · 2 error, including wrong use · 3 timeout · 4 halted · 130 Ctrl-C. */
export const EXIT = { fine: 0, invalid: 1, error: 2, timeout: 3, halted: 4, interrupted: 130 } as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** Pretty JSON and a newline: one value on standard output. */
export const outJson = (io: Pick<Io, 'out'>, value: unknown): void => io.out(jsonText(value));

export const jsonText = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;
