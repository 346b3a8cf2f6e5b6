/** Redirects of a check or a result must not be followed, so the token cannot leak. */

import { must } from '../finding.ts';
import type { Bench } from './bench.ts';
import type { AgentCheck } from './check.ts';
import { withForeignServer, withStore } from './foreign-server.ts';

const unseen =
  (prepare: (bench: Bench, origin: string) => void, done: (bench: Bench) => boolean) =>
  (bench: Bench): Promise<void> =>
    withForeignServer(Buffer.from('{}'), async (origin, seen) => {
      prepare(bench, origin);
      await bench.start();
      await bench.until('a request to be redirected', () => done(bench));
      await bench.quiet();
      must(seen.length === 0, `another host was asked ${seen[0]}`);
    });

/** To the store for an agent that asked for it; all others get the bytes from the controller. */
const sendTo = ({ server }: Bench, store: string): void => {
  server.onApk = (seen, response) =>
    seen.headers['ota-accept-redirect'] === '1'
      ? response.writeHead(307, { location: store, 'cache-control': 'no-store' }).end()
      : 'default';
};

/** What names the agent or its device, or asks for more than the bytes. */
const ITS_OWN = /^(authorization|cookie|if-range|if-none-match|ota-.*)$/;

export const REDIRECTS: readonly AgentCheck[] = [
  {
    name: 'goes_to_the_store_with_its_range_alone',
    clause:
      'a redirect that the agent asked for is followed once, with the Range and nothing else of its own',
    catches: 'takes_its_token_to_the_store',
    run: bench =>
      withStore(bench.kit.v42, async store => {
        bench.server.offer = bench.build(42);
        bench.server.onApk = (_, response) => {
          response.writeHead(200, { 'content-length': bench.kit.v42.length });
          response.write(bench.kit.v42.subarray(0, 600), () => setTimeout(() => response.destroy(), 50));
          sendTo(bench, store.url);
        };
        await bench.start();
        await bench.installs(42);
        for (const { headers } of store.asked) {
          const own = Object.keys(headers).filter(name => ITS_OWN.test(name));
          must(own.length === 0, `the store was sent ${own.join(', ')}`);
          must(headers.range === 'bytes=600-', `Range was ${headers.range}`);
        }
      }),
  },
  {
    name: 'asks_the_controller_again_after_a_403',
    clause: 'a 403 of the store means that the URL has expired: the controller is asked again',
    catches: 'gives_up_at_the_store',
    run: bench =>
      withStore(bench.kit.v42, async store => {
        store.refuse(1);
        bench.server.offer = bench.build(42);
        sendTo(bench, store.url);
        await bench.start();
        await bench.installs(42);
      }),
  },
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
