/**
 * Reads the list of tables from the database itself, so that tables of later migrations are copied without a change
 * here.
 */
import type { Knex } from 'knex';
import { isPostgres, rowsOf } from '../dialect.ts';

/** `flag`: 0 and 1 in SQLite, a boolean in PostgreSQL. */
type Kind = 'text' | 'whole' | 'real' | 'flag';

export interface Column {
  readonly name: string;
  readonly kind: Kind;
}

export interface Table {
  readonly name: string;
  readonly columns: readonly Column[];
  /** The columns of its primary key, in their order. */
  readonly key: readonly string[];
  readonly parents: readonly string[];
}

/** Tables that belong to the database itself, not to the installation in it. */
export const LEFT_OUT: Readonly<Record<string, string>> = {
  schema_floor: 'goes with the migrations',
  schema_migrations: 'each database is migrated by itself',
  schema_migrations_lock: 'the same',
  leader_requests: 'what controllers ask of the one that leads',
  change_counter: 'numbers the changes',
  changes: 'what the controllers here have not taken in yet',
  controllers: 'who is here now; the new place has controllers of its own',
  leader: 'who writes here; the controller that starts on the new database takes over there',
  moves: 'the marks of the copy itself',
};

const KINDS: Readonly<Record<string, Kind>> = {
  text: 'text',
  integer: 'whole',
  bigint: 'whole',
  boolean: 'flag',
  float: 'real',
  real: 'real',
};

interface Found {
  readonly table_name: string;
  readonly column_name: string;
  readonly type: string;
  /** The column's position in the primary key, from 1; 0 if it is not part of it. */
  readonly key_place: number;
}

const SQLITE = `select m.name as table_name, c.name as column_name, lower(c.type) as type, c.pk as key_place
  from sqlite_schema m join pragma_table_info(m.name) c
  where m.type = 'table' and m.name not like 'sqlite~_%' escape '~' order by m.name, c.name`;
const SQLITE_PARENTS = `select m.name as child, f."table" as parent
  from sqlite_schema m join pragma_foreign_key_list(m.name) f where m.type = 'table'`;

const POSTGRES = `select t.relname as table_name, a.attname as column_name, format_type(a.atttypid, null) as type,
    coalesce(array_position(i.indkey::int2[], a.attnum) + 1, 0) as key_place
  from pg_class t join pg_attribute a on a.attrelid = t.oid and a.attnum > 0 and not a.attisdropped
  left join pg_index i on i.indrelid = t.oid and i.indisprimary
  where t.relkind = 'r' and t.relnamespace = current_schema()::regnamespace
  order by t.relname collate "C", a.attname collate "C"`;
const POSTGRES_PARENTS = `select c.conrelid::regclass::text as child, c.confrelid::regclass::text as parent
  from pg_constraint c where c.contype = 'f' and c.connamespace = current_schema()::regnamespace`;

/** All tables to copy, each after the tables that its rows refer to. */
export async function tablesOf(db: Knex): Promise<Table[]> {
  const [columns, parents] = isPostgres(db) ? [POSTGRES, POSTGRES_PARENTS] : [SQLITE, SQLITE_PARENTS];
  const found = await rowsOf<Found>(db.raw(columns));
  const links = await rowsOf<{ child: string; parent: string }>(db.raw(parents));
  const names = [...new Set(found.map(f => f.table_name))].filter(name => !(name in LEFT_OUT));
  return parentsFirst(
    names.map(name => ({
      ...tableOf(
        name,
        found.filter(f => f.table_name === name),
      ),
      parents: [...new Set(links.filter(l => l.child === name && l.parent !== name).map(l => l.parent))],
    })),
  );
}

function tableOf(name: string, columns: readonly Found[]): Omit<Table, 'parents'> {
  const key = columns
    .filter(c => c.key_place > 0)
    .sort((a, b) => a.key_place - b.key_place)
    .map(c => c.column_name);
  if (key.length === 0) throw new Error(`assertion: the table ${name} has no primary key to copy it by`);
  return { name, key, columns: columns.map(c => ({ name: c.column_name, kind: kindOf(name, c) })) };
}

function kindOf(table: string, { column_name, type }: Found): Kind {
  const kind = KINDS[type];
  if (kind === undefined)
    throw new Error(`assertion: ${table}.${column_name} is a ${type}: say how to copy it`);
  return kind;
}

function parentsFirst(tables: readonly Table[]): Table[] {
  const placed: Table[] = [];
  for (let rest = [...tables]; rest.length > 0; ) {
    const free = rest.filter(t => t.parents.every(p => placed.some(q => q.name === p)));
    if (free.length === 0) throw new Error('assertion: tables refer to each other in a circle');
    placed.push(...free);
    rest = rest.filter(t => !free.includes(t));
  }
  return placed;
}
