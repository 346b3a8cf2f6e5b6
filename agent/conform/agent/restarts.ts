/** What survives a kill: in any state it must end with one install and one result. */
import type { ServerResponse } from 'node:http';
import { must } from '../finding.ts';
import type { Bench } from './bench.ts';
import type { AgentCheck } from './check.ts';
import type { Seen } from './scripted-controller.ts';

/** Kills the agent when this request arrives, leaves it unanswered, and starts another process. */
async function killedAt(
  bench: Bench,
  isTheOne: (seen: Seen) => boolean,
  begin = (_seen: Seen, _response: ServerResponse) => {},
): Promise<void> {
  const { server } = bench;
  server.offer = bench.build(42);
  let killed = false;
  const trap = (seen: Seen, response: ServerResponse): unknown => {
    if (killed || !isTheOne(seen)) return 'default';
    killed = true;
    begin(seen, response);
    return undefined;
  };
  server.onCheck = trap;
  server.onApk = trap;
  server.onReport = trap;
  await bench.start();
  await bench.until('the request to be killed at, or a result', () => killed || bench.finals().length > 0);
  // Agents that never make this request are the subject of another check.
  if (!killed) return;
  await bench.quiet();
  await bench.restart();
  await bench.installs(42);
  const finals = new Set(bench.finals().map(r => `${r.request_id} ${r.outcome}`));
  must(finals.size === 1, `it reported ${finals.size} results of one attempt: ${[...finals].join(', ')}`);
}

export const RESTARTS: readonly AgentCheck[] = [
  {
    name: 'survives_a_kill_while_checking',
    clause: 'killed during a check: the next process installs and reports once',
    catches: 'is_stuck_after_a_crash',
    run: bench => killedAt(bench, seen => seen.path === '/v1/agent/update'),
  },
  {
    name: 'survives_a_kill_while_downloading',
    clause: 'killed during the download: the next process resumes from the last byte',
    catches: 'drops_what_it_has_at_start',
    run: async bench => {
      await killedAt(
        bench,
        seen => seen.path.endsWith('/apk'),
        (seen, response) => bench.stall(bench.kit.v42, 500)(seen, response),
      );
      const ranges = bench.server.downloads().map(d => d.headers.range);
      must(ranges[1] === 'bytes=500-', `the next download’s Range was ${ranges[1]}`);
    },
  },
  {
    name: 'survives_a_kill_while_confirming',
    clause: 'killed before the install: the next process installs once',
    catches: 'loses_its_place',
    run: bench =>
      killedAt(bench, seen => seen.path === '/v1/agent/update' && bench.server.downloads().length > 0),
  },
  {
    name: 'survives_a_kill_while_reporting',
    clause: 'a result that was not accepted is sent unchanged by the next process',
    catches: 'changes_its_story',
    run: async bench => {
      await killedAt(bench, seen => seen.path === '/v1/action-result');
      const bodies = new Set(
        bench.server
          .reports()
          .filter(r => r.outcome === 'ok')
          .map(r => JSON.stringify(r)),
      );
      must(bodies.size === 1, 'the second result differs from the first');
    },
  },
  {
    name: 'reports_after_its_own_replacement',
    clause: 'the update kills the process that installed it; the next one reports',
    catches: 'forgets_its_replacement',
    run: async bench => {
      bench.server.offer = bench.build(42);
      await bench.start({ dieOnUpdate: true });
      await bench.until('its own end', () => bench.agent?.ended === true);
      await bench.restart();
      await bench.installs(42);
    },
  },
  {
    name: 'repeats_a_result_until_it_is_taken',
    clause: 'a result that the controller could not accept is sent again unchanged',
    catches: 'reports_once',
    run: async bench => {
      const { server } = bench;
      server.offer = bench.build(42);
      let down = 2;
      server.onReport = (_, response) => (down-- > 0 ? response.writeHead(500).end() : 'default');
      await bench.start();
      await bench.until('a third report', () => server.reports().length >= 3);
      must(new Set(server.reports().map(r => JSON.stringify(r))).size === 1, 'the results differ');
    },
  },
  {
    name: 'repeats_a_result_after_a_kill',
    clause: 'killed before its result was accepted: the next process sends it',
    catches: 'forgets_results_at_restart',
    run: async bench => {
      const { server } = bench;
      server.offer = bench.build(42);
      server.onReport = () => undefined;
      await bench.start();
      await bench.until('a result', () => bench.finals().length > 0);
      const before = server.reports().length;
      server.onReport = undefined;
      await bench.restart();
      await bench.until('the result from the next process', () => server.reports().length > before);
      const [first, again] = [server.reports()[before - 1], server.reports()[before]];
      must(JSON.stringify(first) === JSON.stringify(again), 'the next process sent a different result');
    },
  },
];
