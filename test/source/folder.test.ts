import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { mkdir, rename, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Fault } from '../../controller/domain/fault.ts';
import { MAX_FILES } from '../../controller/domain/layout.ts';
import { folderSource } from '../../controller/source/folder.ts';
import { parseState } from '../../controller/yaml/parse.ts';
import { until, withFolder } from '../support/folder.ts';
import { type ReleaseFiles, releaseFiles, writeReleases } from '../support/releases.ts';
import { DAY_MS, NOW_MS } from '../support/state.ts';

test('the revision is the content: the same files give the same, a changed byte another', () =>
  withFolder(async folder => {
    await writeReleases(folder, releaseFiles({ rollout: 10 }));
    const source = folderSource({ folder });
    const first = await source.head();
    assert.match(first, /^folder:[0-9a-f]{64}$/);
    const tree = await source.read(first);
    assert.is(tree.revision, `folder:${tree.treeHash}`);
    assert.equal(parseState(tree, undefined, { nowMs: NOW_MS }).problems, []);
    assert.ok(Math.abs(tree.committedAtMs - Date.now()) < 3_600_000);

    await writeReleases(folder, releaseFiles({ rollout: 50 }));
    const second = await folderSource({ folder }).head();
    assert.is.not(second, first);
    await writeReleases(folder, releaseFiles({ rollout: 10 }));
    assert.is(await folderSource({ folder }).head(), first);
  }));

test('what is new since the last look came after it, whatever times a copy brought along', () =>
  withFolder(async folder => {
    const at = { ms: NOW_MS };
    const dated = async (percent: number) => {
      await writeReleases(folder, releaseFiles({ rollout: percent }));
      for (const name of ['rollout.yaml', 'builds/b41.yaml', 'builds/b42.yaml'])
        await utimes(path.join(folder, name), new Date(NOW_MS - 5 * DAY_MS), new Date(NOW_MS - 5 * DAY_MS));
    };
    const source = folderSource({ folder, nowMs: () => at.ms });
    const committed = async () => (await source.read(await source.head())).committedAtMs;
    await dated(10);
    assert.is(await committed(), NOW_MS - 5 * DAY_MS, 'at the first look the files are all that tells');
    at.ms += DAY_MS;
    assert.is(await committed(), NOW_MS - 5 * DAY_MS);
    await dated(50);
    at.ms += DAY_MS;
    assert.is(await committed(), NOW_MS + DAY_MS);
    at.ms += DAY_MS;
    assert.is(await committed(), NOW_MS + DAY_MS, 'and stays so while nothing changes');
  }));

test('read gives what head saw, and an unknown revision once the content has moved on', () =>
  withFolder(async folder => {
    await writeReleases(folder, releaseFiles({ rollout: 10 }));
    const source = folderSource({ folder });
    const seen = await source.head();
    await writeReleases(folder, releaseFiles({ rollout: 50 }));
    const { files } = await source.read(seen);
    const rollout = files.find(f => f.path === 'rollout.yaml');
    assert.match(
      rollout !== undefined && 'content' in rollout ? rollout.content.toString() : '',
      'rollout_percent: 10',
    );
    const versions = [];
    for await (const version of source.rolloutHistory(seen)) versions.push(version.revision);
    assert.equal(versions, [seen]);
    assert.is(await source.descends(seen, 'anything'), true);
    try {
      await folderSource({ folder }).read(seen);
      assert.unreachable();
    } catch (error) {
      assert.is(error instanceof Fault && error.code, 'revision_unknown');
    }
  }));

test('a missing folder, and a missing folder inside of it, are empty', () =>
  withFolder(async folder => {
    const source = folderSource({ folder: path.join(folder, 'nope', 'releases') });
    const tree = await source.read(await source.head());
    assert.equal(tree.files, []);
    assert.equal(
      parseState(tree, undefined, { nowMs: NOW_MS }).problems.map(p => p.code),
      ['releases_missing'],
    );
  }));

test('symlinks, pipes and oversized files are refused and never followed or waited for', () =>
  withFolder(async folder => {
    await writeReleases(folder, { 'builds/huge.yaml': '#'.repeat(300_000) });
    await symlink('/etc/passwd', path.join(folder, 'rollout.yaml'));
    await mkdir(path.join(folder, 'elsewhere'));
    await symlink('/etc', path.join(folder, 'cohorts'));
    await new Promise(resolve => spawn('mkfifo', [path.join(folder, 'policy.yaml')]).on('close', resolve));
    const source = folderSource({ folder });
    const { files } = await source.read(await source.head());
    assert.equal(files, [
      { path: 'builds/huge.yaml', refused: 'file_too_large' },
      { path: 'cohorts', refused: 'symlink' },
      { path: 'policy.yaml', refused: 'not_a_file' },
      { path: 'rollout.yaml', refused: 'symlink' },
    ]);
  }));

/** Writes one version beside the others and swaps `..data` to it, as Kubernetes mounts a ConfigMap. */
async function mountConfigMap(folder: string, version: string, files: ReleaseFiles): Promise<void> {
  await writeReleases(path.join(folder, version), files);
  await symlink(version, path.join(folder, '..data_tmp'));
  await rename(path.join(folder, '..data_tmp'), path.join(folder, '..data'));
  for (const name of new Set(Object.keys(files).map(file => file.split('/')[0] ?? ''))) {
    await rm(path.join(folder, name), { force: true });
    await symlink(`..data/${name}`, path.join(folder, name));
  }
}

test('a ConfigMap that Kubernetes mounts is read, and its next version as a whole', () =>
  withFolder(async folder => {
    const source = folderSource({ folder });
    const files = releaseFiles({ rollout: 10 });
    await mountConfigMap(folder, '..2026_11_26_01_00_00.1', files);
    const first = await source.read(await source.head());
    assert.equal(
      first.files.map(f => f.path),
      Object.keys(files).sort(),
    );
    assert.equal(parseState(first, undefined, { nowMs: NOW_MS }).problems, []);
    await mountConfigMap(folder, '..2026_11_26_02_00_00.2', releaseFiles({ rollout: 50 }));
    await rm(path.join(folder, '..2026_11_26_01_00_00.1'), { recursive: true });
    const second = parseState(await source.read(await source.head()), undefined, { nowMs: NOW_MS });
    assert.equal(second.state?.rollout.exposure, { kind: 'percent', percent: 50 });
  }));

test('a ..data link out of the folder is not followed', () =>
  withFolder(async folder => {
    await writeReleases(path.join(folder, 'elsewhere'), releaseFiles());
    await mkdir(path.join(folder, 'releases'));
    for (const target of ['../elsewhere', path.join(folder, 'elsewhere'), '..', '..gone']) {
      await rm(path.join(folder, 'releases', '..data'), { force: true });
      await symlink(target, path.join(folder, 'releases', '..data'));
      const source = folderSource({ folder: path.join(folder, 'releases') });
      const { files } = await source.read(await source.head());
      assert.equal(files, [{ path: '..data', refused: 'symlink' }], target);
    }
  }));

test('surplus files are counted, not read without end', () =>
  withFolder(async folder => {
    await mkdir(path.join(folder, 'builds'));
    for (let n = 0; n < MAX_FILES + 50; n++) await writeFile(path.join(folder, 'builds', `b${n}.yaml`), '');
    const source = folderSource({ folder });
    const tree = await source.read(await source.head());
    assert.is(tree.files.length, MAX_FILES + 1);
    assert.equal(
      parseState(tree, undefined, { nowMs: NOW_MS }).problems.map(p => p.code),
      ['too_many_files'],
    );
  }));

/** Calls `change` over and over while `use` runs: in bursts, with a rest after each. */
async function whileChanging(
  change: (n: number) => void,
  restMs: number,
  use: () => Promise<void>,
): Promise<void> {
  let changing = true;
  const changer = (async () => {
    for (let n = 0; changing; n++) {
      change(n);
      await pause(n % 40 === 39 ? restMs : 0);
    }
  })();
  try {
    await use();
  } finally {
    changing = false;
    await changer;
  }
}

test('files that are being changed are read together or not at all', () =>
  withFolder(async folder => {
    const change = (n: number): void => {
      writeFileSync(path.join(folder, 'a.yaml'), `${n}`);
      writeFileSync(path.join(folder, 'z.yaml'), `${n}`);
    };
    const source = folderSource({ folder });
    change(0);
    let read = 0;
    await whileChanging(change, 80, async () => {
      for (let n = 0; n < 12; n++) {
        const revision = await source.head().catch((error: unknown) => {
          assert.is(error instanceof Fault && error.code, 'source_changing');
          return undefined;
        });
        if (revision === undefined) continue;
        const texts = (await source.read(revision)).files.map(f =>
          'content' in f ? f.content.toString() : '',
        );
        assert.is(texts[0], texts[1], 'a mixture was read');
        read++;
      }
    });
    assert.ok(read > 0, 'it was never read at all');
  }));

test('a folder that never holds still is a fault, not a guess', () =>
  withFolder(async folder => {
    const change = (n: number): void => writeFileSync(path.join(folder, 'rollout.yaml'), `${n}`);
    await whileChanging(change, 0, () =>
      folderSource({ folder })
        .head()
        .then(assert.unreachable, error => assert.is(error.code, 'source_changing')),
    );
  }));

test('a change is hinted at once, when the folder has gone quiet', () =>
  withFolder(async folder => {
    await writeReleases(folder, releaseFiles({ rollout: 10 }));
    const source = folderSource({ folder, debounceMs: 20 });
    let hints = 0;
    const stop = await source.watch(() => hints++);
    for (let n = 0; n < 5; n++) await writeFile(path.join(folder, 'rollout.yaml'), `# ${n}\n`);
    await until('a hint', () => hints > 0);
    await writeFile(path.join(folder, 'builds', 'b43.yaml'), 'x');
    const before = hints;
    await until('another hint', () => hints > before);
    await rm(path.join(folder, 'builds', 'b43.yaml'));
    const between = hints;
    await until('a hint of the removal', () => hints > between);
    await stop();
    assert.ok(hints < 20, `${hints} hints`);
  }));

test.run();
