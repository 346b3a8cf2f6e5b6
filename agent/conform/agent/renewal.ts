/** Renewing the token when the controller asks for it (SPEC §5, `Ota-Token: renew`). */

import { must } from '../finding.ts';
import type { Bench } from './bench.ts';
import type { AgentCheck } from './check.ts';
import { TOKEN } from './scripted-controller.ts';

const NEW_TOKEN = 'test-token-of-the-next-generation';
const NEW_KEY = Buffer.alloc(32, 8);

const bearer = (token: string): string => `Bearer ${token}`;

/** Asks for a renewal once, or as long as the old token is used. */
function asking(bench: Bench, once: boolean): void {
  const { server } = bench;
  let asked = false;
  server.onCheck = (seen, response) => {
    if (seen.headers.authorization === bearer(TOKEN) && !(once && asked))
      response.setHeader('ota-token', 'renew');
    asked = true;
    return 'default';
  };
  server.onRenewal = (_, response) =>
    response
      .writeHead(200, { 'content-type': 'application/json' })
      .end(JSON.stringify({ token: NEW_TOKEN, nudge_key: NEW_KEY.toString('base64'), generation: 2 }));
}

async function renewed(bench: Bench): Promise<void> {
  await bench.start({ timeScale: Math.max(600, bench.timeScale) });
  await bench.until('POST /v1/agent/token', () => bench.server.renewals().length > 0);
  await bench.quiet();
}

const lastToken = (bench: Bench): string | undefined => bench.server.checks().at(-1)?.headers.authorization;

export const RENEWAL: readonly AgentCheck[] = [
  {
    name: 'renews_its_token',
    clause: 'after Ota-Token: renew it renews within minutes and uses the new token',
    catches: 'never_renews',
    run: async bench => {
      asking(bench, false);
      await renewed(bench);
      await bench.running();
      must(lastToken(bench) === bearer(NEW_TOKEN), 'it still uses the old token');
    },
  },
  {
    name: 'renews_once_a_header',
    clause: 'one request to renew leads to one renewal, even if that fails',
    catches: 'renews_all_the_time',
    run: async bench => {
      asking(bench, true);
      bench.server.onRenewal = (_, response) => response.writeHead(500).end();
      await renewed(bench);
      await bench.quiet(2);
      const times = bench.server.renewals().length;
      must(times === 1, `it asked for a new token ${times} times`);
    },
  },
  {
    name: 'keeps_a_renewed_token',
    clause: 'the new token and nudge key are on disk before they are used',
    catches: 'forgets_a_renewed_token',
    run: async bench => {
      asking(bench, false);
      await renewed(bench);
      const asked = bench.server.checks().length;
      await bench.restart();
      await bench.until('a check of the next process', () => bench.server.checks().length > asked);
      const { authorization } = bench.server.checks()[asked]?.headers ?? {};
      must(authorization === bearer(NEW_TOKEN), 'the next process uses the old token');
      await bench.quiet();
      const before = bench.server.checks().length;
      bench.tell({ nudge: bench.nudge({ key: NEW_KEY }) });
      await bench.until('a check after a nudge of the new key', () => bench.server.checks().length > before);
    },
  },
];
