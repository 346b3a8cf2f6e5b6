/** Where log lines go. */
import { pino } from 'pino';

export interface LogOutput {
  write(line: string): void;
  flush(done: () => void): void;
}

const LOG_BUFFER_BYTES = 65_536;

/** Standard output, written in large pieces, at least twice a second and at exit. Bytes: as text it is many times slower. */
export function standardOutput(): LogOutput {
  const out = pino.destination({
    dest: 1,
    sync: false,
    minLength: LOG_BUFFER_BYTES,
    maxWrite: LOG_BUFFER_BYTES * 2,
    periodicFlush: 500,
    contentMode: 'buffer',
  });
  // In this mode it takes bytes, which its type does not know.
  const take = out.write.bind(out) as unknown as (bytes: Buffer) => boolean;
  return { write: line => void take(Buffer.from(line)), flush: done => out.flush(done) };
}
