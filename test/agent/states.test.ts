/**
 * The state table of `schemas/vectors/agent-states.json`, row by row, against the state machine.
 *
 * Every branch, number, string, effect and field of `agent/step*` was turned, one at a time, and the rows run against it
 * (1,260 mutants). What no row notices is the same to every caller: a field that is given as `undefined` and left out,
 * the kind of an answer that a function for that kind alone takes, `<` for `<=` where equality was asked for before,
 * an epoch that grows by two, and the pace of an answer that has none.
 */
import { readFileSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type AgentReport, PHASES } from '../../agent/state.ts';
import { recordedOf } from '../../controller/domain/outcome.ts';
import { decode, type Json } from '../support/agent/states/json.ts';
import { outcome, type Row } from '../support/agent/states/play.ts';
import { stateTable } from '../support/agent/states/table.ts';

interface File {
  readonly format: string;
  readonly kind: string;
  readonly rows: readonly (Row & { readonly expect: Json })[];
}

const text = readFileSync('schemas/vectors/agent-states.json', 'utf8');
const file = JSON.parse(text) as File;

for (const row of file.rows)
  test(row.name, () => assert.equal(JSON.parse(JSON.stringify(outcome(row))), row.expect));

test('the file is what its script writes', () => {
  assert.is(
    text,
    stateTable(),
    'run node --import tsx test/support/agent/write-vectors.ts, and read the difference',
  );
});

test('no report of the table contradicts itself', () => {
  const wrong = file.rows.flatMap(({ name, expect }) => {
    const { effects } = expect as unknown as { effects: { type: string; report?: Json }[] };
    return effects.flatMap(({ type, report }) => {
      if (type !== 'report' || report === undefined) return [];
      const { outcome, reason, versionCode, buildId } = decode(report, 'report') as AgentReport;
      const { note } = recordedOf({ outcome, reason, versionCode }, Number(buildId.slice(1)));
      return note === undefined ? [] : [`${name}: ${note}`];
    });
  });
  assert.equal(wrong, []);
});

test('every phase meets a trigger, a restart and its own facts', () => {
  const names = file.rows.map(row => row.name);
  assert.is(new Set(names).size, names.length, 'names of rows are unique');
  for (const phase of PHASES) {
    const own = file.rows.filter(row => row.name.startsWith(`${phase}: `));
    const facts = new Set(own.map(({ fact }) => (fact as { type: string }).type));
    for (const type of ['asked', 'started']) assert.ok(facts.has(type), `${phase} has no row for ${type}`);
  }
});

test.run();
