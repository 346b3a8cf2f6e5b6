/**
 * Drains promised effects: rows that were committed with the change that caused them (SPEC §7). Each topic has one
 * handler and is drained in order, topics side by side; failures back off, and nothing here ever stops checks.
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
  /** How often due rows are looked for without a wake-up, ms. */
  readonly intervalMs?: number;
}

export interface Outbox {
  start(): void;
  /** Rows were added: look at once. */
  wake(): void;
  /** Waits until nothing is due; for tests and for shutdown. */
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
        // One row at a time: handling it may replace rows behind it.
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
        // A wake-up that came after the last look must not be lost.
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
