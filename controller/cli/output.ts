/** Output that may fail without ending the work: a reader that closes early, or a full disk, must not undo an edit. */
import type { Writable } from 'node:stream';

export interface Output {
  write(text: string): void;
  /** Node's error code of the first write that failed, such as `EPIPE` or `ENOSPC`; nothing is written after it. */
  lost(): string | undefined;
}

/** `onClosed`: the reader went away, so nobody waits for more. */
export function outputTo(stream: Writable, onClosed: () => void = () => undefined): Output {
  let lost: string | undefined;
  stream.on('error', (error: NodeJS.ErrnoException) => {
    lost ??= error.code ?? error.message;
    if (error.code === 'EPIPE') onClosed();
  });
  return {
    write: text => {
      if (lost === undefined) stream.write(text);
    },
    lost: () => lost,
  };
}

/** What to say when results were lost for another reason than a reader that had seen enough; undefined when none were. */
export function lossOf(results: Output): string | undefined {
  const why = results.lost();
  if (why === undefined || why === 'EPIPE') return undefined;
  return `error: the results could not be written: ${why} [output_lost]\n  what was asked for was done all the same\n`;
}
