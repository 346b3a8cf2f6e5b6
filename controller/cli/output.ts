/** Output that may fail without ending the work: a reader that closes early, or a full disk, must not undo an edit. */
import type { Writable } from 'node:stream';

export interface Output {
  write(text: string): void;
  /** Writes what is shown only once; `cure` says what to do when it is lost. */
  writeOnce(text: string, cure: string): void;
  /** Node's error code of the first write that failed, such as `EPIPE` or `ENOSPC`; nothing is written after it. */
  lost(): string | undefined;
  /** The cure of the first write that is not repeated, if there was one. */
  cure(): string | undefined;
}

/** `onClosed`: the reader went away, so nobody waits for more. */
export function outputTo(stream: Writable, onClosed: () => void = () => undefined): Output {
  let lost: string | undefined;
  let cure: string | undefined;
  stream.on('error', (error: NodeJS.ErrnoException) => {
    lost ??= error.code ?? error.message;
    if (error.code === 'EPIPE') onClosed();
  });
  const write = (text: string): void => {
    if (lost === undefined) stream.write(text);
  };
  return {
    write,
    writeOnce: (text, how) => {
      cure ??= how;
      write(text);
    },
    lost: () => lost,
    cure: () => cure,
  };
}

/**
 * What to say when results were lost; undefined when none were. A reader that closed early had seen enough, unless the
 * results are shown only once.
 */
export function lossOf(results: Output): string | undefined {
  const why = results.lost();
  const cure = results.cure();
  if (why !== undefined && cure !== undefined)
    return `error: the results could not be written: ${why} [secret_lost]\n  they are shown only once\n  ${cure}\n`;
  if (why === undefined || why === 'EPIPE') return undefined;
  return `error: the results could not be written: ${why} [output_lost]\n  what was asked for was done all the same\n`;
}
