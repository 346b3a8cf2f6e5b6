/** What the pages of devices make a database read: no more than the page, whatever its statistics say of the fleet. */
import type { Knex } from 'knex';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Db } from '../../controller/store/db.ts';
import { findRecords } from '../../controller/store/device-find.ts';
import { listRecords, scanRecords } from '../../controller/store/device-rows.ts';
import { isPostgres } from '../../controller/store/dialect.ts';
import { withFolder } from '../support/folder.ts';
import { NOW_MS } from '../support/state.ts';
import { engineOf, openTestStore } from '../support/store.ts';

const DEVICES = 10_000;
const PAGE = 20;
const idOf = (n: number): string => `d-${String(n).padStart(5, '0')}`;

async function fill(folder: string): Promise<void> {
  const store = await openTestStore({ folder, nowMs: () => NOW_MS });
  const all = Array.from({ length: DEVICES }, (_, n) => idOf(n));
  await store.devices.enrol(
    all.map((deviceId, n) => ({ deviceId, tags: n % 2 === 0 ? ['qa'] : [] })),
    NOW_MS,
  );
  for (const deviceId of all)
    store.devices.checkIn({
      deviceId,
      atMs: NOW_MS,
      versionCode: 41,
      buildId: 'b41',
      sdk: 33,
      signer: undefined,
    });
  await store.close();
}

interface Asked {
  readonly sql: string;
  readonly bindings: readonly Knex.RawBinding[];
}

/** A database that keeps what it was asked. */
function listening(reader: Knex): { db: Db; asked: Asked[] } {
  const asked: Asked[] = [];
  reader.on('query', ({ sql, bindings }: Asked) => asked.push({ sql, bindings }));
  const read: Db['read'] = async query => query(reader);
  const write = () => Promise.reject(new Error('only reads'));
  return { db: { read, write, close: async () => undefined }, asked };
}

interface PlanNode {
  readonly 'Relation Name'?: string;
  readonly 'Actual Rows': number;
  readonly 'Actual Loops': number;
  readonly 'Rows Removed by Filter'?: number;
  readonly Plans?: readonly PlanNode[];
}

const rowsRead = (node: PlanNode): number =>
  (node['Relation Name'] === undefined
    ? 0
    : (node['Actual Rows'] + (node['Rows Removed by Filter'] ?? 0)) * node['Actual Loops']) +
  (node.Plans ?? []).reduce((sum, inner) => sum + rowsRead(inner), 0);

/** The rows of tables that PostgreSQL looked at. */
async function readByPostgres(reader: Knex, { sql, bindings }: Asked): Promise<number> {
  const connection = await reader.client.acquireConnection();
  try {
    const { rows } = await connection.query(`explain (analyze, format json) ${sql}`, bindings);
    return rowsRead(rows[0]['QUERY PLAN'][0].Plan);
  } finally {
    await reader.client.releaseConnection(connection);
  }
}

/** The steps of SQLite's plan that read a whole table, or sort more than the page. */
async function wholeReadsOf(reader: Knex, { sql, bindings }: Asked): Promise<string[]> {
  const steps: { detail: string; parent: number }[] = await reader.raw(`explain query plan ${sql}`, [
    ...bindings,
  ]);
  return steps
    .filter(({ detail, parent }) =>
      // The walk in id order is a step of the subquery and ends with the page; what stands outside gets the page.
      parent === 0 ? /SCAN (?!page)/.test(detail) : /TEMP B-TREE/.test(detail),
    )
    .map(step => step.detail);
}

const after = idOf(DEVICES / 2);
const pages: readonly (readonly [what: string, read: (db: Db) => Promise<unknown>, most: number])[] = [
  ['a page of a campaign', db => scanRecords({ after, limit: PAGE }, db), 4],
  ['the first page of a campaign', db => scanRecords({ limit: PAGE }, db), 4],
  [
    'a page of devices with a push token',
    db => scanRecords({ after, limit: PAGE, withPushToken: true }, db),
    4,
  ],
  ['devices by their ids', db => scanRecords({ ids: [idOf(1), idOf(2)], limit: PAGE }, db), 4],
  ['a page for operators', db => listRecords({ after, limit: PAGE }, db), 4],
  ['a page by tag', db => listRecords({ after, limit: PAGE, tag: 'qa' }, db), 4],
  ['a page by how the id begins', db => findRecords({ limit: PAGE, filter: { prefix: 'd-' } }, db), 4],
];

test('a page reads the rows of its devices alone, also where the database has never analysed its tables', () =>
  withFolder(async folder => {
    await fill(folder);
    const engine = await engineOf(folder);
    try {
      const { reader } = engine;
      for (const [what, read, most] of pages) {
        const { db, asked } = listening(reader);
        await read(db);
        reader.removeAllListeners('query');
        assert.is(asked.length, 1, what);
        for (const one of asked)
          if (isPostgres(reader)) {
            const found = await readByPostgres(reader, one);
            assert.ok(found <= most * PAGE, `${what}: ${found} rows were read for a page of ${PAGE}`);
          } else assert.equal(await wholeReadsOf(reader, one), [], what);
      }
    } finally {
      await engine.close();
    }
  }));

test.run();
