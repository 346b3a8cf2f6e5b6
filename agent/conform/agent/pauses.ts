/** How often an agent asks, and how long it waits after a failure. */
import type { ServerResponse } from 'node:http';
import { HOUR_MS, MINUTE_MS } from '../../../controller/domain/duration.ts';
import { must } from '../finding.ts';
import { type Bench, STEP_MS } from './bench.ts';
import type { AgentCheck } from './check.ts';

/** At this scale the first pauses after an error are seconds long. */
const SLOW = 10;
/** At this scale six hours (the poll interval and the first long pause) take 1.5 s. */
const FAST = 14_400;
const SIX_HOURS_MS = 6 * HOUR_MS;
const MANY = 8;
const BAD_BYTES = { sha256: '0'.repeat(64) };

/** Passes at the first real pause. Fails if eight checks arrive without one. */
const pausesAfter =
  (fail: (response: ServerResponse) => unknown) =>
  async (bench: Bench): Promise<void> => {
    const gaps: number[] = [];
    let answered: number | undefined;
    bench.server.onCheck = (_, response) => {
      if (answered !== undefined) gaps.push(bench.steps - answered);
      answered = bench.steps;
      fail(response);
    };
    const current = () => (answered === undefined ? 0 : bench.steps - answered);
    const paused = () => [...gaps, current()].some(steps => steps * STEP_MS >= 3_000 / SLOW);
    await bench.start({ timeScale: SLOW });
    await bench.until('a pause, or many checks', () => paused() || gaps.length >= MANY);
    must(paused(), `it asked ${gaps.length + 1} times without a pause`);
  };

/** Polls until attempts at this offer have failed `times` times. */
async function fails(bench: Bench, times: number): Promise<void> {
  const failures = () => bench.finals().filter(report => report.outcome === 'fail').length;
  while (failures() < times) {
    const before = failures();
    bench.tell({ poll: true });
    await bench.until(`failure ${before + 1} of ${times}`, () => failures() > before);
    await bench.quiet();
  }
}

/** Three failures of `b42`, after which it rests. */
async function tired(bench: Bench, timeScale?: number): Promise<void> {
  const { server } = bench;
  await bench.start(timeScale === undefined ? {} : { timeScale });
  await bench.until('a check', () => server.checks().length > 0);
  await bench.quiet();
  server.manifest = BAD_BYTES;
  server.offer = bench.build(42);
  await fails(bench, 3);
}

export const PAUSES: readonly AgentCheck[] = [
  {
    name: 'pauses_after_an_error',
    clause: 'after an error answer it waits before it asks again, with full jitter from 30 s on',
    catches: 'hammers_after_errors',
    run: pausesAfter(response => response.writeHead(500).end()),
  },
  {
    name: 'pauses_after_a_cut_connection',
    clause: 'after a broken connection it waits before it asks again, with full jitter from 30 s on',
    catches: 'hammers_after_cuts',
    run: pausesAfter(response => response.destroy()),
  },
  {
    name: 'asks_no_sooner_than_told',
    clause: 'after a hold it asks again when the poll interval is over, and not before',
    catches: 'asks_all_the_time',
    run: async bench => {
      const { server } = bench;
      await bench.start();
      await bench.until('a check', () => server.checks().length > 0);
      await bench.watch(2);
      const asked = server.checks().length;
      must(asked <= 2, `it asked ${asked} times within minutes, although its interval is six hours`);
    },
  },
  {
    name: 'asks_every_interval',
    clause: 'it asks every six hours by itself',
    catches: 'forgets_to_poll',
    run: async bench => {
      const { server } = bench;
      await bench.start({ timeScale: FAST });
      await bench.until('a first check', () => server.checks().length > 0);
      const since = performance.now();
      const before = server.checks().length;
      await bench.until('a check after six hours', () => server.checks().length > before);
      const waitedMs = performance.now() - since;
      must(waitedMs >= SIX_HOURS_MS / FAST / 2, 'it asked long before its interval was over');
    },
  },
  {
    name: 'tries_again_after_one_failure',
    clause: 'after one failure of a build it tries again at the next check',
    catches: 'gives_up_after_one_failure',
    run: async bench => {
      const { server } = bench;
      await bench.start();
      await bench.until('a check', () => server.checks().length > 0);
      server.manifest = BAD_BYTES;
      server.offer = bench.build(42);
      await fails(bench, 1);
      server.manifest = {};
      bench.tell({ poll: true });
      await bench.installs(42);
    },
  },
  {
    name: 'ends_its_pauses',
    clause: 'after three failures it waits six hours, and then tries again',
    catches: 'never_forgives',
    run: async bench => {
      await tired(bench, FAST);
      // Ends the pause both for agents that count scaled time and for agents that use the controller's clock.
      bench.server.dateMs = () => Date.now() + SIX_HOURS_MS + MINUTE_MS;
      bench.server.manifest = {};
      bench.tell({ poll: true });
      await bench.installs(42);
    },
  },
  {
    name: 'pauses_for_one_build_alone',
    clause: 'a pause after failures affects only the build that failed',
    catches: 'punishes_every_build',
    run: async bench => {
      await tired(bench);
      bench.server.manifest = {};
      bench.server.offer = bench.build(43);
      bench.tell({ poll: true });
      await bench.installs(43);
    },
  },
  {
    name: 'pauses_when_answers_go_on_differing',
    clause: 'a confirmation that names another build counts as a failure of the first',
    catches: 'downloads_for_ever',
    run: async bench => {
      const { server } = bench;
      let asked = 0;
      server.onCheck = () => {
        server.offer = bench.build(asked++ % 2 === 0 ? 42 : 43);
        return 'default';
      };
      await bench.start();
      await bench.until('a download', () => server.downloads().length > 0);
      await bench.quiet(4);
      const downloads = server.downloads().length;
      must(downloads <= 8, `it downloaded builds that were never confirmed ${downloads} times`);
    },
  },
];
