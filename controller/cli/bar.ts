/** Progress bars on standard error. Nothing is printed if it is not a terminal. */
import { Presets, SingleBar } from 'cli-progress';
import type { Io } from './io.ts';

interface Bar {
  set(done: number, text?: string): void;
  end(): void;
}

const SILENT: Bar = { set: () => undefined, end: () => undefined };

/** `format` uses cli-progress's `{bar} {percentage} {value} {total}` and our `{text}`. */
function makeBar(io: Pick<Io, 'terminal' | 'colour'>, format: string, total: number): Bar {
  if (!io.terminal) return SILENT;
  const bar = new SingleBar(
    { format, hideCursor: true, clearOnComplete: false, stopOnComplete: false, barsize: 30, linewrap: false },
    Presets.shades_classic,
  );
  bar.start(total, 0, { text: '' });
  return {
    set: (done, text = '') => bar.update(Math.min(done, total), { text }),
    end: () => bar.stop(),
  };
}

/** Counts bytes as they are taken. */
export function uploadBar(io: Pick<Io, 'terminal' | 'colour'>, totalBytes: number) {
  const bar = makeBar(io, 'uploading {bar} {percentage} %', totalBytes);
  return {
    async *count(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
      let sent = 0;
      for await (const chunk of source) {
        sent += chunk.length;
        bar.set(sent);
        yield chunk;
      }
    },
    end: () => bar.end(),
  };
}
