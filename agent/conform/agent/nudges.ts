/** Which push messages an agent follows (SPEC §8). */

import { MINUTE_MS } from '../../../controller/domain/duration.ts';
import { must } from '../finding.ts';
import type { Bench } from './bench.ts';
import type { AgentCheck } from './check.ts';

const YEAR_MS = 365 * 24 * 60 * MINUTE_MS;

const ignoring =
  (message: (bench: Bench) => Record<string, unknown>) =>
  async (bench: Bench): Promise<void> => {
    await bench.start();
    await bench.quiet();
    await bench.ignores(message(bench));
  };

/** Sends a genuine nudge and waits for its effect, if any. */
async function send(bench: Bench, message: Record<string, unknown>): Promise<void> {
  bench.tell({ nudge: message });
  await bench.quiet(2);
}

export const NUDGES: readonly AgentCheck[] = [
  {
    name: 'follows_a_nudge',
    clause: 'a genuine nudge makes it ask at once',
    catches: 'deaf_to_nudges',
    run: async bench => {
      await bench.start();
      await bench.quiet();
      const before = bench.server.checks().length;
      bench.tell({ nudge: bench.nudge() });
      await bench.until('a check after a genuine nudge', () => bench.server.checks().length > before);
    },
  },
  {
    name: 'names_an_attempt_by_its_nudge',
    clause: 'an attempt started by a nudge carries the nudge’s request_id',
    catches: 'names_attempts_itself',
    run: async bench => {
      await bench.start();
      await bench.quiet();
      bench.server.offer = bench.build(42);
      const message = bench.nudge();
      await send(bench, message);
      const [final] = bench.finals();
      must(
        final === undefined || final.request_id === message.request_id,
        `the result was named ${final?.request_id}, not ${message.request_id}`,
      );
    },
  },
  {
    name: 'refuses_a_forged_nudge',
    clause: 'a wrong HMAC is ignored',
    catches: 'skips_the_hmac',
    run: ignoring(bench => bench.nudge({ key: Buffer.alloc(32, 1) })),
  },
  {
    name: 'refuses_a_nudge_for_another_device',
    clause: 'the HMAC covers the device id',
    catches: 'takes_anyones_nudge',
    run: ignoring(bench => bench.nudge({ deviceId: 'conform-2' })),
  },
  {
    name: 'refuses_a_stale_nudge',
    clause: 'a nudge older than ten minutes is ignored',
    catches: 'takes_stale_nudges',
    run: ignoring(bench => bench.nudge({ issuedAtMs: Date.now() - 11 * MINUTE_MS })),
  },
  {
    name: 'refuses_a_nudge_from_the_future',
    clause: 'a nudge more than five minutes ahead is ignored',
    catches: 'takes_early_nudges',
    run: ignoring(bench => bench.nudge({ issuedAtMs: Date.now() + 6 * MINUTE_MS })),
  },
  {
    name: 'refuses_a_replayed_nudge',
    clause: 'a request_id is accepted only once',
    catches: 'follows_replays',
    run: async bench => {
      await bench.start();
      await bench.quiet();
      const message = bench.nudge();
      await send(bench, message);
      await bench.ignores(message);
    },
  },
  {
    name: 'remembers_nudges_over_a_restart',
    clause: 'the replay window survives a restart of the process',
    catches: 'forgets_nudges_at_restart',
    run: async bench => {
      await bench.start();
      await bench.quiet();
      const message = bench.nudge();
      await send(bench, message);
      await bench.restart();
      await bench.quiet(2);
      await bench.ignores(message);
    },
  },
  {
    name: 'judges_nudges_by_the_controllers_clock',
    clause: 'freshness is judged by the last response’s Date, not by the device’s clock',
    catches: 'trusts_its_own_clock',
    run: async bench => {
      bench.server.dateMs = () => Date.now() + YEAR_MS;
      await bench.start();
      await bench.until('a check', () => bench.server.checks().length > 0);
      await bench.quiet();
      await bench.ignores(bench.nudge({ issuedAtMs: Date.now() }));
    },
  },
  {
    name: 'answers_every_nudge',
    clause: 'if there is nothing to do, a nudge is answered with skipped',
    catches: 'leaves_nudges_unanswered',
    run: async bench => {
      await bench.start();
      await bench.quiet();
      const message = bench.nudge();
      await send(bench, message);
      const answer = bench.server.reports().find(report => report.request_id === message.request_id);
      must(answer !== undefined, 'it did not report a result for the nudge');
      must(answer.outcome === 'skipped', `it reported ${answer.outcome}/${answer.reason}`);
    },
  },
  {
    name: 'follows_a_nudge_that_is_fresh_for_the_controller',
    clause: 'a nudge that is fresh by the last response’s Date is accepted, whatever the device’s clock says',
    catches: 'trusts_its_own_clock_alone',
    run: async bench => {
      const { server } = bench;
      server.dateMs = () => Date.now() + YEAR_MS;
      await bench.start();
      await bench.until('a check', () => server.checks().length > 0);
      await bench.quiet();
      const before = server.checks().length;
      bench.tell({ nudge: bench.nudge({ issuedAtMs: Date.now() + YEAR_MS }) });
      await bench.until('a check after a fresh nudge', () => server.checks().length > before);
    },
  },
];
