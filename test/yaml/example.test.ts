import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { bufferReader, compareWithBuild, verifyApk } from '../../controller/apk/index.ts';
import type { SourceTree } from '../../controller/ports/index.ts';
import { folderSource } from '../../controller/source/folder.ts';
import { parseState } from '../../controller/yaml/parse.ts';
import { DAY_MS } from '../support/state.ts';

const root = path.resolve(import.meta.dirname, '../..');

async function readExample(): Promise<SourceTree> {
  const source = folderSource({ folder: path.join(root, 'releases') });
  return source.read(await source.head());
}

test('the example is valid without a warning, on this and on any later day', async () => {
  const tree = await readExample();
  for (const nowMs of [Date.now(), Date.now() + 400 * DAY_MS, Date.UTC(2040, 1, 29)])
    assert.equal(parseState(tree, undefined, { nowMs, reviewing: true }).problems, []);
});

test('the builds of the example say what their APKs are', async () => {
  const { state } = parseState(await readExample(), undefined, { nowMs: Date.now() });
  assert.equal([...(state?.builds.keys() ?? [])], ['b41', 'b42']);
  for (const build of state?.builds.values() ?? []) {
    const verdict = await verifyApk(
      bufferReader(await readFile(path.join(root, 'examples', 'apks', `${build.buildId}.apk`))),
    );
    assert.ok(verdict.ok);
    if (verdict.ok) assert.equal(compareWithBuild(verdict.facts, build), []);
  }
});

test('every file of the example names its schema for editors', async () => {
  for (const file of (await readExample()).files.filter(f => f.path.endsWith('.yaml'))) {
    const text = 'content' in file ? file.content.toString() : '';
    const [, schema = ''] = /^# yaml-language-server: \$schema=(\S+)\n/.exec(text) ?? [];
    const target = path.join(root, 'releases', path.dirname(file.path), schema);
    assert.match(JSON.parse(await readFile(target, 'utf8')).$schema, 'draft-07', file.path);
  }
});

test.run();
