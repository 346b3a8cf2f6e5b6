/**
 * The only writer: jobs run one after another, and waiting jobs share one transaction and one fsync. Each has its own
 * savepoint, so a job that fails undoes only its own changes. Invariant: a job uses only the transaction it is given. A
 * second `write` inside it would wait for itself.
 */
import type { Knex } from 'knex';
import { Fault } from '../domain/fault.ts';
import type { Engine } from './engine.ts';
import { toFault } from './faults.ts';

export type Job<T> = (trx: Knex.Transaction) => Promise<T>;

export interface Writer {
  /** Resolves when the job's changes are on disk; rejects when none of them are. */
  write<T>(job: Job<T>): Promise<T>;
  /** Ends after the jobs that wait now; later jobs are refused. */
  stop(): Promise<void>;
}

interface Waiting {
  run(trx: Knex.Transaction, shared: boolean): Promise<void>;
  committed(): void;
  failed(error: unknown): void;
}

/** Bounds how long the first of a batch waits for the last. */
const BATCH = 128;

type WriteEngine = Pick<Engine, 'writer' | 'standing' | 'begin'>;

/** Called for each transaction with its time and its number of jobs. */
export interface WriteWatch {
  readonly monotonicMs: () => number;
  readonly wrote: (ms: number, jobs: number) => void;
}

export function makeWriter(engine: WriteEngine, watch?: WriteWatch): Writer {
  const waiting: Waiting[] = [];
  let draining: Promise<void> | undefined;
  let stopped = false;

  async function drain(): Promise<void> {
    while (waiting.length > 0) {
      const batch = waiting.splice(0, BATCH);
      const startedMs = watch?.monotonicMs() ?? 0;
      await commit(engine, batch);
      watch?.wrote(watch.monotonicMs() - startedMs, batch.length);
    }
    // In the same tick as the check of the queue: a later job must find that nobody is draining it.
    draining = undefined;
  }

  return {
    write<T>(job: Job<T>): Promise<T> {
      if (stopped)
        return Promise.reject(new Fault('store_closed', 'the store is closed', { retry: 'never' }));
      return new Promise<T>((resolve, reject) => {
        waiting.push(makeWaiting(job, resolve, reject));
        // After this tick, so that jobs of the same tick share a transaction.
        draining ??= Promise.resolve().then(drain);
      });
    },
    stop: async () => {
      stopped = true;
      await draining;
    },
  };
}

function makeWaiting<T>(job: Job<T>, resolve: (value: T) => void, reject: (error: unknown) => void): Waiting {
  let settle: () => void = () => reject(new Error('assertion: committed before it ran'));
  return {
    async run(trx, shared) {
      const tried = await attempt(job, trx, shared);
      if ('value' in tried) settle = () => resolve(tried.value);
      else if (tried.undone) settle = () => reject(tried.error);
      else throw tried.error;
    },
    committed: () => settle(),
    failed: error => reject(toFault(error)),
  };
}

type Tried<T> = { value: T } | { error: unknown; undone: boolean };

/**
 * `undone`: the savepoint undid all changes of this job, so the other jobs may go on. False if the job ran alone, or if
 * the database failed, which may have ended the whole transaction. The first error is kept, because Knex's error about
 * its own rollback would hide the cause.
 */
async function attempt<T>(job: Job<T>, trx: Knex.Transaction, shared: boolean): Promise<Tried<T>> {
  let cause: unknown;
  const noting: Job<T> = async inner => {
    try {
      return await job(inner);
    } catch (error) {
      cause = error;
      throw error;
    }
  };
  try {
    return { value: shared ? await trx.transaction(noting) : await noting(trx) };
  } catch (error) {
    const why = cause ?? error;
    return { error: why, undone: shared && error === cause && toFault(why) === why };
  }
}

const neverBegan = (cause: unknown): boolean =>
  cause instanceof Error && cause.message.startsWith('Transaction query already complete');

async function commit({ writer, standing, begin }: WriteEngine, batch: readonly Waiting[]): Promise<void> {
  let cause: unknown;
  try {
    await standing();
    await writer.transaction(async trx => {
      try {
        await begin?.(trx);
        for (const job of batch) await job.run(trx, batch.length > 1);
      } catch (error) {
        cause = error;
        throw error;
      }
    });
  } catch (error) {
    // Knex runs the work of a transaction even after BEGIN failed, so an error of the work is not the cause.
    const why = cause === undefined || neverBegan(cause) ? error : cause;
    for (const job of batch) job.failed(why);
    return;
  }
  for (const job of batch) job.committed();
}
