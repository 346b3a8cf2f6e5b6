/**
 * Where log lines go. Logging never stops the service: while the disk is full or the reader is stuck, lines wait in a
 * bounded buffer. Lines beyond its limit are dropped and counted.
 */
import { fstatSync, write as writeFd, writeSync } from 'node:fs';
import { Socket } from 'node:net';

export interface LogOutput {
  write(line: string): void;
  /** Resolves once everything is written, or after `limitMs` at the latest. */
  flush(limitMs: number): Promise<void>;
}

/** Writes some of the bytes and calls back with their number, or with an error. One call at a time. */
export type Sink = (bytes: Buffer, done: (error: Error | null, written: number) => void) => void;

interface OutputOptions {
  readonly sink: Sink;
  /** Called with the number of lines whenever some were dropped. */
  readonly onDropped: (lines: number) => void;
  /** How many characters may wait. */
  readonly capacity?: number;
  /** How long lines are gathered before a write, and how long a failed write waits for its next try, ms. */
  readonly gatherMs?: number;
}

/** Some 20,000 lines. */
const CAPACITY = 4_194_304;
/** A write starts at once when this many characters wait; one write takes little more than twice as many. */
const ENOUGH = 65_536;
const GATHER_MS = 500;

interface BoundedOutput extends LogOutput {
  /** Removes and returns the waiting lines that are not being written, for a last write at exit. */
  takeRest(): Buffer;
}

export function boundedOutput(options: OutputOptions): BoundedOutput {
  const { sink, onDropped, capacity = CAPACITY, gatherMs = GATHER_MS } = options;
  let lines: string[] = [];
  let waiting = 0;
  /** The rest of a write that was begun. It goes out before anything else, so that no line is torn. */
  let left: Buffer = Buffer.alloc(0);
  let busy = false;
  let gathering = false;
  let listeners: (() => void)[] = [];

  /** Joins waiting lines into one piece of bounded size. Writing bytes is many times faster than writing text. */
  function nextPiece(): Buffer {
    let size = 0;
    let count = 0;
    while (count < lines.length && size < ENOUGH * 2) size += lines[count++]?.length ?? 0;
    waiting -= size;
    return Buffer.from(lines.splice(0, count).join(''));
  }

  const isEmpty = (): boolean => left.length === 0 && lines.length === 0;

  function later(): void {
    if (gathering) return;
    gathering = true;
    setTimeout(() => {
      gathering = false;
      begin();
    }, gatherMs).unref();
  }

  function begin(): void {
    if (busy || isEmpty()) return;
    if (left.length === 0) left = nextPiece();
    busy = true;
    sink(left, (error, written) => {
      busy = false;
      left = left.subarray(error === null ? written : 0);
      if (error !== null) later();
      else if (left.length > 0 || waiting >= ENOUGH || listeners.length > 0) begin();
      else if (lines.length > 0) later();
      if (!isEmpty()) return;
      for (const told of listeners.splice(0)) told();
    });
  }

  return {
    write: line => {
      if (waiting + line.length > capacity) return onDropped(1);
      lines.push(line);
      waiting += line.length;
      if (waiting >= ENOUGH) begin();
      else later();
    },
    flush: limitMs =>
      new Promise(resolve => {
        if (isEmpty() && !busy) return resolve();
        const limit = setTimeout(() => {
          listeners = listeners.filter(told => told !== end);
          resolve();
        }, limitMs);
        const end = () => {
          clearTimeout(limit);
          resolve();
        };
        listeners.push(end);
        begin();
      }),
    takeRest: () => {
      const rest = busy ? [] : [left];
      rest.push(Buffer.from(lines.join('')));
      if (!busy) left = Buffer.alloc(0);
      lines = [];
      waiting = 0;
      return Buffer.concat(rest);
    },
  };
}

const STDOUT = 1;

/**
 * A pipe's reader may be stuck. A file write to the pipe would then block a thread, and the process could never end.
 */
function pipeSink(): Sink {
  const socket = new Socket({ fd: STDOUT, readable: false, writable: true }).unref();
  // Each write gets its own error in its callback.
  socket.on('error', () => undefined);
  return (bytes, done) => void socket.write(bytes, error => done(error ?? null, bytes.length));
}

const fileSink: Sink = (bytes, done) => writeFd(STDOUT, bytes, (error, written) => done(error, written));

/** False when the disk is full or nobody reads. The process ends either way, and there is nowhere left to report it. */
function writeLast(bytes: Buffer): boolean {
  try {
    return writeSync(STDOUT, bytes) === bytes.length;
  } catch {
    return false;
  }
}

/** Standard output, written in large pieces, at least twice a second and at exit. */
export function standardOutput(onDropped: (lines: number) => void): LogOutput {
  const kind = fstatSync(STDOUT);
  const output = boundedOutput({ sink: kind.isFIFO() || kind.isSocket() ? pipeSink() : fileSink, onDropped });
  process.on('exit', () => {
    writeLast(output.takeRest());
  });
  return output;
}
