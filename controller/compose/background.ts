/** Work that nobody waits for: what comes again by a timer, and what a publish sets off. */
import type { BackgroundPart, Observe } from '../domain/event.ts';
import { Fault, faultCode } from '../domain/fault.ts';

export interface Background {
  /** Tells and counts a failure of `part`. */
  failed(part: BackgroundPart, error: unknown): void;
  /** Does the work now; its failure is told, never thrown. */
  run(part: BackgroundPart, work: () => unknown): void;
  /** Does the work every `intervalMs`; a turn is left out while the one before still runs. */
  every(intervalMs: number, part: BackgroundPart, work: () => unknown): void;
  /** Begins nothing more and waits for what runs. */
  stop(): Promise<void>;
}

export function makeBackground(observe: Observe): Background {
  const timers: NodeJS.Timeout[] = [];
  const running = new Set<Promise<void>>();

  const failed = (part: BackgroundPart, error: unknown): void => {
    const message = error instanceof Fault ? error.message : 'unexpected error';
    observe({ type: 'ota.background.fail', part, code: faultCode(error), message });
  };

  function run(part: BackgroundPart, work: () => unknown): Promise<void> {
    const done = (async () => {
      try {
        await work();
      } catch (error) {
        failed(part, error);
      }
    })().finally(() => running.delete(done));
    running.add(done);
    return done;
  }

  return {
    failed,
    run: (part, work) => void run(part, work),
    every: (intervalMs, part, work) => {
      let busy = false;
      const turn = () => {
        if (busy) return;
        busy = true;
        void run(part, work).then(() => {
          busy = false;
        });
      };
      timers.push(setInterval(turn, intervalMs));
    },
    stop: async () => {
      for (const timer of timers.splice(0)) clearInterval(timer);
      await Promise.all(running);
    },
  };
}
