import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Proposal } from '../../controller/ports/index.ts';
import { ota } from '../support/cli.ts';
import { withFolder } from '../support/folder.ts';
import { type ReleaseFiles, releaseFiles } from '../support/releases.ts';
import { makeRepository } from '../support/repository.ts';
import { aBuild, aCohort, NOW_MS } from '../support/state.ts';

const ROLLOUT = `# early in the week only
apiVersion: ota.nexmdm/v1
kind: Rollout
current: b42          # being promoted
last_safe: b41
rollout_percent: 10   # careful
canary:
  # people who asked for it
  tags: [qa,  beta]   # two teams
  devices:
    - kiosk-7         # the lobby
    - kiosk-8         # the lab
  cohorts: [lab]
wifi_only: true       # always
`;
const builds = [aBuild(40), aBuild(41), aBuild(42), aBuild(43)];
const FILES: ReleaseFiles = {
  ...releaseFiles({ builds, cohorts: [aCohort('lab', { devices: ['tab-1'] }), aCohort('office')] }),
  'rollout.yaml': ROLLOUT,
};

interface Bench {
  /** Runs a verb that must succeed. */
  say(...argv: string[]): Promise<string>;
  refused(code: string, ...argv: string[]): Promise<string>;
  read(file?: string): Promise<string>;
  readonly proposed: Proposal[];
}

const withFiles = (files: ReleaseFiles, use: (bench: Bench) => Promise<void>): Promise<void> =>
  withFolder(async folder => {
    const { folder: cwd, commit, git } = await makeRepository(path.join(folder, 'repository'));
    await commit(files);
    const base = await git('rev-parse', 'HEAD');
    const proposed: Proposal[] = [];
    const proposals = {
      base: async () => base,
      open: async (proposal: Proposal) => {
        proposed.push(proposal);
        return { branch: 'ota/change', url: undefined };
      },
    };
    const run = (argv: readonly string[]) => ota(argv, { cwd, proposals, nowMs: NOW_MS });
    await use({
      proposed,
      say: async (...argv) => {
        const { code, out, err } = await run(argv);
        assert.is(code, 0, `${argv.join(' ')}\n${err}`);
        return out + err;
      },
      refused: async (code, ...argv) => {
        const ran = await run(argv);
        assert.is.not(ran.code, 0, argv.join(' '));
        assert.ok(ran.err.includes(`[${code}]`) || ran.err.includes(`error ${code}`), ran.err);
        return ran.err;
      },
      read: (file = 'rollout.yaml') => readFile(path.join(cwd, 'releases', file), 'utf8'),
    });
  });

test('canaries come and go one line at a time, with every comment that is not theirs', () =>
  withFiles(FILES, async ({ say, refused, read }) => {
    await say('canary', 'add', '--tag', 'gate', '--device', 'kiosk-9,kiosk-10', '--cohort', 'office');
    assert.is(
      await read(),
      ROLLOUT.replace('[qa,  beta]', '[qa,  beta, gate]')
        .replace('# the lab\n', '# the lab\n    - kiosk-9\n    - kiosk-10\n')
        .replace('[lab]', '[lab, office]'),
    );
    await say('canary', 'remove', '--device', 'kiosk-9,kiosk-10', '--tag', 'gate', '--cohort', 'office');
    assert.is(await read(), ROLLOUT);
    await say('canary', 'remove', '--tag', 'qa,beta', '--device', 'kiosk-7,kiosk-8', '--cohort', 'lab');
    assert.not.match(await read(), /canary/);
    assert.match(await read(), /^wifi_only: true {7}# always$/m);
    await say('canary', 'add', '--device', 'kiosk-7');
    assert.match(await read(), /^canary:\n {2}devices: \[kiosk-7\]$/m);
    assert.match(await say('canary', 'add', '--device', 'kiosk-7'), /already a canary[\s\S]*already says so/);
    assert.match(
      await refused('no_canary', 'canary', 'remove', '--device', 'kiosk-1'),
      /did you mean kiosk-7/,
    );
    assert.match(
      await refused('unknown_cohort', 'canary', 'add', '--cohort', 'ofice'),
      /did you mean office\? declared cohorts: lab, office/,
    );
    assert.match(await refused('usage', 'canary', 'add'), /--tag, --device or --cohort/);
  }));

test('a device that is a canary by its cohort is not taken out by name: the cohort is named', () =>
  withFiles(FILES, async ({ refused }) => {
    const said = await refused('no_canary', 'canary', 'remove', '--device', 'tab-1');
    assert.match(said, /it is listed in cohorts\/lab\.yaml/);
  }));

test('a suspend has an end and a reason, keeps the offset that was typed, and ends', () =>
  withFiles(FILES, async ({ say, refused, read }) => {
    const plan = await say('suspend', '--until', '4h', '--reason', 'site 3: no Wi-Fi');
    assert.match(plan, /^Suspend all offers until 2026-06-01T16:00:00Z/);
    const block =
      '\nsuspend:\n  reason: "site 3: no Wi-Fi"\n  since: 2026-06-01T12:00:00Z\n  until: 2026-06-01T16:00:00Z\n';
    assert.ok((await read()).endsWith(block), await read());
    await say('suspend', '--until', '2026-06-03T08:00:00+02:00', '--reason', 'longer');
    assert.match(await read(), /since: 2026-06-01T12:00:00Z\n {2}until: 2026-06-03T08:00:00\+02:00/);
    await say('unsuspend');
    assert.is(await read(), ROLLOUT);
    assert.match(await say('unsuspend'), /rollout.yaml has no suspend/);
    for (const [code, until, words] of [
      ['suspend_past', '2026-05-01T00:00:00Z', /--until 2026-05-01T00:00:00Z has passed/],
      ['invalid_argument', '2026-06-03T08:00:00', /'--until <when>'[\s\S]*offset/],
      ['invalid_argument', '4', /write 4s, 4m, 4h or 4d|a duration from now/],
      ['invalid_argument', '2026-02-30T08:00:00Z', /'--until <when>'/],
    ] as const)
      assert.match(await refused(code, 'suspend', '--until', until, '--reason', 'x'), words);
    assert.is(await read(), ROLLOUT);
  }));

test('withdrawing a build adds two lines to its file and says what it was', () =>
  withFiles(FILES, async ({ say, refused, read, proposed }) => {
    const before = await read('builds/b42.yaml');
    const said = await say('withdraw', 'b42', '--reason', 'crash loop');
    assert.match(said, /^Withdraw b42[\s\S]*wrote releases\/builds\/b42\.yaml/);
    assert.match(said, /b42 is current: it is not offered any more, devices are offered b41 instead/);
    assert.is(
      await read('builds/b42.yaml'),
      `${before}withdrawn:\n  reason: crash loop\n  at: 2026-06-01T12:00:00Z\n`,
    );
    assert.is(await read(), ROLLOUT);
    assert.match(await say('withdraw', 'b42', '--reason', 'again'), /withdrawn at .*: crash loop/);
    assert.match(await refused('unknown_build', 'withdraw', 'b49', '--reason', 'x'), /declared builds/);
    await say('withdraw', 'b40', '--reason', 'old', '--open-pr');
    assert.equal([...(proposed[0]?.files.keys() ?? [])], ['releases/builds/b40.yaml']);
    assert.is(proposed[0]?.title, 'withdraw b40');
  }));

test('a ramp is written, changed in place and approved; what stays keeps its spelling', () =>
  withFiles(FILES, async ({ say, refused, read }) => {
    await refused('no_ramp', 'ramp', '--gate');
    const plan = await say('promote', 'b43', '--ramp', '1:240m,10:24h,50:24h:approval,100', '--gate');
    assert.match(plan, /promote b43 on a ramp of 1, 10, 50 and 100 %/);
    const steps = (hold: string): string =>
      `ramp:\n  steps:\n    - {percent: 1, hold: ${hold}}\n    - {percent: 10, hold: 24h}\n    - {percent: 50, hold: 24h, approval: required}\n    - {percent: 100}\n`;
    assert.ok((await read()).includes(`${steps('240m')}  gate: {}\n`), await read());
    assert.not.match(await read(), /rollout_percent/);
    await say(
      'ramp',
      '--steps',
      '1:4h,10:24h,50:24h:approval,100',
      '--fail-max',
      '1%',
      '--on-breach',
      'rollback',
    );
    assert.ok(
      (await read()).includes(
        `${steps('240m')}  gate:\n    install_fail_ratio_max: 0.01\n    on_breach: rollback\n`,
      ),
      await read(),
    );
    await say('ramp', '--steps', '2:12h,10:24h,100', '--start', '2h');
    assert.match(
      await read(),
      /ramp:\n {2}start: 2026-06-01T14:00:00Z\n {2}steps:\n {4}- \{percent: 2, hold: 12h\}\n {4}- \{percent: 10, hold: 24h\}\n {4}- \{percent: 100\}\n/,
    );
    await refused('no_approval', 'ramp', '--approve', '50');
    await say('ramp', '--no-gate', '--start', 'now', '--steps', '5:1d:approval,100');
    await say('ramp', '--approve', '5', '--dry-run');
    assert.not.match(await read(), /gate|start/);
    await say('rollout', '5');
    assert.not.match(await read(), /ramp/);
  }));

test('a wrong ramp is refused in the words of the argument', () =>
  withFiles(FILES, async ({ refused, read }) => {
    for (const [ramp, words] of [
      ['10:4h,5', /Each step must be above the one before: 5 follows 10:4h/],
      ['1,10:24h', /The step 1 needs a duration, like 1:24h/],
      ['1:4h,100:24h', /The last step has no end: write 100/],
      ['1:4,100', /"1:4" is not a step: write PERCENT:HOLD/],
      ['1:4h,101', /from 0 to 100/],
      ['', /Expected a percentage/],
    ] as const)
      assert.match(await refused('invalid_argument', 'promote', 'b43', '--ramp', ramp), words);
    const both = await refused('usage', 'promote', 'b43', '--ramp', '1:4h,100', '--percent', '5');
    assert.match(both, /--percent and --ramp/);
    assert.match(await refused('usage', 'promote', 'b43'), /--percent 1, or --ramp/);
    assert.match(await refused('usage', 'promote', 'b43', '--percent', '1', '--gate'), /need a ramp/);
    for (const limit of ['0', '11%', '0.2', 'off'])
      await refused('invalid_argument', 'ramp', '--fail-max', limit);
    assert.is(await read(), ROLLOUT);
  }));

test('a policy is made, changed and shown, one guardrail at a time', () =>
  withFiles(FILES, async ({ say, refused, read }) => {
    assert.match(await say('policy', 'show'), /no policy\.yaml/);
    await say('policy', 'set', '--allowed-percents', '50,0,1,100,10', '--max-jump', '50');
    const pin = 'ab'.repeat(32);
    await say(
      'policy',
      'set',
      '--approvals',
      '25:1,50:2',
      '--freeze',
      'sat,sun 00:00-24:00 Europe/Berlin weekend',
    );
    await say('policy', 'set', '--pin', pin, '--max-jump', 'none');
    assert.is(
      await read('policy.yaml'),
      `apiVersion: ota.nexmdm/v1
kind: Policy
allowed_percents: [0, 1, 10, 50, 100]
pinned_signers: [${pin}]
freeze_windows:
  - {reason: weekend, time_zone: Europe/Berlin, days: [sat, sun], from: 00:00, to: 24:00}
approvals:
  - {above_percent: 25, approvals: 1}
  - {above_percent: 50, approvals: 2}
`,
    );
    assert.match(
      await say('policy', 'show'),
      /percentages: only 0, 1, 10, 50, 100\n[\s\S]*above 25 %: 1 approval of the plan\n[\s\S]*no rise: sat, sun 00:00–24:00 Europe\/Berlin \(weekend\)/,
    );
    await say('policy', 'set', '--unpin', pin.toUpperCase(), '--unfreeze', 'weekend', '--approvals', 'none');
    assert.not.match(await read('policy.yaml'), /pinned|freeze|approvals/);
    await refused('unknown_freeze', 'policy', 'set', '--unfreeze', 'night');
    await refused('unknown_signer', 'policy', 'set', '--unpin', pin);
    await refused('usage', 'policy', 'set');
    await refused('invalid_value', 'policy', 'set', '--freeze', 'sat 00:00-24:00 Europe/Atlantis sea');
  }));

test.run();
