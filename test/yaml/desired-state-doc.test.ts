import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { PROBLEM_CODES } from '../../controller/domain/problem.ts';
import type { SourceFile } from '../../controller/ports/index.ts';
import { parseTree } from '../../controller/yaml/parse.ts';
import { SCHEMAS } from '../../controller/yaml/validators.ts';
import { releaseFiles, sourceFiles } from '../support/releases.ts';

const root = path.resolve(import.meta.dirname, '../..');
const doc = readFileSync(path.join(root, 'docs/desired-state.md'), 'utf8');
/** First cells of table rows: `| \`code\` | …` */
const rows = new Set([...doc.matchAll(/^\| `([^`]+)`/gm)].map(m => m[1]));

interface Schema {
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly description?: string;
}

function* keysOf(schema: Schema, at: string): Generator<{ key: string; at: string; schema: Schema }> {
  for (const [key, inner] of Object.entries(schema.properties ?? {})) {
    yield { key, at: `${at}.${key}`, schema: inner };
    yield* keysOf(inner, `${at}.${key}`);
  }
  if (schema.items !== undefined) yield* keysOf(schema.items, `${at}[]`);
}

const KEYS = Object.entries(SCHEMAS).flatMap(([kind, schema]) => [...keysOf(schema as Schema, kind)]);

test('every key of every schema is documented, and described for editors', () => {
  assert.ok(KEYS.length > 60);
  for (const { key, at, schema } of KEYS) {
    assert.ok(doc.includes(`\`${key}\``), `docs/desired-state.md does not know ${at}`);
    assert.ok((schema.description ?? '').length > 3, `${at} has no description`);
  }
});

test('every key at the top of a file has a row of its own', () => {
  for (const { key, at } of KEYS.filter(({ at }) => /^\w+\.\w+$/.test(at))) assert.ok(rows.has(key), at);
});

test('every problem code has a row with its cause and its cure', () => {
  for (const code of PROBLEM_CODES) {
    const row = doc.split('\n').find(line => line.startsWith(`| \`${code}\` |`));
    assert.ok(row, `docs/desired-state.md does not know ${code}`);
    assert.is(row?.split('|').length, 5, code);
  }
});

test('the documentation knows no code that does not exist', () => {
  const codes: readonly string[] = PROBLEM_CODES;
  const tables = doc.slice(doc.indexOf('## Errors and warnings'));
  for (const [, code = ''] of tables.matchAll(/^\| `([^`]+)`/gm)) assert.ok(codes.includes(code), code);
});

test('every example in the documentation fits its schema', () => {
  const examples = [...doc.matchAll(/^```yaml\n(.*?)^```/gms)]
    .map(m => m[1] ?? '')
    .filter(t => t.includes('kind:'));
  assert.ok(examples.length >= 7);
  const places = {
    Rollout: 'rollout.yaml',
    Build: 'builds/b42.yaml',
    Cohort: 'cohorts/lab.yaml',
    Policy: 'policy.yaml',
  };
  for (const text of examples) {
    const kind = /^kind: (\w+)/m.exec(text)?.[1] as keyof typeof places;
    const others = sourceFiles(releaseFiles()).filter(f => f.path !== places[kind]);
    const files: SourceFile[] = [...others, { path: places[kind], content: Buffer.from(text) }];
    assert.equal(parseTree(files).problems, [], text);
  }
});

test('links within the page lead somewhere', () => {
  const slug = (title: string): string =>
    title
      .toLowerCase()
      .replaceAll(/[^\w\- ]/g, '')
      .replaceAll(' ', '-');
  const anchors = new Set([...doc.matchAll(/^#+ (.*)$/gm)].map(m => slug(m[1] ?? '')));
  for (const [, anchor = ''] of doc.matchAll(/\]\(#([^)]+)\)/g)) assert.ok(anchors.has(anchor), anchor);
});

test.run();
