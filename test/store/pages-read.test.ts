/** What pages and check-ins make a database read and write: what they are about, whatever its statistics say of the fleet. */
import type { Knex } from 'knex';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { CheckIn } from '../../controller/ports/index.ts';
import { makeCheckIns } from '../../controller/store/check-ins.ts';
import type { Db } from '../../controller/store/db.ts';
import { findRecords } from '../../controller/store/device-find.ts';
import { listRecords, scanRecords } from '../../controller/store/device-rows.ts';
import { isPostgres } from '../../controller/store/dialect.ts';
import { loadRegistry } from '../../controller/store/load-registry.ts';
import { Registry } from '../../controller/store/registry.ts';
import { withFolder } from '../support/folder.ts';
import { NOW_MS } from '../support/state.ts';
import { engineOf, openTestStore } from '../support/store.ts';

const DEVICES = 10_000;
const PAGE = 20;
const idOf = (n: number): string => `d-${String(n).padStart(5, '0')}`;

const all = Array.from({ length: DEVICES }, (_, n) => idOf(n));
const checkInOf = (deviceId: string): CheckIn => ({
  deviceId,
  atMs: NOW_MS,
  versionCode: 41,
  buildId: 'b41',
  sdk: 33,
  signer: undefined,
});

async function fill(folder: string): Promise<void> {
  const store = await openTestStore({ folder, nowMs: () => NOW_MS });
  await store.devices.enrol(
    all.map((deviceId, n) => ({ deviceId, tags: n % 2 === 0 ? ['qa'] : [] })),
    NOW_MS,
  );
  for (const deviceId of all) store.devices.checkIn(checkInOf(deviceId));
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
  return { db: { read, readNow: read, write, close: async () => undefined }, asked };
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
  const steps: { id: number; detail: string; parent: number }[] = await reader.raw(
    `explain query plan ${sql}`,
    [...bindings],
  );
  // Where the page comes as one JSON text, its rows are picked in a subquery of their own.
  const outside = new Set([0, ...steps.filter(({ detail }) => / picked$/.test(detail)).map(({ id }) => id)]);
  const subqueries = steps.flatMap(
    ({ detail }) => /^(?:CO-ROUTINE|MATERIALIZE) (.+)/.exec(detail)?.[1] ?? [],
  );
  return steps
    .filter(({ detail, parent }) =>
      // The walk in id order is a step of an inner subquery and ends with the page; what stands outside gets the page.
      outside.has(parent)
        ? /^SCAN /.test(detail) && !subqueries.includes(detail.split(' ')[1] ?? '')
        : /TEMP B-TREE/.test(detail),
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

test('a start reads each device once', () =>
  withFolder(async folder => {
    await fill(folder);
    const engine = await engineOf(folder);
    try {
      const { reader } = engine;
      const { db, asked } = listening(reader);
      await loadRegistry(db, new Registry(), DEVICES / 50);
      reader.removeAllListeners('query');
      assert.is(asked.length, 105, 'the middle; 26 and 25 pages with their tags, and one that is empty');
      // How many devices there are, and the id in their middle: both walk along an index of ids alone.
      const [middle, paged] = [asked.slice(0, 2), asked.slice(2)];
      if (isPostgres(reader)) {
        const readBy = async (these: readonly Asked[]): Promise<number> => {
          let read = 0;
          for (const one of these) read += await readByPostgres(reader, one);
          return read;
        };
        assert.ok((await readBy(middle)) <= 2 * DEVICES);
        // Its row, its check-in and its tag; the last page of the first half goes on into the second.
        const read = await readBy(paged);
        assert.ok(read <= 3 * DEVICES + 3 * (DEVICES / 50), `${read} rows were read of ${DEVICES} devices`);
      } else for (const one of paged) assert.equal(await wholeReadsOf(reader, one), []);
    } finally {
      await engine.close();
    }
  }));

test('check-ins look up their own devices, and leave the indexes alone where nothing but the time has changed', () =>
  withFolder(async folder => {
    await fill(folder);
    const engine = await engineOf(folder);
    const asked: Asked[] = [];
    const write: Db['write'] = job =>
      engine.writer.transaction(trx => {
        trx.on('query', ({ sql, bindings }: Asked) => asked.push({ sql, bindings }));
        return job(trx);
      });
    try {
      const checkIns = makeCheckIns({ db: { write }, onFault: () => undefined, flushAt: DEVICES });
      for (const deviceId of all) checkIns.record(checkInOf(deviceId));
      await checkIns.flush();
      const [insert] = asked.filter(({ sql }) => sql.includes('into check_ins'));
      assert.ok(insert, 'the statement that writes check-ins');
      if (isPostgres(engine.reader)) {
        assert.ok(
          (await sharedRows(engine.writer)) >= DEVICES / 4,
          'rows that were written beside their past',
        );
        const found = await readByPostgres(engine.reader, insert);
        assert.ok(found <= DEVICES / 2, `2,000 check-ins read ${found} of ${DEVICES} devices`);
      } else
        assert.equal(await wholeReadsOf(engine.reader, insert), ['SCAN json_each VIRTUAL TABLE INDEX 1:']);
    } finally {
      await engine.close();
    }
  }));

/** Updates of check-ins that wrote no index. */
async function sharedRows(writer: Knex): Promise<number> {
  await writer.raw('select pg_stat_force_next_flush()');
  const { rows } = await writer.raw(
    "select n_tup_hot_upd as count from pg_stat_user_tables where relname = 'check_ins'",
  );
  return Number(rows[0].count);
}

test.run();
