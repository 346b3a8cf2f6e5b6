import path from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ota, otaProcess } from '../support/cli.ts';
import { withFolder } from '../support/folder.ts';
import { releaseFiles, writeReleases } from '../support/releases.ts';
import { makeRepository } from '../support/repository.ts';
import { aBuild, aRamp, DAY_MS, HOUR_MS, NOW_MS } from '../support/state.ts';

const builds = [aBuild(41), aBuild(42), aBuild(43)];

test('plan compares two revisions as text, Markdown and JSON', () =>
  withFolder(async folder => {
    const repository = await makeRepository(path.join(folder, 'repository'));
    const cwd = repository.folder;
    await repository.commit(releaseFiles({ builds, rollout: 100 }));
    await repository.git('tag', 'before');
    await repository.commit(releaseFiles({ builds, rollout: { current: 'b43', lastSafe: 'b42' } }));
    const text = await ota(['plan', '--base', 'before', '--head', 'HEAD'], { cwd });
    assert.is(text.code, 0);
    assert.match(text.out, /^Promote b43 at 10 %\n/);
    assert.match(text.out, /~ rollout\.yaml current: b42 → b43/);
    assert.match(
      (await ota(['plan', '--base', 'before', '--format', 'markdown'], { cwd })).out,
      /^### Promote `b43` at 10 %/,
    );
    const json = JSON.parse((await ota(['plan', '--base', 'before', '--format', 'json'], { cwd })).out);
    assert.is(json.valid, true);
    assert.equal(json.exposure.to_percent, 10);
    assert.match(text.out, new RegExp(`plan ${json.hash}`));
  }));

test('plan --exit-code exits 1 with differences and 0 without', () =>
  withFolder(async folder => {
    const repository = await makeRepository(path.join(folder, 'repository'));
    const cwd = repository.folder;
    await repository.commit(releaseFiles({ rollout: 10 }));
    assert.is((await ota(['plan', '--exit-code'], { cwd })).code, 0);
    await writeReleases(path.join(cwd, 'releases'), releaseFiles({ rollout: 25 }));
    const uncommitted = await otaProcess(['plan', '--exit-code'], { cwd });
    assert.is(uncommitted.code, 1);
    assert.match(uncommitted.out, /10 % → 25 %|from 10 % to 25 %/);
    assert.is((await ota(['plan'], { cwd })).code, 0);
  }));

test('an invalid head has no plan, exits 1 and names its problems', () =>
  withFolder(async folder => {
    const repository = await makeRepository(path.join(folder, 'repository'));
    const cwd = repository.folder;
    await repository.commit(releaseFiles());
    await writeReleases(path.join(cwd, 'releases'), releaseFiles({ rollout: { current: 'b99' } }));
    const { code, out, err } = await ota(['plan'], { cwd });
    assert.is(code, 1);
    assert.is(out, '');
    assert.match(err, /releases\/rollout\.yaml:\d+:\d+: error unknown_build/);
    const json = await ota(['plan', '--format', 'json'], { cwd });
    assert.is(JSON.parse(json.out).valid, false);
  }));

test('an invalid or unknown base exits 2', () =>
  withFolder(async folder => {
    const repository = await makeRepository(path.join(folder, 'repository'));
    const cwd = repository.folder;
    await repository.commit({ 'rollout.yaml': 'kind: [' });
    await repository.commit(releaseFiles());
    const invalid = await ota(['plan', '--base', 'HEAD~1'], { cwd });
    assert.is(invalid.code, 2);
    assert.match(invalid.err, /HEAD~1 is invalid \(releases\/rollout\.yaml:1.*\[base_unknown\]/);
    assert.is((await ota(['plan', '--base', 'HEAD~7'], { cwd })).code, 2);
    assert.is((await ota(['plan', '--head', ''], { cwd })).code, 2);
  }));

test('how far a ramp has come is not guessed from history: exposure counts from 0', () =>
  withFolder(async folder => {
    const repository = await makeRepository(path.join(folder, 'repository'));
    const cwd = repository.folder;
    const exposure = aRamp(undefined, [1, 4], [10, 24], [100]);
    await repository.commit(releaseFiles({ builds, rollout: { exposure } }), { atMs: NOW_MS - DAY_MS });
    await repository.commit(releaseFiles({ builds, rollout: { exposure, wifiOnly: false } }), {
      atMs: NOW_MS - HOUR_MS,
    });
    await writeReleases(path.join(cwd, 'releases'), releaseFiles({ builds, rollout: 25 }));
    const { out } = await ota(['plan', '--format', 'json'], { cwd, nowMs: NOW_MS });
    const { exposure: told } = JSON.parse(out);
    assert.is(told.from_percent, 0);
    assert.is(told.to_percent, 25);
  }));

test('in a repository without a commit plan says to commit first', () =>
  withFolder(async folder => {
    const repository = await makeRepository(path.join(folder, 'repository'));
    await writeReleases(path.join(repository.folder, 'releases'), releaseFiles({ rollout: 10 }));
    const { code, err } = await ota(['plan'], { cwd: repository.folder });
    assert.is(code, 2);
    assert.match(
      err,
      /repository has no commit yet \[revision_unknown\]\n {2}commit the files first: git add/,
    );
  }));

test.run();
