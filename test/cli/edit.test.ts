import { readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { replaceFile } from '../../controller/cli/replace-file.ts';
import type { Proposal, Proposals } from '../../controller/ports/index.ts';
import { ota, otaProcess } from '../support/cli.ts';
import { withFolder } from '../support/folder.ts';
import { type ReleaseFiles, releaseFiles, writeReleases } from '../support/releases.ts';
import { makeRepository, type Repository } from '../support/repository.ts';
import { aBuild, aPolicy, NOW_MS } from '../support/state.ts';

const builds = [aBuild(40), aBuild(41), aBuild(42), aBuild(43)];

/** As people write it: aligned comments, quotes, odd spaces. */
const ROLLOUT = `# yaml-language-server: $schema=../schemas/rollout.schema.json
apiVersion: ota.nexmdm/v1
kind: Rollout
current: b42                  # the build being promoted
last_safe: 'b41'
rollout_percent: 100          # 0–100, two decimals
cohort_seed: ""
canary: {tags: [qa],  devices: [kiosk-7]}   # early birds

# how devices behave
wifi_only:   true
min_battery_percent: 30
`;
const files: ReleaseFiles = { ...releaseFiles({ builds }), 'rollout.yaml': ROLLOUT };

const withRepository = (
  use: (repository: Repository, read: () => Promise<string>) => Promise<void>,
): Promise<void> =>
  withFolder(async folder => {
    const repository = await makeRepository(path.join(folder, 'repository'));
    await repository.commit(files);
    await use(repository, () => readFile(path.join(repository.folder, 'releases', 'rollout.yaml'), 'utf8'));
  });

test('promote fills last_safe and a seed, prints the plan, and changes those lines alone', () =>
  withRepository(async ({ folder }, read) => {
    const { code, out, err } = await otaProcess(['promote', 'b43', '--percent', '10'], { cwd: folder });
    assert.is(code, 0, err);
    assert.match(
      out,
      /^Promote b43 at 10 %\n[\s\S]*wrote releases\/rollout\.yaml\nnext: git add releases && git commit -m "promote b43 to 10 %"/,
    );
    assert.match(err, /counts are nominal: OTA_ADMIN_TOKEN is not set/);
    assert.match(err, /cohort_seed b43\.0: not searched/);
    assert.is(
      await read(),
      ROLLOUT.replace('b42     ', 'b43     ')
        .replace("'b41'", "'b42'")
        .replace('100  ', '10   ')
        .replace('""', '"b43.0"'),
    );
    assert.is((await ota(['validate', '--base', 'HEAD'], { cwd: folder })).code, 0);
  }));

test('promoting the present build again writes no cohort_seed: ""', () =>
  withRepository(async repository => {
    const { folder, commit } = repository;
    const bare = ROLLOUT.replace('cohort_seed: ""\n', '');
    await commit({ ...files, 'rollout.yaml': bare });
    const ran = await ota(['promote', 'b42', '--percent', '100'], { cwd: folder });
    assert.not.match(
      await readFile(path.join(folder, 'releases', 'rollout.yaml'), 'utf8'),
      /cohort_seed: *["']{2}/,
    );
    assert.is(ran.code, 0, ran.err);
  }));

test('promote, rollout and rollback one after another: the YAML always says what was asked', () =>
  withRepository(async (repository, read) => {
    const cwd = repository.folder;
    const say = async (...argv: string[]): Promise<void> => {
      const { code, err } = await ota(argv, { cwd });
      assert.is(code, 0, `${argv.join(' ')}: ${err}`);
      await repository.record();
    };
    await say('promote', 'b43', '--percent', '1', '--reason', 'Wi-Fi fix');
    await say('rollout', '12.5');
    assert.match(await read(), /^rollout_percent: 12\.5 /m);
    await say('rollback', '--reason', 'crash loop: API 29 # not 30');
    assert.match(await read(), /^rollback: true$/m);
    assert.match(await read(), /^reason: .*crash loop/m);
    await say('promote', 'b43', '--percent', '5');
    const last = await read();
    assert.match(last, /^rollback: false$/m);
    assert.match(last, /^last_safe: 'b42'$/m);
    assert.not.match(last, /reason/);
    for (const kept of [
      '# early birds',
      '# how devices behave',
      '# the build being promoted',
      'wifi_only:   true',
      '{tags: [qa],  devices: [kiosk-7]}',
    ])
      assert.ok(last.includes(kept), kept);
  }));

test('an edit that would be invalid writes nothing and exits 1', () =>
  withRepository(async (repository, read) => {
    const cwd = repository.folder;
    for (const [argv, expected] of [
      [
        ['promote', 'b44', '--percent', '1'],
        /no build b44 is declared under builds\/ \[unknown_build\]\n {2}declared builds: b40, b41, b42, b43/,
      ],
      [['promote', 'b40', '--percent', '10'], /\[current_older\]\n {2}to go back: ota rollback --to b40/],
      [['rollback', '--to', 'b42'], /\[last_safe_is_current\]/],
      [['rollback', '--to', 'b43'], /is newer than b42[\s\S]*ota promote b43/],
      [['rollback', '--force-downgrade'], /\[force_downgrade_reason\]/],
    ] as const) {
      const { code, err } = await ota(argv, { cwd });
      assert.is(code, 1, argv.join(' '));
      assert.match(err, expected);
      assert.is(await read(), ROLLOUT);
    }
    const other = aBuild(44, { signerFingerprint: 'ab'.repeat(32) });
    await writeReleases(path.join(cwd, 'releases'), {
      ...releaseFiles({ builds: [...builds, other] }),
      'rollout.yaml': ROLLOUT,
    });
    const stranger = await ota(['promote', 'b44', '--percent', '1'], { cwd });
    assert.is(stranger.code, 1);
    assert.match(
      stranger.err,
      /error signer_not_continued[\s\S]*to promote b44 to 1 % would be invalid; nothing was written/,
    );
    assert.is(await read(), ROLLOUT);
  }));

test('the policy that is merged judges the edit', () =>
  withRepository(async (repository, read) => {
    const policed = {
      ...releaseFiles({ builds, policy: aPolicy({ allowedPercents: [1, 10, 100] }) }),
      'rollout.yaml': ROLLOUT,
    };
    await repository.commit(policed);
    const { code, err } = await ota(['promote', 'b43', '--percent', '7'], { cwd: repository.folder });
    assert.is(code, 1);
    assert.match(err, /error policy_percent/);
    assert.is(await read(), ROLLOUT);
  }));

test('an invalid tree is reported and left unchanged', () =>
  withRepository(async ({ folder }, read) => {
    const bad = ROLLOUT.replace('wifi_only', 'wify_only');
    await writeFile(path.join(folder, 'releases', 'rollout.yaml'), bad);
    const { code, err } = await ota(['rollout', '5'], { cwd: folder });
    assert.is(code, 1);
    assert.match(err, /did you mean wifi_only\?[\s\S]*before the change; nothing was changed/);
    assert.is(await read(), bad);
  }));

test('--dry-run and an edit that changes nothing write nothing', () =>
  withRepository(async ({ folder }, read) => {
    const dry = await ota(['promote', 'b43', '--percent', '1', '--dry-run', '--json'], { cwd: folder });
    assert.is(dry.code, 0);
    assert.match(dry.err, /dry run: nothing was written/);
    assert.is(JSON.parse(dry.out).written, false);
    assert.is(JSON.parse(dry.out).plan.exposure.to_percent, 1);
    const same = await ota(['rollout', '100'], { cwd: folder });
    assert.is(same.code, 0);
    assert.match(same.err, /already says so: nothing was written/);
    assert.is(await read(), ROLLOUT);
  }));

test('a second edit before the first is committed still trusts only what is merged', () =>
  withRepository(async (repository, read) => {
    const cwd = repository.folder;
    await repository.commit({
      ...releaseFiles({ builds: [...builds, aBuild(44)] }),
      'rollout.yaml': ROLLOUT,
    });
    assert.is((await ota(['promote', 'b43', '--percent', '100'], { cwd })).code, 0);
    const again = await ota(['promote', 'b44', '--percent', '5'], { cwd });
    assert.is(again.code, 0);
    assert.match(again.err, /had uncommitted edits before this one; they are kept/);
    assert.match(await read(), /^current: b44 .*\nlast_safe: 'b42'$/m);
  }));

test('a file that changed meanwhile is not written over', () =>
  withRepository(async ({ folder }, read) => {
    const target = path.join(folder, 'releases', 'rollout.yaml');
    await replaceFile(target, 'new\n', ROLLOUT);
    assert.is(await read(), 'new\n');
    for (const before of [ROLLOUT, undefined])
      try {
        await replaceFile(target, 'newer\n', before);
        assert.unreachable();
      } catch (error) {
        assert.is((error as { code?: string }).code, 'file_changed');
      }
    assert.is(await read(), 'new\n');
    assert.equal((await readdir(path.dirname(target))).sort(), ['builds', 'rollout.yaml']);
  }));

test('outside Git the files themselves count as merged', () =>
  withFolder(async folder => {
    await writeReleases(path.join(folder, 'releases'), files);
    const { code, out, err } = await ota(['promote', 'b43', '--percent', '10', '--offline'], { cwd: folder });
    assert.is(code, 0);
    assert.match(err, /counts are nominal: --offline/);
    assert.not.match(out, /git add/);
    const text = await readFile(path.join(folder, 'releases', 'rollout.yaml'), 'utf8');
    assert.match(text, /^last_safe: 'b42'$/m);
    const pr = await ota(['rollout', '20', '--open-pr'], { cwd: folder, proposals: caught([]) });
    assert.is(pr.code, 2);
    assert.match(pr.err, /not in a Git repository, so no pull request/);
  }));

const caught = (proposals: Proposal[], base = 'HEAD'): Proposals => ({
  base: async () => base,
  open: async proposal => {
    proposals.push(proposal);
    return { branch: 'ota/change', url: 'https://github.example/pull/7' };
  },
});

test('--open-pr computes on the merged files, takes a new build along and leaves the working folder alone', () =>
  withRepository(async (repository, read) => {
    const cwd = repository.folder;
    const base = await repository.git('rev-parse', 'HEAD');
    const fresh = releaseFiles({ builds: [...builds, aBuild(45)] });
    const edited = ROLLOUT.replace('min_battery_percent: 30', 'min_battery_percent: 20');
    await writeReleases(path.join(cwd, 'releases'), { ...fresh, 'rollout.yaml': edited });
    const proposals: Proposal[] = [];
    const { code, out, err } = await ota(
      ['promote', 'b45', '--percent', '1', '--reason', 'try', '--open-pr'],
      {
        cwd,
        proposals: caught(proposals, base),
        nowMs: NOW_MS,
      },
    );
    assert.is(code, 0, err);
    assert.match(out, /opened https:\/\/github\.example\/pull\/7 \(branch ota\/change\)/);
    assert.match(err, /differs from the merged one; the pull request does not include these edits/);
    assert.is(await read(), edited);
    const [proposal] = proposals;
    assert.is(proposal?.title, 'promote b45 to 1 %');
    assert.is(proposal?.reason, 'try');
    assert.is(proposal?.base, base);
    assert.equal([...(proposal?.files.keys() ?? [])], ['releases/builds/b45.yaml', 'releases/rollout.yaml']);
    assert.match(
      proposal?.files.get('releases/rollout.yaml') ?? '',
      /^current: b45 [\s\S]*min_battery_percent: 30$/m,
    );
    assert.is(proposal?.files.get('releases/builds/b45.yaml'), fresh['builds/b45.yaml']);
  }));

test('--open-pr opens nothing when nothing differs, and nothing that is invalid', () =>
  withRepository(async repository => {
    const cwd = repository.folder;
    const proposals: Proposal[] = [];
    const same = await ota(['rollout', '100', '--open-pr'], { cwd, proposals: caught(proposals) });
    assert.is(same.code, 0);
    assert.match(same.err, /no pull request is needed/);
    assert.is(
      (await ota(['rollback', '--to', 'b99', '--open-pr'], { cwd, proposals: caught(proposals) })).code,
      1,
    );
    assert.is(
      (await ota(['rollback', '--open-pr', '--dry-run'], { cwd, proposals: caught(proposals) })).code,
      0,
    );
    assert.equal(proposals, []);
  }));

test.run();
