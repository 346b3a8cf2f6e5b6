import type { Source } from '../ports/index.ts';

/** Wakes one run at a time by timer and by hints, and backs off while it fails. Hints never carry content. */
export function makeWaker(source: Pick<Source, 'watch'>, run: () => Promise<boolean>) {
  let timer: NodeJS.Timeout | undefined;
  let unwatch: (() => Promise<void>) | undefined;
  let state: 'idle' | 'running' | 'again' | 'stopped' = 'stopped';
  let fails = 0;
  let plan: { intervalMs: number; random: () => number } = { intervalMs: 30_000, random: () => 0.5 };
  let current: Promise<void> = Promise.resolve();

  function arm(): void {
    clearTimeout(timer);
    if (state === 'stopped') return;
    // A failing source is asked sooner than the interval at first, then less and less often.
    const base =
      fails === 0 ? plan.intervalMs : Math.min(plan.intervalMs, 1_000 * 2 ** Math.min(fails - 1, 10));
    timer = setTimeout(wake, base * (0.9 + 0.2 * plan.random()));
  }

  async function loop(): Promise<void> {
    do {
      state = 'running';
      fails = (await run()) ? 0 : fails + 1;
    } while (isAgain());
    if (isRunning()) state = 'idle';
    arm();
  }

  // The state changes while `run` is awaited, which TypeScript cannot see; functions hide the narrowed type.
  const isAgain = (): boolean => state === 'again';
  const isRunning = (): boolean => state === 'running';

  function wake(): void {
    if (state === 'idle') {
      state = 'running';
      current = loop();
      // Only bugs get here: crash and restart in a clean state.
      current.catch(error => {
        throw error;
      });
    } else if (state === 'running') state = 'again';
  }

  return {
    wake,
    start: async (intervalMs: number, random: () => number): Promise<void> => {
      plan = { intervalMs, random };
      state = 'idle';
      wake();
      unwatch = await source.watch(wake);
    },
    stop: async (): Promise<void> => {
      state = 'stopped';
      clearTimeout(timer);
      await unwatch?.();
      await current;
    },
  };
}
