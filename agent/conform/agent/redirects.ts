/** Redirects of a check or a result must not be followed, so the token cannot leak. */

import { must } from '../finding.ts';
import type { Bench } from './bench.ts';
import type { AgentCheck } from './check.ts';
import { withStranger } from './stranger.ts';

const unseen =
  (prepare: (bench: Bench, origin: string) => void, done: (bench: Bench) => boolean) =>
  (bench: Bench): Promise<void> =>
    withStranger(Buffer.from('{}'), async (origin, seen) => {
      prepare(bench, origin);
      await bench.start();
      await bench.until('a request to be redirected', () => done(bench));
      await bench.quiet();
      must(seen.length === 0, `another host was asked ${seen[0]}`);
    });

export const REDIRECTS: readonly AgentCheck[] = [
  {
    name: 'refuses_a_redirected_check',
    clause: 'a redirect of the update check is not followed, with or without the token',
    catches: 'follows_redirects_of_checks',
    run: unseen(
      ({ server }, origin) => {
        server.onCheck = (seen, response) =>
          response.writeHead(307, { location: `${origin}${seen.path}?${seen.query}` }).end();
      },
      ({ server }) => server.checks().length > 0,
    ),
  },
  {
    name: 'refuses_a_redirected_result',
    clause: 'a redirect of a result is not followed, with or without the token',
    catches: 'follows_redirects_of_results',
    run: unseen(
      (bench, origin) => {
        bench.server.offer = bench.build(42);
        bench.server.onReport = (seen, response) =>
          response.writeHead(307, { location: `${origin}${seen.path}` }).end();
      },
      ({ server }) => server.reports().length > 0,
    ),
  },
];
