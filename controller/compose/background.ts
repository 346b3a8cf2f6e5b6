/** Work that nobody waits for: jobs repeated by a timer, and jobs started by a publish. */
import type { BackgroundPart, Observe } from '../domain/event.ts';
import { Fault, faultCode } from '../domain/fault.ts';

export interface Background {
  /** Logs and counts a failure of `part`. */
  failed(part: BackgroundPart, error: unknown): void;
  /** Starts the work now. A failure is reported, never thrown. */
  run(part: BackgroundPart, work: () => unknown): void;
  /** Repeats the work every `intervalMs`; skips a turn while the previous one still runs. */
  every(intervalMs: number, part: BackgroundPart, work: () => unknown): void;
  /** Starts nothing new and waits for running work. */
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
