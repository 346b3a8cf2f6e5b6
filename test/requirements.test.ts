/** docs/requirements.md names only clauses, places and tests that exist. */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';

const root = path.resolve(import.meta.dirname, '..');
const read = (file: string): string => readFileSync(path.join(root, file), 'utf8');
const rows = read('docs/requirements.md')
  .split('\n')
  .filter(line => /^\| [A-Z]\d+ \|/.test(line))
  .map(line => line.split('|').map(cell => cell.trim()));
const codes = (cell: string): string[] => [...cell.matchAll(/`([^`]+)`/g)].map(([, code = '']) => code);

test('every requirement has a clause that the contract holds', () => {
  const spec = read('docs/contract/SPEC.md');
  assert.ok(rows.length >= 20);
  for (const [, id, , clause = ''] of rows) {
    const sections = [...clause.matchAll(/§(\d+)/g)];
    assert.ok(sections.length > 0, `${id} names no section`);
    for (const [, section] of sections) assert.match(spec, new RegExp(`^## ${section}\\. `, 'm'));
  }
});

test('every requirement lives somewhere and is shown by a test or a measurement', () => {
  for (const [, id, , , places = '', shown = ''] of rows) {
    const [where, by] = [codes(places), codes(shown)];
    assert.ok(where.length > 0 && by.length > 0, `${id} lacks a place or a proof`);
    const missing = [...where, ...by].filter(file => !existsSync(path.join(root, file)));
    assert.equal(missing, [], `${id} names what is not there`);
    assert.ok(
      by.every(file => /^(test\/.*\.test\.ts|bench\/.*\.ts)$/.test(file)),
      `${id} is shown by something else`,
    );
  }
});

test.run();
