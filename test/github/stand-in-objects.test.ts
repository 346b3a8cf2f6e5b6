/** The stand-in GitHub writes objects and refs by itself: Git must find nothing wrong with them. */
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { withFolder } from '../support/folder.ts';
import { makeBare } from '../support/github/bare.ts';

test('Git reads what the stand-in wrote, and would have written the same', () =>
  withFolder(async folder => {
    const bare = makeBare(path.join(folder, 'fleet.git'), 'main', () => 1_700_000_000_000);
    const first = bare.commit(
      'main',
      // A folder sorts as `a/`, so between `a.b` and `a0`; names are sorted by bytes, not by UTF-16 units.
      { 'a/b/c.yaml': 'c: 1\n', 'a.b': 'ä', a0: '', '\u{ff5e}': 'x', '\u{1f600}': 'y', 'gone/d': 'd' },
      'begin',
    );
    const second = bare.commit(
      'topic',
      { 'gone/d': undefined, 'a/b/e.yaml': 'e: 2\n' },
      'second\n\nwhy',
      'main',
    );
    bare.commit('main', { a1: 'one' }, 'beside');
    const merged = bare.merge('main', second, 'merge topic', 'merge');
    bare.ref('refs/heads/topic', undefined);

    assert.is(bare.git('fsck', '--strict', '--no-dangling'), '');
    assert.is(bare.git('rev-parse', 'main'), merged);
    assert.is(bare.git('for-each-ref', '--format=%(refname)'), 'refs/heads/main');
    assert.is(
      bare.git('show', '-s', '--format=%an %cn %ct %B', second),
      'Ada Admin GitHub 1700000000 second\n\nwhy',
    );
    assert.is(
      bare.git('-c', 'core.quotePath=false', 'ls-tree', '-r', '--name-only', merged),
      ['a.b', 'a/b/c.yaml', 'a/b/e.yaml', 'a0', 'a1', '\u{ff5e}', '\u{1f600}'].join('\n'),
    );
    // Git makes a tree of the same files in an index of its own.
    const index = { ...process.env, GIT_DIR: bare.dir, GIT_INDEX_FILE: path.join(folder, 'index') };
    execFileSync('git', ['read-tree', first], { env: index });
    assert.is(
      execFileSync('git', ['write-tree'], { env: index, encoding: 'utf8' }).trim(),
      bare.git('rev-parse', `${first}^{tree}`),
    );
  }));

test('the stand-in knows which trees are there, so that it refuses a commit of another', () =>
  withFolder(async folder => {
    const bare = makeBare(path.join(folder, 'fleet.git'), 'main', () => 0);
    const missing = '1'.repeat(40);
    assert.throws(() => bare.git('cat-file', '-e', `${missing}^{tree}`));
    const tree = bare.tree(undefined, { a: 'a' });
    assert.is(bare.git('cat-file', '-e', `${tree}^{tree}`), '');
    bare.ref('refs/heads/main', bare.commitTree(tree, [], 'begin'));
    assert.is(bare.git('fsck', '--strict'), '');
  }));

test.run();
