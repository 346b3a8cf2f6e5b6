/**
 * The only file that knows how SQLite and PostgreSQL differ in the statements of callers. Everything else is Knex or
 * SQL that both understand (`insert … select … on conflict do update`, `update … from`).
 */
import type { Knex } from 'knex';

export type Cell = string | number | null;
/** A query is inserted as a subquery, in parentheses. */
type Binding = Cell | Knex.QueryBuilder;

/** How many rows go into one statement: small enough that building its input never holds the event loop up for long. */
const ROWS_PER_STATEMENT = 2_000;

export interface Rows {
  /** A table expression with these columns; give it an alias. */
  readonly sql: string;
  readonly bindings: readonly string[];
}

export const isPostgres = (db: Knex): boolean => db.client.config.client === 'pg';

/** The database's own clock, Unix ms, on which all controllers agree. It advances within a transaction. */
export async function clockMs(db: Knex): Promise<number> {
  const now = isPostgres(db)
    ? '(extract(epoch from clock_timestamp()) * 1000)::bigint'
    : "cast((julianday('now') - 2440587.5) * 86400000 as integer)";
  const [row] = await rowsOf<{ now_ms: number }>(db.raw(`select ${now} as now_ms`));
  if (row === undefined) throw new Error('assertion: the database has a clock');
  return Number(row.now_ms);
}

/** How long this transaction has waited and run so far, ms. 0 on SQLite, which has no other writer. */
export async function transactionAgeMs(trx: Knex): Promise<number> {
  if (!isPostgres(trx)) return 0;
  const age = '(extract(epoch from clock_timestamp() - transaction_timestamp()) * 1000)::bigint';
  const [row] = await rowsOf<{ age_ms: number }>(trx.raw(`select ${age} as age_ms`));
  return Number(row?.age_ms ?? 0);
}

/** A column has the same type in every table; the default is text. */
const TYPES: Readonly<Record<string, 'bigint' | 'boolean'>> = {
  at_ms: 'bigint',
  enrolled_at_ms: 'bigint',
  first_at_ms: 'bigint',
  gap_s: 'bigint',
  generation: 'bigint',
  hour_ms: 'bigint',
  present: 'boolean',
  running: 'bigint',
  sdk: 'bigint',
  token_generation: 'bigint',
  token_issued_at_ms: 'bigint',
  version_code: 'bigint',
};

/**
 * Many rows as one table expression: a bulk statement costs one round trip and one plan. SQLite reads them from one JSON
 * text, PostgreSQL from one array a column.
 */
export function rowsIn(db: Knex, columns: readonly string[], rows: readonly (readonly Cell[])[]): Rows {
  if (!isPostgres(db)) {
    const picked = columns.map((column, at) => `json_extract(value, '$[${at}]') as ${column}`).join(', ');
    return { sql: `(select ${picked} from json_each(?))`, bindings: [JSON.stringify(rows)] };
  }
  const arrays = columns.map(column => `?::${TYPES[column] ?? 'text'}[]`).join(', ');
  return {
    sql: `(select * from unnest(${arrays}) as given (${columns.join(', ')}))`,
    bindings: columns.map((_, at) => arrayOf(rows, at)),
  };
}

/**
 * One column as the text of an array (PostgreSQL 8.15.6). The driver would check the type of each cell, which costs
 * more than the database needs to read it.
 */
function arrayOf(rows: readonly (readonly Cell[])[], at: number): string {
  let text = '';
  for (const row of rows) text += `,${cellOf(row[at] ?? null)}`;
  return `{${text.slice(1)}}`;
}

const cellOf = (cell: Cell): string =>
  typeof cell === 'string' ? `"${cell.replace(/["\\]/g, '\\$&')}"` : String(cell ?? 'NULL');

/** Texts as a table expression of one column `value`. */
export const valuesIn = (db: Knex, values: readonly string[]): Rows =>
  rowsIn(
    db,
    ['value'],
    values.map(v => [v]),
  );

/**
 * A whole result as one JSON text in the column `rows`: an array of arrays with these columns, in the order of the query;
 * null for an empty one on PostgreSQL. `rest`: the query from its `from` on.
 */
export function jsonRows(
  db: Knex,
  columns: readonly string[],
  rest: string,
  bindings: readonly Binding[],
): { readonly sql: string; readonly bindings: Binding[] } {
  const named = columns.map((column, at) => `${column} as c${at}`).join(', ');
  const picked = columns.map((_, at) => `c${at}`).join(', ');
  const rows = isPostgres(db)
    ? `json_agg(json_build_array(${picked}))::text`
    : `json_group_array(json_array(${picked}))`;
  return { sql: `select ${rows} as rows from (select ${named} ${rest}) as picked`, bindings: [...bindings] };
}

/** The rows of a raw query: SQLite's driver gives them as they are, PostgreSQL's inside a result. */
export const rowsOf = async <T>(query: PromiseLike<unknown>): Promise<T[]> => {
  const result = (await query) as T[] | { readonly rows: T[] };
  return Array.isArray(result) ? result : result.rows;
};

/** `rows` in pieces of at most `size`. */
export function* pieces<T>(rows: readonly T[], size: number = ROWS_PER_STATEMENT): Generator<readonly T[]> {
  for (let at = 0; at < rows.length; at += size) yield rows.slice(at, at + size);
}

/** Runs one bulk statement a piece; `sql` gets the table expression. Returns all rows that came back. */
export async function bulk<T>(
  trx: Knex,
  columns: readonly string[],
  rows: readonly (readonly Cell[])[],
  sql: (input: string) => string,
): Promise<T[]> {
  const found: T[] = [];
  for (const piece of pieces(rows)) {
    const input = rowsIn(trx, columns, piece);
    for (const row of await rowsOf<T>(trx.raw(sql(input.sql), input.bindings))) found.push(row);
  }
  return found;
}

/** An expression by which the database makes 32 random hex digits. */
export const randomHex = (db: Knex): string =>
  isPostgres(db) ? "replace(gen_random_uuid()::text, '-', '')" : 'lower(hex(randomblob(16)))';

/**
 * Leaves free space in each page of a table whose rows change often. The next version of a row then fits beside it, and
 * the indexes do not change (PostgreSQL's HOT). SQLite writes rows in place.
 */
export async function setFillFactor(db: Knex, table: string, filledPercent: number): Promise<void> {
  if (isPostgres(db)) await db.raw(`alter table ?? set (fillfactor = ${filledPercent})`, [table]);
}

/**
 * Creates a table whose rows live in its primary key where the engine can do so (SQLite): reading a fleet in id order,
 * and finding one device, is then one tree walk instead of two.
 */
export async function createClustered(
  db: Knex,
  table: string,
  build: (t: Knex.CreateTableBuilder) => void,
): Promise<void> {
  if (isPostgres(db)) return db.schema.createTable(table, build);
  for (const { sql } of db.schema.createTable(table, build).toSQL() as readonly { sql: string }[])
    await db.raw(sql.startsWith('create table') ? `${sql} without rowid` : sql);
}
