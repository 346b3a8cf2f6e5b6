import { rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ota, otaProcess } from '../support/cli.ts';
import { withFolder } from '../support/folder.ts';
import { type ReleaseFiles, releaseFiles, writeReleases } from '../support/releases.ts';
import { makeRepository, type Repository } from '../support/repository.ts';
import { aBuild, aPolicy } from '../support/state.ts';

const good = releaseFiles();
const rollout = good['rollout.yaml'] ?? '';
const broken: ReleaseFiles = {
  ...good,
  'rollout.yaml': rollout
    .replace('last_safe: b41', 'last_safe: b40\ncanray: {tags: [qa]}')
    .replace('rollout_percent: 10', 'rollout_percent: ten'),
};

const UNCHECKED =
  'note: it was not checked whether the controller has the APKs: OTA_ADMIN_TOKEN is not set\n';

const withRepository = (use: (repository: Repository) => Promise<void>): Promise<void> =>
  withFolder(async folder => {
    const repository = await makeRepository(path.join(folder, 'repository'));
    await repository.commit(good);
    await use(repository);
  });

test('a right tree is valid and exits 0, in every format', () =>
  withRepository(async ({ folder }) => {
    const text = await ota(['validate'], { cwd: folder });
    assert.equal(text, { code: 0, out: 'valid: 0 errors, 0 warnings in 3 files\n', err: UNCHECKED });
    const json = await ota(['validate', '--format', 'json'], { cwd: folder });
    assert.equal(JSON.parse(json.out), {
      ok: true,
      errors: 0,
      warnings: 0,
      files: 3,
      problems: [],
      approvals_needed: 0,
      apks_unchecked: 'OTA_ADMIN_TOKEN is not set',
    });
    assert.equal(await ota(['validate', '--format', 'github'], { cwd: folder }), {
      code: 0,
      out: '',
      err: UNCHECKED,
    });
    const sarif = JSON.parse((await ota(['validate', '--format', 'sarif'], { cwd: folder })).out);
    assert.equal(sarif.runs[0].results, []);
  }));

test('a broken copy is named with file:line:column and exits 1, by the real process', () =>
  withRepository(async ({ folder }) => {
    await writeReleases(path.join(folder, 'releases'), broken);
    const lines = (broken['rollout.yaml'] ?? '').split('\n');
    const key = lines.indexOf('canray: {tags: [qa]}') + 1;
    const percent = lines.indexOf('rollout_percent: ten') + 1;
    const { code, out } = await otaProcess(['validate', 'releases'], { cwd: folder });
    assert.is(code, 1);
    assert.match(
      out,
      new RegExp(
        `^releases/rollout\\.yaml:${key}:1: error unknown_key: .*\\n  hint: did you mean canary\\?`,
        'm',
      ),
    );
    assert.match(out, new RegExp(`^releases/rollout\\.yaml:${percent}:18: error wrong_type: `, 'm'));
    assert.match(out, /^invalid: \d+ errors, 0 warnings in 3 files$/m);
    const github = await otaProcess(['validate', '--format', 'github'], { cwd: folder });
    assert.is(github.code, 1);
    assert.match(
      github.out,
      new RegExp(`^::error file=releases/rollout\\.yaml,line=${key},col=1,title=unknown_key::`, 'm'),
    );
    assert.match(
      github.out,
      new RegExp(`^::error file=releases/rollout\\.yaml,line=${percent},col=18,title=wrong_type::`, 'm'),
    );
  }));

test('annotations are relative to the repository, wherever it is called from', () =>
  withRepository(async ({ folder }) => {
    await writeReleases(path.join(folder, 'releases'), broken);
    const { out } = await ota(['validate', '../releases', '--format', 'github'], {
      cwd: path.join(folder, '.git'),
    });
    assert.match(out, /file=releases\/rollout\.yaml/);
  }));

test('--base judges the change: an edited build and the base’s own policy', () =>
  withRepository(async repository => {
    const { folder } = repository;
    const policed = releaseFiles({ policy: aPolicy({ maxJumpPercent: 20 }) });
    await repository.commit(policed);
    const looser = releaseFiles({
      rollout: 90,
      policy: aPolicy({ maxJumpPercent: 100 }),
      builds: [aBuild(41), aBuild(42, { minSdk: 21 })],
    });
    await writeReleases(path.join(folder, 'releases'), looser);
    assert.is((await ota(['validate'], { cwd: folder })).code, 0);
    const { code, out } = await ota(['validate', '--base', 'HEAD'], { cwd: folder });
    assert.is(code, 1);
    assert.match(out, /releases\/builds\/b42\.yaml:\d+:\d+: error build_facts_edited/);
    await writeReleases(
      path.join(folder, 'releases'),
      releaseFiles({ rollout: 90, policy: aPolicy({ maxJumpPercent: 100 }) }),
    );
    assert.match(
      (await ota(['validate', '--base', 'HEAD'], { cwd: folder })).out,
      /releases\/rollout\.yaml:\d+:\d+: error policy_jump/,
    );
  }));

test('warnings alone exit 0', () =>
  withFolder(async folder => {
    const warned = {
      ...good,
      'cohorts/lab.yaml': 'apiVersion: ota.nexmdm/v1\nkind: Cohort\nname: lab\ntags: [lab]\n',
    };
    await writeReleases(path.join(folder, 'releases'), warned);
    const { code, out } = await ota(['validate'], { cwd: folder });
    assert.is(code, 0);
    assert.match(out, /warning cohort_unused/);
  }));

test('an empty folder is an error, never "no release"', () =>
  withFolder(async folder => {
    await writeReleases(path.join(folder, 'releases'), { 'README.md': 'nothing here' });
    assert.match((await ota(['validate'], { cwd: folder })).out, /error releases_empty/);
    await rm(path.join(folder, 'releases', 'README.md'));
    const { code, out } = await ota(['validate'], { cwd: folder });
    assert.is(code, 1);
    assert.match(out, /error releases_missing/);
  }));

test('what cannot be read exits 2 and says where it looked', () =>
  withRepository(async ({ folder }) => {
    const missing = await ota(['validate', 'realeses'], { cwd: folder });
    assert.is(missing.code, 2);
    assert.match(
      missing.err,
      /cannot read realeses: there is no such folder \[folder_unreadable\]\n {2}looked at .*\/repository\/realeses/,
    );
    await writeFile(path.join(folder, 'file'), '');
    assert.match((await ota(['validate', 'file'], { cwd: folder })).err, /it is a file/);
    assert.match((await ota(['validate', '.'], { cwd: folder })).err, /did you mean releases\?/);
    const revision = await ota(['validate', '--base', 'nope'], { cwd: folder });
    assert.is(revision.code, 2);
    assert.match(revision.err, /has no revision "nope" \[revision_unknown\]\n {2}see: git branch/);
    assert.is((await ota(['validate', '--base', '--output=x'], { cwd: folder })).code, 2);
  }));

test('outside Git a base is refused, and in a shallow clone the message gives the remedy', () =>
  withFolder(async folder => {
    await writeReleases(path.join(folder, 'plain', 'releases'), good);
    const plain = await ota(['validate', '--base', 'HEAD'], { cwd: path.join(folder, 'plain') });
    assert.is(plain.code, 2);
    assert.match(plain.err, /not in a Git repository/);
    const repository = await makeRepository(path.join(folder, 'repository'));
    const first = await repository.commit(good);
    await repository.commit(releaseFiles({ rollout: 50 }));
    await repository.git(
      'clone',
      '--quiet',
      '--depth=1',
      `file://${repository.folder}`,
      path.join(folder, 'shallow'),
    );
    const shallow = await ota(['validate', '--base', first], { cwd: path.join(folder, 'shallow') });
    assert.is(shallow.code, 2);
    assert.match(shallow.err, /this clone is shallow.*fetch-depth: 0/);
  }));

test('a failure is an annotation too when GitHub reads along', () =>
  withFolder(async folder => {
    const { code, out } = await ota(['validate', '--format', 'github'], { cwd: folder });
    assert.is(code, 2);
    assert.match(out, /^::error title=folder_unreadable::cannot read releases/);
  }));

test.run();
