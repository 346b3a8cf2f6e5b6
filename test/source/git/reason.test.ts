/** Why Git failed, as a person at 3 a.m. needs it: texts are those that Git, OpenSSH and curl print. */
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Fault } from '../../../controller/domain/fault.ts';
import { isRepository } from '../../../controller/source/choice.ts';
import { reasonOf } from '../../../controller/source/git/reason.ts';
import { gitRemote } from '../../../controller/source/git/remote.ts';
import { gitSource } from '../../../controller/source/git/source.ts';
import { withServed } from '../../support/git-served.ts';
import { releaseFiles } from '../../support/releases.ts';
import { gitEnvironment, makeRepository, withRepository } from '../../support/repository.ts';

const NOT_READ =
  '\nfatal: Could not read from remote repository.\n\nPlease make sure you have the correct access rights\nand the repository exists.\n';

const SAID: readonly (readonly [name: string, stderr: string, told: RegExp])[] = [
  ['an unknown host key', `Host key verification failed.\r${NOT_READ}`, /not in known_hosts.*ssh-keyscan/],
  [
    'a changed host key',
    `@@@@@@@@@@@\n@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @\n@@@@@@@@@@@\nHost key verification failed.${NOT_READ}`,
    /has changed.*ssh-keygen -R/,
  ],
  ['a key that is refused', `git@git.example: Permission denied (publickey).${NOT_READ}`, /deploy key/],
  [
    'a foreign owner',
    "fatal: detected dubious ownership in repository at '/srv/releases.git'\nTo add an exception for this directory, call:\n\n\tgit config --global --add safe.directory /srv/releases.git\n",
    /another user.*safe\.directory/,
  ],
  [
    'a full disk',
    'fatal: write error: No space left on device\nfatal: fetch-pack: invalid index-pack output\n',
    /disk is full/,
  ],
  [
    'a refused token',
    "remote: Invalid username or password.\nfatal: Authentication failed for 'https://git.example/fleet.git/'\n",
    /OTA_SOURCE_TOKEN/,
  ],
  [
    'a token without rights',
    "fatal: unable to access 'https://git.example/fleet.git/': The requested URL returned error: 403\n",
    /403.*no permission to read/,
  ],
  [
    'a repository that is not there',
    "remote: Repository not found.\nfatal: repository 'https://git.example/none.git/' not found\n",
    /does not exist, or the token cannot see it/,
  ],
  [
    'a login page',
    'fatal: https://git.example/fleet.git/info/refs not valid: is this a git repository?\n',
    /login page/,
  ],
  [
    'a redirect',
    'fatal: unable to update url base from redirection:\n  asked for: https://a/x/info/refs\n   redirect: https://b/login\n',
    /redirects.*OTA_SOURCE/,
  ],
  [
    'a name that is not known',
    "fatal: unable to access 'https://nowhere.example/x.git/': Could not resolve host: nowhere.example\n",
    /cannot be resolved/,
  ],
  [
    'a bad certificate',
    "fatal: unable to access 'https://git.example/x.git/': SSL certificate problem: unable to get local issuer certificate\n",
    /certificate.*not trusted/,
  ],
  [
    'a cut connection',
    'error: RPC failed; curl 18 transfer closed with outstanding read data remaining\nfatal: early EOF\n',
    /broke off/,
  ],
];

for (const [name, stderr, told] of SAID)
  test(`${name}: the cause and the cure are told, with what Git said`, () => {
    const reason = reasonOf(stderr, undefined);
    assert.match(reason, told);
    assert.match(reason, /\(Git: .+\)$/);
    assert.not.match(reason, /\n/);
  });

test('an unknown failure is reported in Git’s own words, without credentials', () => {
  const reason = reasonOf(
    "fatal: unable to access 'https://bob:hunter2hunter2@host/': odd\n",
    'hunter2hunter2',
  );
  assert.is(reason, "fatal: unable to access 'https://host/': odd");
});

const faultOf = async (work: () => Promise<unknown>): Promise<Fault> => {
  try {
    await work();
  } catch (error) {
    if (error instanceof Fault) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
};

test('a proxy that answers with its login page is recognised', () =>
  withServed(
    () => ({ status: 200, type: 'text/html', body: '<html><form>Sign in</form></html>' }),
    async served => {
      const { url, place } = served;
      const source = gitSource({
        url,
        dataFolder: path.join(place, 'mirrors'),
        environment: gitEnvironment(place),
      });
      const { code, message } = await faultOf(() => source.head());
      assert.is(code, 'branch_unknown');
      assert.match(message, 'login page');
    },
  ));

test('a token in the place of the user name is refused and not repeated', () => {
  for (const user of ['ghp_0123456789abcdefABCDEF', 'github_pat_11AAAA', 'glpat-abcdef', 'a'.repeat(40)]) {
    const url = `https://${user}@git.example/fleet.git`;
    assert.throws(
      () => gitRemote(url, undefined),
      (error: Error) => /OTA_SOURCE_TOKEN/.test(error.message) && !error.message.includes(user),
    );
  }
  assert.is(gitRemote('https://git@git.example/fleet.git', undefined).shown, 'https://git.example/fleet.git');
  assert.ok(gitRemote('ssh://git@git.example/fleet.git', undefined));
});

test('ext:: is refused by name, not looked for as a folder', () => {
  for (const source of ['ext::sh -c "touch /tmp/x"', 'fd::17', 'EXT::sh'])
    assert.throws(
      () => isRepository(source),
      (error: Error) => error instanceof Fault && /ext::.*refused/.test(error.message),
    );
});

test('a SHA-256 repository is read like any other', () =>
  withRepository(async (_, place) => {
    const repository = await makeRepository(path.join(place, 'sha256'));
    await repository.git('init', '--quiet', '--object-format=sha256', '--initial-branch=main', '../modern');
    const modern = path.join(place, 'modern');
    await mkdir(path.join(modern, 'releases'), { recursive: true });
    for (const [name, text] of Object.entries(releaseFiles())) {
      await mkdir(path.dirname(path.join(modern, 'releases', name)), { recursive: true });
      await writeFile(path.join(modern, 'releases', name), text);
    }
    await repository.git('-C', modern, 'add', '--all');
    await repository.git('-C', modern, 'commit', '--quiet', '--message', 'modern');
    const source = gitSource({
      url: modern,
      dataFolder: path.join(place, 'mirrors'),
      environment: gitEnvironment(place),
    });
    const head = await source.head();
    assert.match(head, /^[0-9a-f]{64}$/);
    assert.is((await source.read(head)).files.length, 3);
    assert.is(await source.head(), head);
  }));

test('the mirror of a former source is deleted, and other files in its folder stay', () =>
  withRepository(async (repository, place) => {
    await repository.commit(releaseFiles());
    await repository.git('clone', '--quiet', '--bare', '.', path.join(place, 'new-home.git'));
    const dataFolder = path.join(place, 'mirrors');
    const open = (url: string) => gitSource({ url, dataFolder, environment: gitEnvironment(place) });
    await open(repository.folder).head();
    const [former] = await readdir(dataFolder);
    await writeFile(path.join(dataFolder, 'notes.txt'), 'mine');
    await open(path.join(place, 'new-home.git')).head();
    const now = await readdir(dataFolder);
    assert.not.ok(now.includes(former ?? ''), 'the former mirror is gone');
    assert.is(now.filter(name => name.endsWith('.git')).length, 1);
    assert.ok(now.includes('notes.txt'));
  }));

test.run();
