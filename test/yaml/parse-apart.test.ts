/** Trees that are large or hostile: read in a process of their own, with an end to what they may cost. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Fault } from '../../controller/domain/fault.ts';
import { parseState, placeFindings } from '../../controller/yaml/parse.ts';
import { type ApartOptions, type ApartParser, apartParser } from '../../controller/yaml/parse-apart.ts';
import { type ReleaseFiles, releaseFiles, sourceFiles } from '../support/releases.ts';
import { aBuild, aState, NOW_MS } from '../support/state.ts';

const TIMES = { nowMs: NOW_MS };

async function withParser(options: ApartOptions, use: (parser: ApartParser) => Promise<void>): Promise<void> {
  const parser = apartParser(options);
  try {
    await use(parser);
  } finally {
    await parser.close();
  }
}

const treeOf = (files: ReleaseFiles) => ({ files: sourceFiles(files) });
const many = () => aState({ builds: Array.from({ length: 60 }, (_, n) => aBuild(n + 1)) });
const hostile = () => treeOf({ ...releaseFiles(), 'rollout.yaml': '"'.repeat(250_000) });

test('a large tree is parsed in a process with the same result, without blocking this one', () =>
  withParser({}, async parser => {
    const base = { state: aState(), progress: undefined, formerBuilds: new Map() };
    const tree = treeOf(releaseFiles(many()));
    let turned = false;
    setImmediate(() => {
      turned = true;
    });
    const apart = await parser.parse(tree, base, TIMES);
    assert.ok(turned);
    assert.is(apart.state?.builds.size, 60);
    assert.equal(apart, parseState(tree, base, TIMES));
  }));

test('the problems of a large tree are reported with their places', () =>
  withParser({}, async parser => {
    const files = { ...releaseFiles(many()), 'builds/b60.yaml': 'kind: Build\nkind: Build\n' };
    const { state, problems } = await parser.parse(treeOf(files), undefined, TIMES);
    assert.is(state, undefined);
    assert.equal(
      problems.map(p => `${p.file}:${p.line}:${p.column} ${p.code}`),
      ['builds/b60.yaml:2:1 yaml_duplicate_key'],
    );
  }));

test('findings and versions of the past are read apart as they are on the spot', () =>
  withParser({ inlineBytes: 0 }, async parser => {
    const tree = treeOf(releaseFiles());
    const finding = {
      severity: 'error',
      code: 'policy_jump',
      file: 'rollout.yaml',
      path: ['rollout_percent'],
      message: 'too far',
      hint: undefined,
    } as const;
    const [placed] = await parser.place(tree, [finding]);
    assert.equal([placed], placeFindings(tree.files, [finding]));
    assert.ok((placed?.line ?? 0) > 1);
    const content = Buffer.from(releaseFiles()['rollout.yaml'] ?? '');
    const version = { revision: 'a'.repeat(40), committedAtMs: NOW_MS, content };
    assert.is((await parser.parseRollout(version))?.current, 'b42');
    assert.is(await parser.parseRollout({ ...version, content: Buffer.from('[') }), undefined);
  }));

for (const [what, limits] of [
  ['time', { limitMs: 50 }],
  ['memory', { memoryMib: 8 }],
] as const)
  test(`too_complex: a tree that costs too much ${what} is a problem, not a wait`, () =>
    withParser(limits, async parser => {
      const { state, problems } = await parser.parse(hostile(), undefined, TIMES);
      assert.is(state, undefined);
      assert.equal(
        problems.map(p => [p.severity, p.code]),
        [['error', 'too_complex']],
      );
    }));

test('the end of the controller ends what is being parsed', () =>
  withParser({}, async parser => {
    const parsing = parser.parse(hostile(), undefined, TIMES);
    await parser.close();
    const why = await parsing.then(
      () => undefined,
      (error: unknown) => error,
    );
    assert.ok(why instanceof Fault && why.retry === 'backoff');
    await parser.place(hostile(), []);
    const later = await parser.parse(hostile(), undefined, TIMES).catch((error: unknown) => error);
    assert.is((later as Fault).code, 'parser_closed');
  }));

test.run();
