/** Output whose failure does not end the work: a reader that closes early or a full disk must not stop an edit. */
import type { Writable } from 'node:stream';

export interface Output {
  write(text: string): void;
  /** Writes a result that is shown only once; `cure` says what to do if it is lost. */
  writeOnce(text: string, cure: string): void;
  /** Node's error code of the first failed write, such as `EPIPE` or `ENOSPC`. Nothing is written after it. */
  lost(): string | undefined;
  /** The `cure` of the first result that is shown only once, if there was one. */
  cure(): string | undefined;
}

/** `onClosed` is called when the reader has closed the stream. */
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
 * The error to print if results were lost; undefined if none were. It is no error if a reader closed early, unless the
 * results are shown only once.
 */
export function lossOf(results: Output): string | undefined {
  const why = results.lost();
  const cure = results.cure();
  if (why !== undefined && cure !== undefined)
    return `error: the results could not be written: ${why} [secret_lost]\n  they are shown only once\n  ${cure}\n`;
  if (why === undefined || why === 'EPIPE') return undefined;
  return `error: the results could not be written: ${why} [output_lost]\n  the command itself was carried out\n`;
}
