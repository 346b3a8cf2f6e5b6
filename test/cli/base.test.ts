/** What a change is compared with: the truth, or a clear word that it cannot be known. */
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ota, otaProcess } from '../support/cli.ts';
import { releaseFiles, writeReleases } from '../support/releases.ts';
import { type Repository, withRepository } from '../support/repository.ts';
import { aPolicy, aRamp, DAY_MS, HOUR_MS, NOW_MS } from '../support/state.ts';

const ramp = { exposure: aRamp(undefined, [1, 4], [10, 24], [50, 24], [100]) };
const policy = aPolicy({ maxJumpPercent: 20 });
const at = (cwd: string) => ({ cwd, nowMs: NOW_MS });
const BROKEN = { 'rollout.yaml': 'kind: [' };

const edit = (repository: Repository, percent: number): Promise<void> =>
  writeReleases(path.join(repository.folder, 'releases'), releaseFiles({ rollout: percent, policy }));

test('in the middle of a ramp the plan invents no step: only the controller knows the progress', () =>
  withRepository(async (repository, place) => {
    await repository.commit(releaseFiles({ rollout: ramp }), { atMs: NOW_MS - 2 * DAY_MS });
    await repository.commit(releaseFiles({ rollout: { ...ramp, wifiOnly: false } }), {
      atMs: NOW_MS - HOUR_MS,
    });
    const url = pathToFileURL(repository.folder).href;
    await repository.git('clone', '--quiet', '--depth=1', url, path.join(place, 'shallow'));
    for (const cwd of [repository.folder, path.join(place, 'shallow')]) {
      const plan = await ota(['plan', '--format', 'json'], at(cwd));
      assert.is(plan.code, 0);
      assert.is(JSON.parse(plan.out).exposure.from_percent, 0);
      assert.match(plan.err, /ramp_progress_unknown: the progress of the ramp of b42 is not known/);
      const edit = await ota(['rollout', '60', '--dry-run'], at(cwd));
      assert.match(edit.err, /the progress of the ramp of b42 is not known/);
      assert.match((await ota(['validate', '--base', 'HEAD'], at(cwd))).out, /warning ramp_progress_unknown/);
    }
  }));

test('a shallow clone is enough where nothing older matters', () =>
  withRepository(async (repository, place) => {
    await repository.commit(releaseFiles({ rollout: 10 }));
    await repository.commit(releaseFiles({ rollout: 25 }));
    const clone = path.join(place, 'shallow');
    await repository.git('clone', '--quiet', '--depth=1', pathToFileURL(repository.folder).href, clone);
    await writeReleases(path.join(clone, 'releases'), releaseFiles({ rollout: 50 }));
    const { code, out } = await ota(['plan'], at(clone));
    assert.is(code, 0);
    assert.match(out, /25 % → 50 %|from 25 % to 50 %/);
  }));

test('a tag named like the branch is not taken for the branch', () =>
  withRepository(async repository => {
    await repository.commit(releaseFiles({ rollout: 10 }));
    await repository.git('tag', 'main');
    await repository.commit(releaseFiles({ rollout: 50 }));
    await edit(repository, 60);
    for (const base of ['main', 'main~0', 'refs/heads/main']) {
      const { out } = await ota(['plan', '--base', base, '--format', 'json'], at(repository.folder));
      assert.is(JSON.parse(out).exposure.from_percent, 50, base);
    }
    const tag = await ota(['plan', '--base', 'tags/main', '--format', 'json'], at(repository.folder));
    assert.is(JSON.parse(tag.out).exposure.from_percent, 10);
  }));

test('a repository that another user owns is named as such, and no edit goes unjudged', () =>
  withRepository(async (repository, place) => {
    await repository.commit(releaseFiles({ rollout: 10 }));
    const file = path.join(repository.folder, 'releases/rollout.yaml');
    const before = await readFile(file, 'utf8');
    // Git's own switch for tests, in front of the real program.
    const shim = `#!/bin/sh\nGIT_TEST_ASSUME_DIFFERENT_OWNER=1 PATH=\${PATH#*:} exec git "$@"\n`;
    await writeFile(path.join(place, 'git'), shim, { mode: 0o755 });
    const env = { PATH: `${place}:${process.env.PATH}` };
    const options = { cwd: repository.folder, env };
    for (const verb of [['plan'], ['rollout', '50'], ['validate', '--base', 'HEAD']]) {
      const { code, err } = await otaProcess(verb, options);
      assert.is(code, 2, err);
      assert.match(err, /another user.*\[repository_unreadable\]\n.*safe\.directory/s);
    }
    assert.is(await readFile(file, 'utf8'), before);
    assert.is((await otaProcess(['validate'], options)).code, 0, 'files alone can be judged');
  }));

test('a broken base can be repaired: the change is judged against the nearest valid ancestor and its policy', () =>
  withRepository(async (repository, place) => {
    await repository.commit(releaseFiles({ rollout: 10, policy }));
    await repository.commit(BROKEN);
    await repository.commit({ ...BROKEN, 'builds/b1.yaml': 'kind: [' });
    await edit(repository, 25);
    const repaired = await ota(['validate', '--base', 'HEAD'], at(repository.folder));
    assert.is(repaired.code, 0, repaired.out);
    assert.match(repaired.out, /^warning base_invalid: the desired state at HEAD is invalid.*nearest/m);
    const plan = await ota(['plan', '--format', 'json'], at(repository.folder));
    assert.is(JSON.parse(plan.out).exposure.from_percent, 10);
    assert.match(plan.err, /base_invalid/);
    await edit(repository, 60);
    const jumps = await ota(['validate', '--base', 'HEAD'], at(repository.folder));
    assert.is(jumps.code, 1);
    assert.match(jumps.out, /policy_jump/);
    const annotated = await ota(['validate', '--base', 'HEAD', '--format', 'github'], at(repository.folder));
    assert.match(annotated.out, /^::warning title=base_invalid::/m);

    const clone = path.join(place, 'shallow');
    await repository.git('clone', '--quiet', '--depth=1', pathToFileURL(repository.folder).href, clone);
    await writeReleases(path.join(clone, 'releases'), releaseFiles({ rollout: 25, policy }));
    const shallow = await ota(['validate', '--base', 'HEAD'], at(clone));
    assert.is(shallow.code, 2);
    assert.match(shallow.err, /\[base_unknown\]\n.*fetch-depth: 0/s);
  }));

test('where no revision was ever valid there is nothing to compare with, and the cure is named', () =>
  withRepository(async repository => {
    await repository.commit(BROKEN);
    await edit(repository, 10);
    const { code, err } = await ota(['validate', '--base', 'HEAD'], at(repository.folder));
    assert.is(code, 2);
    assert.match(err, /no revision before it is valid.*\[base_unknown\]\n.*without --base/s);
    assert.is((await ota(['validate'], at(repository.folder))).code, 0);
  }));

test('the first pull request with releases is judged by itself, and says that no policy stands yet', () =>
  withRepository(async repository => {
    await writeFile(path.join(repository.folder, 'README.md'), 'the fleet');
    await repository.record();
    await edit(repository, 10);
    const { code, out } = await ota(['validate', '--base', 'HEAD'], at(repository.folder));
    assert.is(code, 0, out);
    assert.match(out, /^warning base_empty: .*there is no policy yet/m);
    const plan = await ota(['plan'], at(repository.folder));
    assert.is(plan.code, 0, plan.err);
    assert.match(plan.out, /Promote b42 at 10 %/);
    assert.match(plan.err, /base_empty/);
  }));

test('an emptied releases folder is compared with the merged state', () =>
  withRepository(async repository => {
    await repository.commit(releaseFiles({ rollout: 10, policy }));
    await repository.commit({});
    await edit(repository, 60);
    const { code, out } = await ota(['validate', '--base', 'HEAD'], at(repository.folder));
    assert.is(code, 1);
    assert.match(out, /policy_jump/);
  }));

test.run();
