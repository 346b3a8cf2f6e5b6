import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { makeClock } from '../support/github/client.ts';
import { type Hub, TOKEN, withHub } from '../support/github/hub.ts';
import { inRepository } from '../support/github/stage.ts';
import { otaProgram } from '../support/programs.ts';
import { aState } from '../support/state.ts';

const run = promisify(execFile);

interface Desk {
  readonly hub: Hub;
  /** The operator's clone. */
  readonly folder: string;
  git(...args: string[]): Promise<string>;
  /** `ota …` as a process of its own, in the clone. */
  ota(args: readonly string[], github?: boolean): Promise<{ code: number; out: string; err: string }>;
}

const withDesk = (use: (desk: Desk) => Promise<void>): Promise<void> => {
  const clock = makeClock();
  return withHub(
    async hub => {
      const files = inRepository(
        aState({
          rollout: { current: 'b41', lastSafe: undefined, exposure: { kind: 'percent', percent: 100 } },
        }),
      );
      hub.state.git.commit(
        'main',
        { ...files, 'releases/rollout.yaml': `# who: the fleet team\n${files['releases/rollout.yaml']}` },
        'begin',
      );
      const home = mkdtempSync(path.join(tmpdir(), 'desk-'));
      const folder = path.join(home, 'clone');
      writeFileSync(
        path.join(home, '.gitconfig'),
        '[user]\n  name = Olga Operator\n  email = olga@example.com\n[init]\n  defaultBranch = main\n',
      );
      const header = `Authorization: Basic ${Buffer.from(`x:${TOKEN}`).toString('base64')}`;
      const env = { PATH: process.env.PATH ?? '', HOME: home, GIT_CONFIG_NOSYSTEM: '1' };
      const git = async (...args: string[]): Promise<string> =>
        (await run('git', ['-c', `http.extraHeader=${header}`, ...args], { cwd: folder, env })).stdout.trim();
      const ota = async (args: readonly string[], github = true) => {
        const settings = {
          OTA_GITHUB_REPO: 'acme/fleet',
          OTA_GITHUB_URL: hub.apiUrl,
          OTA_GITHUB_TOKEN: TOKEN,
        };
        const options = { cwd: folder, env: { ...env, ...(github ? settings : {}) } };
        try {
          const { stdout, stderr } = await run(process.execPath, [otaProgram(), ...args], options);
          return { code: 0, out: stdout, err: stderr };
        } catch (error) {
          const failed = error as { code: number; stdout: string; stderr: string };
          return { code: failed.code, out: failed.stdout, err: failed.stderr };
        }
      };
      try {
        await run('git', ['-c', `http.extraHeader=${header}`, 'clone', '--quiet', hub.cloneUrl, folder], {
          env,
        });
        await use({ hub, folder, git, ota });
        assert.equal(hub.violations, []);
      } finally {
        rmSync(home, { recursive: true, force: true });
      }
    },
    { nowMs: clock.nowMs },
  );
};

test('ota promote --open-pr: branch, comment-preserving edit, commit, pull request with the plan in its body', () =>
  withDesk(async ({ hub, folder, git, ota }) => {
    writeFileSync(path.join(folder, 'scratch.txt'), 'mine');
    const done = await ota([
      'promote',
      'b42',
      '--percent',
      '10',
      '--reason',
      'a fix for @everyone',
      '--open-pr',
    ]);
    assert.is(done.code, 0, done.err);
    const [pull] = hub.state.pulls;
    assert.ok(pull);
    assert.match(done.out, `/pull/${pull.number}`);
    const text = hub.state.git.git('show', `${pull.headRef}:releases/rollout.yaml`);
    assert.match(text, /^# who: the fleet team/);
    assert.match(text, /current: b42\nlast_safe: b41\nrollout_percent: 10/);
    assert.match(text, /cohort_seed: "?b42/);
    assert.match(pull.body, /Promote `b42` at 10 %/);
    assert.match(pull.body, /Plan `[0-9a-f]{12}`/);
    assert.match(pull.body, /`a fix for @everyone`/);
    assert.is(hub.state.git.git('show', '-s', '--format=%an', pull.headRef), 'Olga Operator');
    assert.is(await git('status', '--porcelain'), '?? scratch.txt', 'the working files are left alone');
    assert.match(readFileSync(path.join(folder, 'releases/rollout.yaml'), 'utf8'), /current: b41/);
  }));

test('the same proposal again finds the branch and the pull request that are there', () =>
  withDesk(async ({ hub, ota }) => {
    hub.fail({ kind: 'lost', operation: 'pulls/create', times: 1 });
    const args = ['promote', 'b42', '--percent', '10', '--seed', 'b42.1', '--open-pr'];
    const lost = await ota(args);
    assert.is(lost.code, 2);
    assert.match(lost.err, /branch ota\/promote-b42-\S+ is pushed, but no pull request was opened/);
    const again = await ota(args);
    assert.is(again.code, 0, again.err);
    assert.is(hub.state.pulls.length, 1);
  }));

test('without GitHub the branch is pushed and its name printed', () =>
  withDesk(async ({ hub, git, ota }) => {
    await git(
      'config',
      'http.extraHeader',
      `Authorization: Basic ${Buffer.from(`x:${TOKEN}`).toString('base64')}`,
    );
    const done = await ota(['promote', 'b42', '--percent', '10', '--open-pr'], false);
    assert.is(done.code, 0, done.err);
    assert.is(hub.state.pulls.length, 0);
    const branch = /ota\/[a-z0-9-]+/.exec(done.out)?.[0] ?? '';
    assert.ok(hub.state.git.tip(branch) !== undefined, done.out);
  }));

test('ota rollback --open-pr restores by content: a clone that is behind cannot make it conflict', () =>
  withDesk(async ({ hub, ota }) => {
    const moved = inRepository(
      aState({ rollout: { exposure: { kind: 'percent', percent: 50 }, minBatteryPercent: 40 } }),
    );
    hub.state.git.commit('main', moved, 'somebody promoted b42 meanwhile');
    const done = await ota(['rollback', '--open-pr', '--reason', 'crash loop']);
    assert.is(done.code, 0, done.err);
    const [pull] = hub.state.pulls;
    assert.ok(pull);
    hub.state.merge(pull.number);
    const text = hub.state.git.git('show', 'main:releases/rollout.yaml');
    assert.match(text, /rollback: true/);
    assert.match(text, /current: b42/);
    assert.match(text, /min_battery_percent: 40/);
  }));

test('ota rollout 50 --open-pr widens what is merged', () =>
  withDesk(async ({ hub, ota }) => {
    hub.state.git.commit('main', inRepository(aState({ rollout: 10 })), 'b42 at 10 %');
    const done = await ota(['rollout', '50', '--open-pr']);
    assert.is(done.code, 0, done.err);
    assert.match(
      hub.state.git.git('show', `${hub.state.pulls[0]?.headRef}:releases/rollout.yaml`),
      /rollout_percent: 50/,
    );
  }));

test('the token never appears in what the command prints, whatever fails', () =>
  withDesk(async ({ hub, ota }) => {
    for (const kind of ['unauthorized', 'server', 'invalid', 'drop'] as const) {
      hub.heal();
      hub.fail({ kind, operation: 'pulls/create' });
      const { code, out, err } = await ota(['promote', 'b42', '--percent', '10', '--seed', 'x', '--open-pr']);
      assert.is(code, 2, `${kind}: ${out} ${err}`);
      assert.not.match(out + err, TOKEN);
      assert.not.match(out + err, Buffer.from(`x-access-token:${TOKEN}`).toString('base64'));
    }
  }));

test.run();
