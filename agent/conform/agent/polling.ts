/** How an agent asks for updates: its headers, and its behaviour when there is nothing to do. */

import { must } from '../finding.ts';
import type { Bench } from './bench.ts';
import type { AgentCheck } from './check.ts';
import { TOKEN } from './scripted-controller.ts';

const installed = async (bench: Bench): Promise<void> => {
  bench.server.offer = bench.build(42);
  await bench.start();
  await bench.installs(42);
};

export const POLLING: readonly AgentCheck[] = [
  {
    name: 'polls_at_start',
    clause: 'an agent asks for an update when it starts',
    catches: 'sleeps_at_start',
    run: async bench => {
      await bench.start({ unprompted: true });
      await bench.until('a check after the start', () => bench.server.checks().length > 0);
    },
  },
  {
    name: 'names_version_and_sdk',
    clause: 'a check carries version_code, and the sdk',
    catches: 'hides_its_sdk',
    run: async bench => {
      await bench.start();
      await bench.until('a check', () => bench.server.checks().length > 0);
      const query = bench.server.checks()[0]?.query;
      must(query?.get('version_code') === '41', `version_code was ${query?.get('version_code')}`);
      must(query.get('sdk') === '33', `sdk was ${query.get('sdk')}`);
    },
  },
  {
    name: 'authenticates_every_request',
    clause: 'check, download and result carry the device’s bearer token',
    catches: 'reports_without_token',
    run: async bench => {
      await installed(bench);
      const bare = bench.server.seen.find(seen => seen.headers.authorization !== `Bearer ${TOKEN}`);
      must(bare === undefined, `${bare?.method} ${bare?.path} carried no token`);
    },
  },
  {
    name: 'keeps_token_out_of_urls',
    clause: 'a token is never in a URL',
    catches: 'puts_token_in_url',
    run: async bench => {
      await installed(bench);
      const leaky = bench.server.seen.find(
        seen => seen.query.toString().includes(TOKEN) || seen.path.includes(TOKEN),
      );
      must(leaky === undefined, `${leaky?.path} carried the token`);
    },
  },
  {
    name: 'correlates_by_request_id',
    clause: 'one Ota-Request-Id names manifest, download, confirmation and result of an attempt',
    catches: 'renames_each_request',
    run: async bench => {
      await installed(bench);
      const [final] = bench.finals();
      const attempt = [...bench.server.downloads(), ...bench.server.checks().slice(0, 1)];
      for (const { path, headers } of attempt)
        must(
          headers['ota-request-id'] === final?.request_id,
          `${path} was named ${headers['ota-request-id']}, the result ${final?.request_id}`,
        );
    },
  },
  {
    name: 'names_the_hold_it_has',
    clause: 'after a hold the next check carries its ETag in If-None-Match',
    catches: 'forgets_the_etag',
    run: async bench => {
      await bench.start();
      await bench.running();
      const [, second] = bench.server.checks();
      must(
        second?.headers['if-none-match'] === '"none"',
        `If-None-Match was ${second?.headers['if-none-match']}`,
      );
    },
  },
  {
    name: 'skips_the_running_version',
    clause: 'an offer of the running version is not downloaded',
    catches: 'downloads_what_it_runs',
    run: async bench => {
      bench.server.offer = { ...bench.build(42), versionCode: 99 };
      bench.server.manifest = { version_code: 42 };
      await bench.start({ versionCode: 42 });
      await bench.until('a check', () => bench.server.checks().length > 0);
      await bench.quiet();
      must(bench.server.downloads().length === 0, 'it downloaded the version that it already runs');
    },
  },
  {
    name: 'recomputes_its_own_bucket',
    clause: 'an offer is ignored if its percentage does not include the device’s bucket',
    catches: 'trusts_the_cohort',
    run: async bench => {
      bench.server.offer = bench.build(42);
      bench.server.manifest = { staged_rollout_percent: bench.bucketPercent };
      await bench.start();
      await bench.until('a check', () => bench.server.checks().length > 0);
      await bench.quiet();
      must(bench.server.downloads().length === 0, 'it downloaded outside its cohort');
      bench.server.manifest = { staged_rollout_percent: bench.bucketPercent + 1 };
      bench.tell({ poll: true });
      await bench.installs(42);
    },
  },
  {
    name: 'installs_what_is_offered',
    clause: 'an eligible device installs the offered version and reports ok/installed',
    catches: 'reports_without_a_reason',
    run: async bench => {
      await installed(bench);
      const [final] = bench.finals();
      must(
        final?.reason === 'installed' && final.build_id === 'b42',
        `it reported ${final?.reason} of ${final?.build_id}`,
      );
    },
  },
];
