/**
 * Drains the outbox: effects whose rows were committed with the change that caused them (SPEC §7). Each topic has one
 * handler. Rows of one topic are handled in order, and topics run in parallel. Failed rows are tried again with a growing
 * delay. No failure here ever stops update checks.
 */
import { retryDelayMs } from '../domain/backoff.ts';
import type { Observe } from '../domain/event.ts';
import { Fault, faultCode } from '../domain/fault.ts';
import type { OutboxHandler, OutboxRow, OutboxStore } from '../ports/index.ts';

interface OutboxOptions {
  readonly store: OutboxStore;
  readonly handlers: readonly OutboxHandler[];
  readonly nowMs: () => number;
  /** 0 ≤ random < 1, for jitter. */
  readonly random: () => number;
  readonly observe: Observe;
  /** How often the store is searched for due rows without a wake-up, ms. */
  readonly intervalMs?: number;
}

export interface Outbox {
  start(): void;
  /** Searches for due rows at once. Called after rows were added. */
  wake(): void;
  /** Waits until no row is due. For tests and for the shutdown. */
  drain(): Promise<void>;
  stop(): Promise<void>;
}

export function makeOutbox(options: OutboxOptions): Outbox {
  const lanes = options.handlers.map(handler => makeLane(handler, options));
  return {
    start: () => {
      for (const lane of lanes) lane.start();
    },
    wake: () => {
      for (const lane of lanes) lane.wake();
    },
    drain: async () => {
      await Promise.all(lanes.map(lane => lane.settle()));
    },
    stop: async () => {
      await Promise.all(lanes.map(lane => lane.stop()));
    },
  };
}

function makeLane(
  handler: OutboxHandler,
  { store, nowMs, random, observe, intervalMs = 1_000 }: OutboxOptions,
) {
  const stopping = new AbortController();
  let running: Promise<void> | undefined;
  let again = false;
  let timer: NodeJS.Timeout | undefined;

  async function attempt(row: OutboxRow): Promise<void> {
    const fail = async (code: string, retryAtMs: number | undefined): Promise<void> => {
      observe({
        type: 'ota.outbox.fail',
        topic: row.topic,
        code,
        attempt: row.attempts + 1,
        final: retryAtMs === undefined,
      });
      await (retryAtMs === undefined ? store.giveUp(row.id, code) : store.retry(row.id, retryAtMs, code));
    };
    try {
      const handled = await handler.handle(row, stopping.signal);
      if (handled === 'done') await store.done(row.id);
      else if ('gaveUp' in handled) await fail(handled.gaveUp, undefined);
      else await store.retry(row.id, handled.retryAtMs, handled.code);
    } catch (error) {
      if (stopping.signal.aborted) return;
      const retry = error instanceof Fault && error.retry === 'backoff';
      await fail(faultCode(error), retry ? nowMs() + retryDelayMs(row.attempts, random) : undefined);
    }
  }

  async function pass(): Promise<void> {
    do {
      again = false;
      for (;;) {
        // Reads one row at a time, because handling it may replace later rows.
        const [row] = await store.due([handler.topic], nowMs(), 1);
        if (row === undefined) break;
        if (stopping.signal.aborted) return;
        await attempt(row);
      }
    } while (again);
  }

  function wake(): void {
    if (stopping.signal.aborted) return;
    if (running !== undefined) {
      again = true;
      return;
    }
    running = pass()
      .catch(error =>
        observe({
          type: 'ota.background.fail',
          part: 'outbox',
          code: faultCode(error),
          message: error instanceof Fault ? error.message : 'unexpected error',
        }),
      )
      .finally(() => {
        running = undefined;
        // Handles a wake-up that arrived after the last search.
        if (again) wake();
      });
  }

  return {
    wake,
    start: () => {
      timer = setInterval(wake, intervalMs);
      wake();
    },
    settle: async () => {
      wake();
      while (running !== undefined) await running;
    },
    stop: async () => {
      clearInterval(timer);
      stopping.abort();
      await running;
    },
  };
}
