import { mkdir, readdir, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Fault } from '../../../controller/domain/fault.ts';
import type { Source, SourceFile } from '../../../controller/ports/index.ts';
import { folderSource } from '../../../controller/source/folder.ts';
import { sanitise } from '../../../controller/source/git/reason.ts';
import { type GitSourceOptions, gitSource } from '../../../controller/source/git/source.ts';
import { parseState } from '../../../controller/yaml/parse.ts';
import { until, withFolder } from '../../support/folder.ts';
import { serveGit } from '../../support/github/git-remote.ts';
import { releaseFiles } from '../../support/releases.ts';
import { gitEnvironment, makeRepository, type Repository, withRepository } from '../../support/repository.ts';
import { NOW_MS } from '../../support/state.ts';

const sourceOf = (repository: Repository, place: string, over: Partial<GitSourceOptions> = {}): Source =>
  gitSource({
    url: repository.folder,
    dataFolder: path.join(place, 'mirrors'),
    environment: gitEnvironment(place),
    ...over,
  });

async function fault(work: () => unknown): Promise<Fault> {
  try {
    await work();
  } catch (error) {
    if (error instanceof Fault) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

const textOf = (file: SourceFile | undefined): string =>
  file !== undefined && 'content' in file ? file.content.toString() : `refused ${file?.refused}`;

const named = (files: readonly SourceFile[], name: string): SourceFile | undefined =>
  files.find(f => f.path === name);

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

test('all files of releases/ are read at exactly one revision', () =>
  withRepository(async (repository, place) => {
    const first = await repository.commit(releaseFiles({ rollout: 10 }), { atMs: NOW_MS });
    await writeFile(path.join(repository.folder, 'secret.txt'), 'not of the releases');
    const second = await repository.commit(releaseFiles({ rollout: 50 }), { atMs: NOW_MS + 5_000 });
    const source = sourceOf(repository, place);
    assert.is(await source.head(), second);
    const old = await source.read(first);
    assert.is(old.revision, first);
    assert.is(old.committedAtMs, NOW_MS);
    assert.match(textOf(named(old.files, 'rollout.yaml')), 'rollout_percent: 10');
    const tree = await source.read(second);
    assert.match(textOf(named(tree.files, 'rollout.yaml')), 'rollout_percent: 50');
    assert.equal(tree.files.map(f => f.path).sort(), ['builds/b41.yaml', 'builds/b42.yaml', 'rollout.yaml']);
    assert.equal(parseState(tree, undefined, { nowMs: NOW_MS }).problems, []);
    assert.is.not(tree.treeHash, old.treeHash);
  }));

test('the tree hash is that of releases/ alone', () =>
  withRepository(async (repository, place) => {
    const first = await repository.commit(releaseFiles());
    await writeFile(path.join(repository.folder, 'app.kt'), 'fun main() {}');
    const second = await repository.record();
    const source = sourceOf(repository, place);
    await source.head();
    assert.is.not(first, second);
    assert.is((await source.read(first)).treeHash, (await source.read(second)).treeHash);
  }));

test('another branch and another folder can be the source; missing ones are reported', () =>
  withRepository(async (repository, place) => {
    await repository.commit(releaseFiles());
    await repository.git('switch', '--quiet', '--create', 'fleet/stable');
    await repository.git('mv', 'releases', 'rolled out');
    const stable = await repository.record();
    const source = sourceOf(repository, place, { branch: 'fleet/stable', path: './rolled out/' });
    assert.is(await source.head(), stable);
    assert.is((await source.read(stable)).files.length, 3);
    const missing = sourceOf(repository, place, { branch: 'fleet/stable' });
    assert.equal((await missing.read(await missing.head())).files, []);
    const top = sourceOf(repository, place, { branch: 'fleet/stable', path: '.' });
    assert.ok(named((await top.read(stable)).files, 'rolled out/rollout.yaml'));
    const unknown = sourceOf(repository, place, { branch: 'nope' });
    assert.is((await fault(() => unknown.head())).code, 'branch_unknown');
  }));

test('an empty repository has no branch yet', () =>
  withRepository(async (repository, place) => {
    assert.is((await fault(() => sourceOf(repository, place).head())).code, 'branch_unknown');
  }));

test('symlinks, submodules and oversized files are refused without being read', () =>
  withRepository(async (repository, place) => {
    const commit = await repository.commit({ ...releaseFiles(), 'builds/huge.yaml': '#'.repeat(300_000) });
    await repository.link('releases/builds/passwd.yaml', '/etc/passwd');
    await repository.git('add', '--all');
    await repository.git('update-index', '--add', '--cacheinfo', `160000,${commit},releases/builds/sub.yaml`);
    await repository.git('commit', '--quiet', '--message', 'odd things');
    const source = sourceOf(repository, place);
    const { files } = await source.read(await source.head());
    assert.equal(named(files, 'builds/passwd.yaml'), { path: 'builds/passwd.yaml', refused: 'symlink' });
    assert.equal(named(files, 'builds/sub.yaml'), { path: 'builds/sub.yaml', refused: 'not_a_file' });
    assert.equal(named(files, 'builds/huge.yaml'), { path: 'builds/huge.yaml', refused: 'file_too_large' });
    const codes = parseState({ files }, undefined, { nowMs: NOW_MS }).problems.map(
      p => `${p.file} ${p.code}`,
    );
    assert.equal(codes, [
      'builds/huge.yaml file_too_large',
      'builds/passwd.yaml symlink',
      'builds/sub.yaml unexpected_file',
    ]);
  }));

test('files that are too much together are refused from there on', () =>
  withRepository(async (repository, place) => {
    const large = Object.fromEntries(
      Array.from({ length: 20 }, (_, n) => [`builds/x${10 + n}.yaml`, '#'.repeat(250_000)]),
    );
    await repository.commit({ ...releaseFiles(), ...large });
    const source = sourceOf(repository, place);
    const { files } = await source.read(await source.head());
    const folder = folderSource({ folder: path.join(repository.folder, 'releases') });
    const same = await folder.read(await folder.head());
    const read = files.filter(f => 'content' in f).map(f => f.path);
    assert.is(read.length, 2 + 16 + 1, 'two builds, 16 large files and, small enough, rollout.yaml');
    assert.equal(
      same.files,
      files.toSorted((a, b) => (a.path < b.path ? -1 : 1)),
    );
    assert.is(same.treeHash, (await source.read(await source.head())).treeHash, 'wherever it was read');
  }));

test('releases/ as a symlink out of the tree is refused', () =>
  withRepository(async (repository, place) => {
    await repository.link('releases', '/etc');
    const commit = await repository.record();
    const source = sourceOf(repository, place);
    await source.head();
    assert.equal((await source.read(commit)).files, [{ path: 'releases', refused: 'symlink' }]);
  }));

test('a rewritten history is told from one that goes on', () =>
  withRepository(async (repository, place) => {
    const first = await repository.commit(releaseFiles({ rollout: 1 }));
    const second = await repository.commit(releaseFiles({ rollout: 5 }));
    const source = sourceOf(repository, place);
    assert.is(await source.head(), second);
    assert.is(await source.descends(second, first), true);
    assert.is(await source.descends(second, second), true);
    assert.is(await source.descends(first, second), false);
    await repository.git('reset', '--quiet', '--hard', first);
    const other = await repository.commit(releaseFiles({ rollout: 100 }));
    assert.is(await source.head(), other, 'a forced push is followed, not refused: reconcile judges it');
    assert.is(await source.descends(other, second), false);
    assert.is(await source.descends(other, first), true);
    assert.is(
      await source.descends(other, `folder:${'0'.repeat(64)}`),
      false,
      'the source was a folder before',
    );
    const fresh = sourceOf(repository, path.join(place, 'fresh'));
    await fresh.head();
    assert.is(await fresh.descends(other, '0'.repeat(40)), false, 'a commit that is nowhere any more');
  }));

test('the history of rollout.yaml follows first parents, newest first', () =>
  withRepository(async (repository, place) => {
    const first = await repository.commit(releaseFiles({ rollout: 1 }), { atMs: NOW_MS });
    await repository.git('switch', '--quiet', '--create', 'side');
    await repository.commit(releaseFiles({ rollout: 2 }));
    await repository.commit(releaseFiles({ rollout: 3 }));
    await repository.git('switch', '--quiet', 'main');
    await repository.git('merge', '--quiet', '--no-ff', '--message', 'merge the rollout', 'side');
    const merge = await repository.git('rev-parse', 'HEAD');
    await writeFile(path.join(repository.folder, 'elsewhere'), 'x');
    const last = await repository.record();
    const source = sourceOf(repository, place);
    await source.head();
    const versions = await collect(source.rolloutHistory(last));
    assert.equal(
      versions.map(v => v.revision),
      [merge, first],
    );
    assert.match(versions[0]?.content.toString() ?? '', 'rollout_percent: 3');
    assert.is(versions[1]?.committedAtMs, NOW_MS);
  }));

test('a long history comes in pages and a deleted rollout.yaml is no version', () =>
  withRepository(async (repository, place) => {
    for (let n = 0; n < 53; n++) {
      await writeFile(path.join(repository.folder, 'rollout.yaml'), `n: ${n}\n`);
      if (n === 20) await rm(path.join(repository.folder, 'rollout.yaml'));
      await repository.record();
    }
    const source = sourceOf(repository, place, { path: '.' });
    const versions = await collect(source.rolloutHistory(await source.head()));
    const numbers = versions.map(v => Number(v.content.toString().slice(3)));
    assert.equal(
      numbers,
      Array.from({ length: 53 }, (_, n) => 52 - n).filter(n => n !== 20),
    );
  }));

test('a repository that vanishes is a fault, what was fetched stays readable, and it comes back', () =>
  withRepository(async (repository, place) => {
    const first = await repository.commit(releaseFiles({ rollout: 1 }));
    const source = sourceOf(repository, place);
    await source.head();
    await rename(repository.folder, `${repository.folder}.away`);
    const gone = await fault(() => source.head());
    assert.is(gone.code, 'source_unreachable');
    assert.is(gone.retry, 'backoff');
    assert.is((await source.read(first)).files.length, 3);
    assert.is((await fault(() => source.read('1'.repeat(40)))).code, 'revision_unknown');
    await rename(`${repository.folder}.away`, repository.folder);
    const second = await repository.commit(releaseFiles({ rollout: 2 }));
    assert.is(await source.head(), second);
  }));

test('a commit on no branch, as of a pull request, is read by its name', () =>
  withRepository(async (repository, place) => {
    await repository.commit(releaseFiles({ rollout: 1 }));
    const source = sourceOf(repository, place);
    const head = await source.head();
    await repository.git('switch', '--quiet', '--detach');
    const proposal = await repository.commit(releaseFiles({ rollout: 99 }));
    await repository.git('update-ref', 'refs/pull/7/head', proposal);
    await repository.git('switch', '--quiet', 'main');
    assert.match(textOf(named((await source.read(proposal)).files, 'rollout.yaml')), '99');
    assert.is(await source.head(), head, 'the branch alone governs');
  }));

/** The one mirror's folder. */
async function mirrorOf(place: string): Promise<string> {
  const names = await readdir(path.join(place, 'mirrors'));
  assert.equal(names.length, 1, names.join(' '));
  return path.join(place, 'mirrors', names[0] ?? '');
}

async function packsOf(mirror: string): Promise<string[]> {
  const objects = await readdir(path.join(mirror, 'objects'), { recursive: true });
  return objects
    .filter(n => /\.pack$|^[0-9a-f]{2}\/[0-9a-f]{38}$/.test(n))
    .map(n => path.join(mirror, 'objects', n));
}

test('a corrupt mirror is cloned again while it is being read', () =>
  withRepository(async (repository, place) => {
    const commit = await repository.commit(releaseFiles());
    await sourceOf(repository, place).head();
    for (const file of await packsOf(await mirrorOf(place))) {
      await rm(file, { force: true });
      await writeFile(file, 'garbage');
    }
    const source = sourceOf(repository, place);
    assert.is((await source.read(commit)).files.length, 3);
    await mirrorOf(place);
  }));

test('a corrupt mirror is cloned again when it is fetched into', () =>
  withRepository(async (repository, place) => {
    const first = await repository.commit(releaseFiles({ rollout: 1 }));
    await sourceOf(repository, place).head();
    const mirror = await mirrorOf(place);
    for (const broken of ['HEAD', 'config', 'objects', 'refs']) {
      await rm(path.join(mirror, broken), { recursive: true });
      assert.is(await sourceOf(repository, place).head(), first, `without ${broken}`);
    }
    for (const file of await packsOf(mirror)) {
      await rm(file, { force: true });
      await writeFile(file, '');
      await truncate(file, 0);
    }
    assert.is(await sourceOf(repository, place).head(), first, 'with empty objects');
  }));

test('a mirror left half-made by a crash, and a lock left behind, do not matter', () =>
  withRepository(async (repository, place) => {
    const source = sourceOf(repository, place);
    const first = await repository.commit(releaseFiles({ rollout: 1 }));
    await source.head();
    const mirror = await mirrorOf(place);
    await rename(mirror, `${mirror}.new`);
    await rm(path.join(`${mirror}.new`, 'refs'), { recursive: true });
    assert.is(await source.head(), first);
    await writeFile(path.join(mirror, 'refs', 'ota', 'head.lock'), '');
    const second = await repository.commit(releaseFiles({ rollout: 2 }));
    assert.is(await source.head(), second);
  }));

test('a file where the mirror was is replaced; where its folder was, it is a fault and never the end', () =>
  withRepository(async (repository, place) => {
    const first = await repository.commit(releaseFiles());
    const source = sourceOf(repository, place);
    assert.is(await source.head(), first);
    const mirror = await mirrorOf(place);
    await rm(mirror, { recursive: true });
    await writeFile(mirror, 'no folder');
    assert.is(await source.head(), first);
    await rm(path.join(place, 'mirrors'), { recursive: true });
    await writeFile(path.join(place, 'mirrors'), 'no folder');
    for (const ask of [() => source.head(), () => source.read(first), () => source.descends(first, first)]) {
      const { code, retry } = await fault(ask);
      assert.equal([code, retry], ['mirror_unusable', 'backoff']);
    }
    await rm(path.join(place, 'mirrors'));
    assert.is(await source.head(), first);
  }));

test('a broken mirror never turns into the repository around it', () =>
  withRepository(async (repository, place) => {
    const first = await repository.commit(releaseFiles());
    const around = await makeRepository(path.join(place, 'around'));
    const foreign = await around.commit(releaseFiles({ rollout: 100 }));
    const dataFolder = path.join(around.folder, 'data');
    const source = sourceOf(repository, place, { dataFolder });
    assert.is(await source.head(), first);
    const [name = ''] = await readdir(dataFolder);
    await rm(path.join(dataFolder, name, 'HEAD'));
    assert.is((await fault(() => source.read(foreign))).code, 'revision_unknown');
    await rm(path.join(dataFolder, name, 'HEAD'));
    assert.is(await source.head(), first);
    assert.is(await around.git('for-each-ref', '--format=%(refname)'), 'refs/heads/main');
  }));

test('what could be taken for an option is refused before Git sees it', async () => {
  const environment = gitEnvironment('/nowhere');
  const make = (over: Partial<GitSourceOptions>) => () =>
    gitSource({ url: '/srv/releases.git', dataFolder: '/nowhere', environment, ...over });
  for (const branch of [
    '--upload-pack=touch /tmp/x',
    '-f',
    'a..b',
    'a b',
    'x.lock',
    'a@{1}',
    '/a',
    'a/',
    'a\nb',
    '',
    'main:main',
  ])
    assert.is((await fault(make({ branch }))).code, 'branch_invalid', branch);
  for (const url of [
    '--upload-pack=touch /tmp/x',
    'ext::sh -c touch% /tmp/x',
    'fd::17',
    'ftp://x/y',
    'javascript://x',
    'https://-x/',
    'https://u:p@x/',
    'a\nb',
    '',
    'ssh://-oProxyCommand=x/y',
    'http://example.com/x.git',
  ])
    assert.is((await fault(make({ url, token: 't0k3n' }))).code, 'source_url_invalid', url);
  for (const subPath of ['../x', '/etc', '-x', ':(top)x', 'a/../../b', 'x\u0000y'])
    assert.is((await fault(make({ path: subPath }))).code, 'source_path_invalid', subPath);
  for (const url of [
    'git@github.com:acme/fleet.git',
    'ssh://git@host:22/x',
    'https://host/x',
    'file:///srv/x',
    'C',
    './x',
  ])
    make({ url })();
});

test('a revision that is no commit name is unknown, whatever it says', () =>
  withRepository(async (repository, place) => {
    await repository.commit(releaseFiles());
    const source = sourceOf(repository, place);
    await source.head();
    for (const revision of ['HEAD', 'main', '--output=x', `${'0'.repeat(39)}g`, '', 'folder:x'])
      assert.is((await fault(() => source.read(revision))).code, 'revision_unknown', revision);
  }));

test('hooks, of the source repository or of the person who runs the controller, run nothing', () =>
  withRepository(async (repository, place) => {
    await repository.commit(releaseFiles());
    const flag = path.join(place, 'ran');
    const hook = `#!/bin/sh\ntouch ${flag}\n`;
    for (const name of ['post-checkout', 'post-update', 'reference-transaction', 'post-receive'])
      await writeFile(path.join(repository.folder, '.git', 'hooks', name), hook, { mode: 0o755 });
    await writeFile(path.join(repository.folder, '.gitattributes'), '* filter=evil\n');
    await writeFile(
      path.join(repository.folder, '.gitmodules'),
      `[submodule "x"]\n\tpath = x\n\turl = ext::touch ${flag}\n`,
    );
    await repository.git('-c', 'core.hooksPath=/dev/null', 'add', '--all');
    await repository.git('-c', 'core.hooksPath=/dev/null', 'commit', '--quiet', '--message', 'evil');
    await writeFile(
      path.join(place, '.gitconfig'),
      `[core]\n\thooksPath = ${repository.folder}/.git/hooks\n`,
    );
    const source = sourceOf(repository, place);
    await source.read(await source.head());
    assert.not.ok((await readdir(place)).includes('ran'));
  }));

async function withGitServer<T>(
  root: string,
  token: string,
  use: (url: string, seen: string[]) => Promise<T>,
): Promise<T> {
  const seen: string[] = [];
  const server = createServer((request, response) => {
    seen.push(request.url ?? '');
    if (request.url?.startsWith('/slow')) return; // never answered
    if (request.url?.startsWith('/moved')) {
      response.writeHead(302, { location: `http://localhost:9/stolen${request.url}` }).end();
      return;
    }
    serveGit(request, response, {
      root,
      authorised: (_user, password) => password === token,
      onPushed: () => {},
    });
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  try {
    return await use(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, seen);
  } finally {
    server.closeAllConnections();
    await new Promise(resolve => server.close(resolve));
  }
}

test('over http the token opens the repository and is never in an error', () =>
  withRepository(async (repository, place) => {
    const token = 'ghp_abcdefghijklmnopqrstuvwxyz0123456789';
    const commit = await repository.commit(releaseFiles());
    await repository.git('clone', '--quiet', '--bare', '.', path.join(place, 'served', 'fleet.git'));
    await withGitServer(path.join(place, 'served'), token, async (base, seen) => {
      const open = sourceOf(repository, place, { url: `${base}/fleet.git`, token });
      assert.is(await open.head(), commit);
      assert.is((await open.read(commit)).files.length, 3);
      assert.not.ok(seen.join(' ').includes(token), 'never in a URL');

      const wrong = `${token}x`;
      for (const [url, given] of [
        [`${base}/fleet.git`, wrong],
        [`${base}/fleet.git?a=1`, undefined],
        [`${base}/moved.git`, wrong],
        [`${base}/none.git`, token],
      ] as const) {
        const closed = sourceOf(repository, path.join(place, 'closed'), { url, token: given });
        const { code, message, stack } = await fault(() => closed.head());
        assert.is(code, 'source_unreachable', message);
        const basic = Buffer.from(`x-access-token:${given}`).toString('base64');
        assert.not.ok(`${message}${stack}`.includes(given ?? basic), message);
        assert.not.ok(`${message}${stack}`.includes(basic), message);
      }
    });
  }));

test('a source that never answers is given up in time', () =>
  withRepository(async (repository, place) =>
    withGitServer(place, 'x', async base => {
      const source = sourceOf(repository, place, { url: `${base}/slow.git`, timeoutMs: 300 });
      assert.is((await fault(() => source.head())).code, 'source_timeout');
    }),
  ));

test('a Git that is killed halfway is a fault, and the next look succeeds', () =>
  withRepository(async (repository, place) => {
    const first = await repository.commit(releaseFiles({ rollout: 10 }), { atMs: NOW_MS });
    const bin = path.join(place, 'bin');
    const lever = path.join(place, 'kill');
    await mkdir(bin);
    const real = '/usr/bin:/bin:/usr/local/bin';
    const script = `#!/bin/sh\ncase "$*" in *"$(cat '${lever}')"*) kill -KILL $$;; esac\nPATH='${real}' exec git "$@"\n`;
    await writeFile(path.join(bin, 'git'), script, { mode: 0o755 });
    const environment = { ...gitEnvironment(place), PATH: `${bin}:${real}` };
    const source = sourceOf(repository, place, { environment });
    for (const command of ['fetch', 'rev-parse']) {
      await writeFile(lever, command);
      assert.is((await fault(() => source.head())).code, 'git_killed', command);
    }
    await writeFile(lever, 'nothing');
    assert.is(await source.head(), first);
    await writeFile(lever, 'cat-file');
    assert.is((await fault(() => source.read(first))).code, 'git_killed');
  }));

test('credentials are cut out of whatever Git prints', () => {
  const token = 'hunter2hunter2';
  const basic = Buffer.from(`x-access-token:${token}`).toString('base64');
  const said = `warning: x\nfatal: unable to access 'https://bob:${token}@host/': sent ${basic}\u001b[31m\n\nread the manual\n`;
  const clean = sanitise(said, token);
  assert.match(clean, 'fatal: unable to access');
  for (const secret of [token, basic, 'bob', '\u001b']) assert.not.ok(clean.includes(secret), clean);
});

test('a commit to a repository on this machine is hinted at', () =>
  withRepository(async (repository, place) => {
    await repository.commit(releaseFiles({ rollout: 1 }));
    const source = sourceOf(repository, place);
    let hints = 0;
    const stop = await source.watch(() => hints++);
    await repository.commit(releaseFiles({ rollout: 2 }));
    await until('a hint', () => hints > 0);
    await stop();
  }));

test('a remote repository is not watched', () =>
  withFolder(async folder => {
    const source = gitSource({
      url: 'https://127.0.0.1:9/x',
      dataFolder: folder,
      environment: gitEnvironment(folder),
    });
    await (await source.watch(() => assert.unreachable()))();
  }));

test.run();
