import { generateKeyPairSync } from 'node:crypto';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Fault } from '../../controller/domain/fault.ts';
import { GitHubFault, redact } from '../../controller/github/fault.ts';
import { makeClock, withGitHub } from '../support/github/client.ts';
import { type FaultKind, type Hub, TOKEN, withHub } from '../support/github/hub.ts';

const clock = makeClock();

async function faultOf(promise: Promise<unknown>): Promise<GitHubFault> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof GitHubFault) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

const withPull = <T>(
  use: (hub: Hub) => Promise<T>,
  options: Parameters<typeof withHub>[1] = {},
): Promise<T> =>
  withHub(
    hub => {
      hub.state.git.commit('main', { 'README.md': 'fleet' }, 'begin');
      hub.state.propose('b42', { 'README.md': 'b42' }, 'Promote b42');
      return use(hub);
    },
    { nowMs: clock.nowMs, ...options },
  );

const comment = (body = 'hello') => ({
  name: 'comment',
  run: (
    octokit: Parameters<Parameters<Parameters<Parameters<typeof withGitHub>[1]>[0]['call']>[1]>[0],
    at: { owner: string; repo: string },
  ) => octokit.rest.issues.createComment({ ...at, issue_number: 1, body }),
});

test('every request and answer is held to the published description', () =>
  withPull(hub =>
    withGitHub(hub, async github => {
      await github.call('comment', comment().run);
      assert.is(await github.login(), 'ota-bot');
      assert.equal(hub.violations, []);
      const fault = await faultOf(
        github.call('status', (octokit, at) =>
          octokit.rest.repos.createCommitStatus({
            ...at,
            sha: hub.state.git.tip('main') ?? '',
            state: 'green' as 'success',
          }),
        ),
      );
      assert.is(fault.code, 'github_invalid');
      assert.match(hub.violations.join(), /body\/state/);
    }),
  ));

const cases: readonly [FaultKind, string, 'backoff' | 'never'][] = [
  ['secondary', 'github_secondary_limit', 'backoff'],
  ['rate', 'github_rate_limit', 'backoff'],
  ['server', 'github_unavailable', 'backoff'],
  ['drop', 'github_unreachable', 'backoff'],
  ['unauthorized', 'github_unauthorized', 'backoff'],
  ['invalid', 'github_invalid', 'never'],
];
for (const [kind, code, retry] of cases)
  test(`a write answered with "${kind}" is sent once and becomes ${code}`, () =>
    withPull(hub =>
      withGitHub(hub, async (github, events) => {
        hub.fail({ kind });
        const fault = await faultOf(github.call('comment', comment().run));
        assert.is(fault.code, code);
        assert.is(fault.retry, retry);
        assert.is(hub.writes().length, 1, 'no retry of a write in here');
        assert.equal(events, [
          { type: 'ota.github', action: 'comment', result: retry === 'backoff' ? 'retry' : 'fail', code },
        ]);
      }),
    ));

test('a limit says when to come back: Retry-After, or the reset of the hour', () =>
  withPull(hub =>
    withGitHub(hub, async github => {
      hub.fail({ kind: 'secondary', times: 1, retryAfterS: 90 });
      assert.is((await faultOf(github.call('comment', comment().run))).retryAtMs, clock.nowMs() + 90_000);
      hub.fail({ kind: 'rate', times: 1, retryAfterS: 1800 });
      const { retryAtMs } = await faultOf(github.call('comment', comment().run));
      assert.ok(retryAtMs !== undefined && Math.abs(retryAtMs - clock.nowMs() - 1_801_000) <= 1000);
    }),
  ));

test('a read is tried once more, then given to the outbox', () =>
  withPull(hub =>
    withGitHub(hub, async github => {
      hub.fail({ kind: 'server', times: 1 });
      assert.is(await github.login(), 'ota-bot');
      hub.fail({ kind: 'server' });
      const before = hub.requests.length;
      await faultOf(github.call('pulls', (octokit, at) => octokit.rest.pulls.get({ ...at, pull_number: 1 })));
      assert.is(hub.requests.length - before, 2);
    }),
  ));

test('GitHub that never answers times out', () =>
  withPull(hub =>
    withGitHub(
      hub,
      async github => {
        hub.fail({ kind: 'hang' });
        assert.is((await faultOf(github.call('comment', comment().run))).code, 'github_timeout');
      },
      { timeoutMs: 80 },
    ),
  ));

test('at most one content write a second', () =>
  withPull(
    hub =>
      withGitHub(
        hub,
        async github => {
          await Promise.all(['a', 'b', 'c'].map(text => github.call('comment', comment(text).run)));
          assert.is(hub.writes().length, 3);
          assert.equal(hub.violations, []);
        },
        { contentWriteIntervalMs: 1000 },
      ),
    { writeIntervalMs: 500 },
  ));

test('a GitHub App signs in, is known as its bot, and works on GitHub Enterprise', () =>
  withPull(
    async hub => {
      const privateKey = generateKeyPairSync('rsa', {
        modulusLength: 2048,
        privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
        publicKeyEncoding: { type: 'spki', format: 'pem' },
      }).privateKey;
      await withGitHub(
        hub,
        async github => {
          await github.call('comment', comment().run);
          assert.is(await github.login(), 'ota-console[bot]');
          assert.is(hub.state.comments[0]?.author, 'ota-console[bot]');
          assert.ok(hub.requests.some(r => r.operation === 'apps/create-installation-access-token'));
          assert.equal(hub.violations, []);
        },
        { auth: { kind: 'app', appId: 7, installationId: 8, privateKey } },
      );
    },
    { prefix: '/api/v3' },
  ));

test('the token never appears in an error, whatever GitHub or the network says', () =>
  withPull(hub =>
    withGitHub(hub, async github => {
      const echoing = github.call('comment', () => {
        throw Object.assign(new Error(`no access with ${TOKEN}`), {
          status: 403,
          response: { headers: {} },
          request: { method: 'POST', url: `https://x:${TOKEN}@example.com/repos?access_token=${TOKEN}` },
        });
      });
      const fault = await faultOf(echoing);
      assert.not.match(JSON.stringify([fault, fault.message, fault.stack, String(fault.cause)]), TOKEN);
      assert.is(fault.code, 'github_forbidden');
      assert.not.match(redact(`Authorization: token ${'x'.repeat(40)}`, []), 'x'.repeat(40));
      assert.not.match(redact('fatal: https://u:hunter22@host/x.git', []), 'hunter22');
      assert.not.match(redact('key opaque-without-a-prefix refused', ['opaque-without-a-prefix']), 'opaque');
      assert.not.match(redact(`ghs_${'a'.repeat(36)}`, []), 'aaaa');
    }),
  ));

test('stopping ends running requests', () =>
  withPull(hub =>
    withGitHub(hub, async github => {
      hub.fail({ kind: 'hang' });
      const waiting = faultOf(github.call('comment', comment().run));
      while (hub.requests.length === 0) await new Promise(resolve => setTimeout(resolve, 5));
      github.stop();
      assert.ok((await waiting) instanceof Fault);
    }),
  ));

test.run();
