/**
 * Makes one table of the destination equal to the source's. Both are read side by side in the order of their key, and
 * only differences are written. So a killed copy is continued by running it again, and the last run is short.
 */
import { createHash } from 'node:crypto';
import type { Knex } from 'knex';
import { type Cursor, compareKeys, cursorOf, PAGE_ROWS, type Row } from './rows.ts';
import type { Table } from './schema.ts';

/** Writes at the destination; each call is its own transaction. */
export interface Writes {
  remove(table: Table, rows: readonly Row[]): Promise<void>;
  add(table: Table, rows: readonly Row[]): Promise<void>;
}

/** The result of a walk. `sha256`: over all rows in the order of their key. */
export interface Walked {
  readonly table: string;
  readonly rows: { readonly source: number; readonly dest: number };
  readonly sha256: { readonly source: string; readonly dest: string };
  /** Rows that the source lacks or that differ from its rows. */
  readonly stray: number;
  /** Rows that the destination lacks. */
  readonly missing: number;
}

/** Each end is read on its own connection. */
interface Ends {
  readonly source: Knex;
  readonly dest: Knex;
}

/**
 * Deletes first and inserts then, because a unique value may have passed from one row to another. Returns the walk that
 * found no difference, or else the last one.
 */
export async function copyTable(ends: Ends, table: Table, writes: Writes, verify: boolean): Promise<Walked> {
  const pruned = await walk(ends, table, { onStray: rows => writes.remove(table, rows) });
  if (pruned.missing === 0 && pruned.stray === 0) return pruned;
  const filled = await walk(ends, table, { onMissing: rows => writes.add(table, rows) });
  return verify ? walk(ends, table, {}) : filled;
}

interface Reactions {
  readonly onStray?: (rows: readonly Row[]) => Promise<void>;
  readonly onMissing?: (rows: readonly Row[]) => Promise<void>;
}

/** Collects rows until a page is full. */
function gathering(react: ((rows: readonly Row[]) => Promise<void>) | undefined) {
  let waiting: Row[] = [];
  let total = 0;
  return {
    add: (row: Row): void => {
      total += 1;
      if (react !== undefined) waiting.push(row);
    },
    flush: async (least: number): Promise<void> => {
      if (react === undefined || waiting.length < least) return;
      const rows = waiting;
      waiting = [];
      for (let at = 0; at < rows.length; at += PAGE_ROWS) await react(rows.slice(at, at + PAGE_ROWS));
    },
    get total() {
      return total;
    },
  };
}

function counting(cursor: Cursor) {
  const hash = createHash('sha256');
  let rows = 0;
  return {
    cursor,
    take: (): Row => {
      const { row } = cursor;
      hash.update(row.text).update('\n');
      rows += 1;
      cursor.advance();
      return row;
    },
    get rows() {
      return rows;
    },
    sha256: () => hash.digest('hex'),
  };
}

async function walk(
  { source, dest }: Ends,
  table: Table,
  { onStray, onMissing }: Reactions,
): Promise<Walked> {
  const theirs = counting(cursorOf(source, table));
  const ours = counting(cursorOf(dest, table));
  const stray = gathering(onStray);
  const missing = gathering(onMissing);
  for (;;) {
    for (const { cursor } of [theirs, ours]) if (cursor.spent) await cursor.load();
    if (theirs.cursor.ended && ours.cursor.ended) break;
    while (atHand(theirs.cursor) && atHand(ours.cursor) && !(theirs.cursor.ended && ours.cursor.ended)) {
      const order = orderOf(theirs.cursor, ours.cursor);
      if (order === 'source') missing.add(theirs.take());
      else if (order === 'dest') stray.add(ours.take());
      else {
        const row = theirs.take();
        const held = ours.take();
        if (row.text === held.text) continue;
        stray.add(held);
        missing.add(row);
      }
    }
    await stray.flush(PAGE_ROWS);
    await missing.flush(PAGE_ROWS);
  }
  await stray.flush(1);
  await missing.flush(1);
  return {
    table: table.name,
    rows: { source: theirs.rows, dest: ours.rows },
    sha256: { source: theirs.sha256(), dest: ours.sha256() },
    stray: stray.total,
    missing: missing.total,
  };
}

const atHand = (cursor: Cursor): boolean => !cursor.spent || cursor.ended;

/** The end whose row comes next; `both` if their keys are equal. */
function orderOf(source: Cursor, dest: Cursor): 'source' | 'dest' | 'both' {
  if (dest.ended) return 'source';
  if (source.ended) return 'dest';
  if (source.row.text === dest.row.text) return 'both';
  const order = compareKeys(source.row.key, dest.row.key);
  return order === 0 ? 'both' : order < 0 ? 'source' : 'dest';
}
