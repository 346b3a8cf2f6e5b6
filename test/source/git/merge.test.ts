import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Source, SourceTree } from '../../../controller/ports/index.ts';
import { gitSource } from '../../../controller/source/git/source.ts';
import type { Bare } from '../../support/github/bare.ts';
import { withHub } from '../../support/github/hub.ts';

const text = (a: number, f: number): string => `a: ${a}\nb: 2\nc: 3\nd: 4\ne: 5\nf: ${f}\n`;
const FILE = 'releases/rollout.yaml';

/** `main` changed `a` since `p`, a branch of what was before, was cut. */
const withMirror = (
  branch: Readonly<Record<string, string>>,
  use: (source: Source, git: Bare, dataFolder: string) => Promise<void>,
): Promise<void> =>
  withHub(async hub => {
    const { git } = hub.state;
    const from = git.commit('main', { [FILE]: text(1, 6), 'notes.md': 'one\n' }, 'begin');
    git.commit('p', branch, 'a proposal', from);
    hub.state.open('p', 'a proposal');
    git.commit('main', { [FILE]: text(9, 6), 'notes.md': 'two\n' }, 'another merge');
    const dataFolder = mkdtempSync(path.join(tmpdir(), 'mirror-'));
    try {
      await use(
        gitSource({
          url: hub.cloneUrl,
          branch: 'main',
          dataFolder,
          token: hub.token,
          environment: process.env,
        }),
        git,
        dataFolder,
      );
    } finally {
      rmSync(dataFolder, { recursive: true, force: true });
    }
  });

type Merged = SourceTree | 'conflict' | 'unrelated';

async function merge(source: Source, git: Bare): Promise<Merged> {
  assert.ok(source.merged);
  return source.merged(await source.head(), git.tip('p') ?? '');
}
const contentOf = (tree: Merged): string | undefined => {
  const file = typeof tree === 'string' ? undefined : tree.files.find(f => f.path === 'rollout.yaml');
  return file !== undefined && 'content' in file ? file.content.toString() : undefined;
};

test('what merging a pull request would make of the branch, changes of both sides in it', () =>
  withMirror({ [FILE]: text(1, 9) }, async (source, git) => {
    assert.is(contentOf(await merge(source, git)), text(9, 9));
  }));

test('a conflict in the desired state is reported', () =>
  withMirror({ [FILE]: text(7, 6) }, async (source, git) => {
    assert.is(await merge(source, git), 'conflict');
  }));

test('a conflict outside the desired state is ignored', () =>
  withMirror({ [FILE]: text(1, 9), 'notes.md': 'three\n' }, async (source, git) => {
    assert.is(contentOf(await merge(source, git)), text(9, 9));
  }));

test('a pull request that leaves the desired state alone merges to the very same tree', () =>
  withMirror({ 'other.md': 'x\n' }, async (source, git) => {
    const merged = await merge(source, git);
    const base = await source.read(await source.head());
    assert.is(typeof merged === 'string' ? '' : merged.treeHash, base.treeHash);
  }));

test('a pull request without common history is told as such, and the mirror stays as it is', () =>
  withMirror({ [FILE]: text(1, 9) }, async (source, git, dataFolder) => {
    const stranger = git.commit('stranger', { [FILE]: text(2, 2) }, 'begins from nothing');
    const head = await source.head();
    const mirror = (): number =>
      statSync(path.join(dataFolder, readdirSync(dataFolder).find(name => name.endsWith('.git')) ?? '')).ino;
    const before = mirror();
    assert.is(await source.merged?.(head, stranger), 'unrelated');
    assert.is(await source.merged?.(head, stranger), 'unrelated');
    assert.is(mirror(), before, 'nothing was cloned anew');
  }));

test.run();
