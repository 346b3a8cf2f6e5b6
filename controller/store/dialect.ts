/**
 * The one file that knows how SQLite differs from PostgreSQL in the statements that callers run. All else is Knex or
 * SQL that both understand (`insert … select … on conflict do update`, `update … from`).
 *
 * For PostgreSQL: `createClustered` is a plain `createTable`; `rowsIn` becomes `(select * from unnest(?::text[], ?::bigint[], …) as t(a, b, …))` with one array
 * a column, `jsonRows` becomes `json_agg(json_build_array(…))`, and `pg.types.setTypeParser(20, Number)` reads `bigint` milliseconds as numbers.
 */
import type { Knex } from 'knex';

export type Cell = string | number | null;

/** How many rows go into one statement: small enough that building its JSON never holds the event loop up for long. */
const ROWS_PER_STATEMENT = 2_000;

export interface Rows {
  /** A table expression with these columns; give it an alias. */
  readonly sql: string;
  readonly binding: string;
}

/** Many rows as one binding: a bulk statement costs one round trip and one plan. */
export function rowsIn(columns: readonly string[], rows: readonly (readonly Cell[])[]): Rows {
  const picked = columns.map((column, at) => `json_extract(value, '$[${at}]') as ${column}`).join(', ');
  return { sql: `(select ${picked} from json_each(?))`, binding: JSON.stringify(rows) };
}

/**
 * A whole result as one JSON text in the column `rows`: an array of arrays with these columns, in the order of the query.
 * `rest`: the query from its `from` on.
 */
export function jsonRows(
  columns: readonly string[],
  rest: string,
  bindings: readonly Cell[],
): { readonly sql: string; readonly bindings: Cell[] } {
  const named = columns.map((column, at) => `${column} as c${at}`).join(', ');
  const picked = columns.map((_, at) => `c${at}`).join(', ');
  return {
    sql: `select json_group_array(json_array(${picked})) as rows from (select ${named} ${rest})`,
    bindings: [...bindings],
  };
}

/** The rows of a raw query. */
export const rowsOf = async <T>(query: PromiseLike<unknown>): Promise<T[]> => (await query) as T[];

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
    const input = rowsIn(columns, piece);
    for (const row of await rowsOf<T>(trx.raw(sql(input.sql), [input.binding]))) found.push(row);
  }
  return found;
}

/**
 * Creates a table whose rows live in its primary key: reading a fleet in id order, and finding one device, is then
 * one tree walk instead of two.
 */
export async function createClustered(
  db: Knex,
  table: string,
  build: (t: Knex.CreateTableBuilder) => void,
): Promise<void> {
  for (const { sql } of db.schema.createTable(table, build).toSQL() as readonly { sql: string }[])
    await db.raw(sql.startsWith('create table') ? `${sql} without rowid` : sql);
}
