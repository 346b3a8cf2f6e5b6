/** Rows of a table in the order of its key, a page at a time, in a form that is the same on both engines. */
import type { Knex } from 'knex';
import { type Cell, isPostgres, jsonRows, rowsOf } from '../dialect.ts';
import type { Column, Table } from './schema.ts';

/** Bounds the memory: two pages of each end, and one page of rows to be written. */
export const PAGE_ROWS = 2_000;

export interface Row {
  readonly cells: readonly Cell[];
  readonly key: readonly Cell[];
  /** The row's cells as JSON: rows are equal if their texts are equal. */
  readonly text: string;
}

/** The type that PostgreSQL reads a JSON text as. An insert converts it to a narrower type of column. */
const CASTS = { text: 'text', whole: 'bigint', real: 'double precision', flag: 'boolean' } as const;

/** Reads a table once. `take` may be called while `spent` is false. */
export interface Cursor {
  /** All loaded rows were taken: `load` the next page, unless `ended` says that there is none. */
  readonly spent: boolean;
  readonly ended: boolean;
  readonly row: Row;
  advance(): void;
  load(): Promise<void>;
}

export function cursorOf(db: Knex, table: Table): Cursor {
  const keyAt = table.key.map(name => table.columns.findIndex(c => c.name === name));
  let page: readonly Row[] = [];
  let at = 0;
  let last: readonly Cell[] | undefined;
  let ended = false;
  return {
    get spent() {
      return at >= page.length;
    },
    get ended() {
      return ended && at >= page.length;
    },
    get row() {
      const row = page[at];
      if (row === undefined) throw new Error('assertion: a spent cursor was read');
      return row;
    },
    advance: () => {
      at += 1;
    },
    load: async () => {
      if (ended) return;
      page = (await readPage(db, table, last)).map(cells => rowOf(cells, keyAt));
      at = 0;
      last = page.at(-1)?.key;
      ended = page.length < PAGE_ROWS;
    },
  };
}

function rowOf(cells: readonly Cell[], keyAt: readonly number[]): Row {
  return { cells, key: keyAt.map(at => cells[at] ?? null), text: JSON.stringify(cells) };
}

async function readPage(db: Knex, table: Table, after: readonly Cell[] | undefined): Promise<Cell[][]> {
  const key = table.key.map(name => `"${name}"`).join(', ');
  const where = after === undefined ? '' : `where (${key}) > (${after.map(() => '?').join(', ')})`;
  const { sql, bindings } = jsonRows(
    db,
    table.columns.map(c => `"${c.name}"`),
    `from "${table.name}" ${where} order by ${key} limit ${PAGE_ROWS}`,
    after ?? [],
  );
  const [made] = await rowsOf<{ rows: string | null }>(db.raw(sql, bindings));
  const rows = JSON.parse(made?.rows ?? '[]') as (Cell | boolean)[][];
  return rows.map(cells => cells.map((cell, at) => plain(cell, table.columns[at])));
}

/** One form for values that the engines return differently. A text in PostgreSQL cannot hold NUL. */
function plain(cell: Cell | boolean, column: Column | undefined): Cell {
  if (cell === null) return null;
  if (column?.kind === 'flag') return Number(cell);
  if (typeof cell === 'string' && cell.includes('\0')) return cell.replaceAll('\0', '\uFFFD');
  return cell as Cell;
}

/** The order of both engines: numbers by size, texts by their bytes. */
export function compareKeys(a: readonly Cell[], b: readonly Cell[]): number {
  for (const [at, left] of a.entries()) {
    const right = b[at] ?? null;
    if (left === right) continue;
    if (typeof left === 'string' && typeof right === 'string')
      return Buffer.compare(Buffer.from(left), Buffer.from(right));
    return Number(left) - Number(right);
  }
  return 0;
}

export async function insertRows(trx: Knex, table: Table, rows: readonly Row[]): Promise<void> {
  const names = table.columns.map(c => `"${c.name}"`).join(', ');
  await trx.raw(`insert into "${table.name}" (${names}) select ${pickedFrom(trx, table.columns)}`, [
    `[${rows.map(row => row.text).join(',')}]`,
  ]);
}

export async function deleteRows(trx: Knex, table: Table, rows: readonly Row[]): Promise<void> {
  const key = table.key.flatMap(name => table.columns.filter(c => c.name === name));
  await trx.raw(
    `delete from "${table.name}" where (${key.map(c => `"${c.name}"`).join(', ')}) in (select ${pickedFrom(trx, key)})`,
    [JSON.stringify(rows.map(row => row.key))],
  );
}

/** Reads cells from one JSON text: an array of arrays. */
function pickedFrom(db: Knex, columns: readonly Column[]): string {
  if (!isPostgres(db))
    return `${columns.map((_, at) => `json_extract(value, '$[${at}]')`).join(', ')} from json_each(?)`;
  const cells = columns.map(({ kind }, at) => `(value->>${at})::${CASTS[kind]}`);
  return `${cells.join(', ')} from json_array_elements(?::json) as given (value)`;
}

/** Ids are never used twice, so the new database continues the old one's numbering. */
export async function copyNextIds(source: Knex, dest: Knex, tables: readonly Table[]): Promise<void> {
  for (const { name, key } of tables) {
    if (key.length !== 1 || key[0] !== 'id') continue;
    const last = await lastId(source, name);
    if (last > 0) await setLastId(dest, name, last);
  }
}

async function lastId(db: Knex, table: string): Promise<number> {
  if (!isPostgres(db))
    return (
      ((await db('sqlite_sequence').where({ name: table }).first('seq')) as { seq: number } | undefined)
        ?.seq ?? 0
    );
  const sequence = await sequenceOf(db, table);
  if (sequence === null) return 0;
  const [row] = await rowsOf<{ last_value: number; is_called: boolean }>(
    db.raw(`select last_value, is_called from ${sequence}`),
  );
  return row?.is_called === true ? row.last_value : 0;
}

async function setLastId(db: Knex, table: string, last: number): Promise<void> {
  if (isPostgres(db)) {
    const sequence = await sequenceOf(db, table);
    if (sequence !== null) await db.raw('select setval(?::regclass, ?)', [sequence, last]);
    return;
  }
  const changed = await db('sqlite_sequence').where({ name: table }).update({ seq: last });
  if (changed === 0) await db('sqlite_sequence').insert({ name: table, seq: last });
}

/** Null if the table does not number its ids. */
async function sequenceOf(db: Knex, table: string): Promise<string | null> {
  const [row] = await rowsOf<{ name: string | null }>(
    db.raw("select pg_get_serial_sequence(?, 'id') as name", [`"${table}"`]),
  );
  return row?.name ?? null;
}
