/**
 * Controllers on one PostgreSQL database learn of each other's changes from rows. Triggers write these rows in the
 * transaction of the change, so no statement can forget them. A counter row numbers them: its lock makes the order of
 * numbers the order of commits, which a sequence would not.
 */
import type { Knex } from 'knex';
import { isPostgres } from '../dialect.ts';
import type { Migration } from '../migration.ts';

export const changes: Migration = {
  name: '0025-changes',
  breaks: true,
  async up(db) {
    await db.schema.createTable('changes', t => {
      t.bigInteger('id').primary().comment('of change_counter');
      t.text('topic').notNullable();
      t.text('subject').comment('device_id of a device');
      t.text('detail').comment('JSON; the rows of check_ins');
    });
    await db.schema.createTable('change_counter', t => {
      t.integer('id').primary().comment('always 1');
      t.bigInteger('value').notNullable().comment('the newest id');
      t.bigInteger('pruned').notNullable().comment('ids up to it are deleted');
    });
    await db('change_counter').insert({ id: 1, value: 0, pruned: 0 });
    await db.schema.createTable('leader_requests', t => {
      t.text('id').primary();
      t.text('kind').notNullable();
      t.text('detail').notNullable().comment('JSON');
      t.bigInteger('at_ms').notNullable().comment("Unix ms by the database's clock");
      t.text('answer').comment('JSON; null: not answered yet');
    });
    await db.schema.alterTable('leader', t => {
      t.text('told').comment('JSON: what the leader says of itself to the others');
    });
    await db.schema.alterTable('controllers', t => {
      t.bigInteger('change_id').notNullable().defaultTo(0).comment('the newest change that it has taken in');
      t.bigInteger('clock_off_ms')
        .notNullable()
        .defaultTo(0)
        .comment("how far its clock is ahead of the database's");
    });
    await db.schema.createTable('schema_floor', t => {
      t.integer('id').primary().comment('always 1');
      t.text('migration').notNullable().comment('a version that does not know it may not run here');
    });
    await db('schema_floor').insert({ id: 1, migration: '0025-changes' });
    if (isPostgres(db)) await watchTables(db);
  },
};

/** No changes are noted while a database is being filled, because no controller uses it yet. */
const NOTE = `create function ota_note(noted_topic text, subjects text[], noted_detail text) returns void language plpgsql as $$
declare
  noted bigint := array_length(subjects, 1);
  last bigint;
begin
  if noted is null or exists (select 1 from moves where state = 'arriving') then return; end if;
  update change_counter set value = value + noted where id = 1 returning value into last;
  insert into changes (id, topic, subject, detail)
    select last - noted + given.place, noted_topic, given.subject, noted_detail
    from unnest(subjects) with ordinality as given (subject, place);
end $$`;

/** The devices of the rows that a statement wrote or deleted. */
const NOTE_DEVICES = `create function ota_note_devices() returns trigger language plpgsql as $$
begin
  perform ota_note('device', (select array_agg(distinct device_id) from touched), null);
  return null;
end $$`;

const NOTE_CHECK_INS = `create function ota_note_check_ins() returns trigger language plpgsql as $$
begin
  if exists (select 1 from touched) then
    perform ota_note('check_ins', array[null::text], (
      select json_agg(json_build_array(device_id, at_ms, version_code, build_id, gap_s))::text from touched));
  end if;
  return null;
end $$`;

/** Notes only the topic: followers read the few rows again. */
const NOTE_TOPIC = `create function ota_note_topic() returns trigger language plpgsql as $$
begin
  perform ota_note(tg_argv[0], array[null::text], null);
  return null;
end $$`;

const NOTE_TOMBSTONES = `create function ota_note_tombstones() returns trigger language plpgsql as $$
begin
  if exists (select 1 from touched where key = 'artifacts.tombstones') then
    perform ota_note('tombstones', array[null::text], null);
  end if;
  return null;
end $$`;

const ROWS_OF: Readonly<Record<string, string>> = {
  insert: 'new table as touched',
  update: 'new table as touched',
  delete: 'old table as touched',
};

/** Small tables that every controller holds in memory, and their topics. */
const SMALL_TABLES: readonly (readonly [table: string, topic: string])[] = [
  ['admin_tokens', 'admins'],
  ['desired', 'desired'],
  ['desired_attempt', 'desired'],
  ['halts', 'halts'],
  ['ramps', 'ramps'],
  ['ramp_progress', 'ramps'],
];

async function watchTables(db: Knex): Promise<void> {
  for (const made of [NOTE, NOTE_DEVICES, NOTE_CHECK_INS, NOTE_TOPIC, NOTE_TOMBSTONES]) await db.raw(made);
  const rows = async (table: string, call: string, ...events: string[]): Promise<void> => {
    for (const event of events)
      await db.raw(
        `create trigger ota_note_${event} after ${event} on ${table} referencing ${ROWS_OF[event]}
         for each statement execute function ${call}()`,
      );
  };
  await rows('devices', 'ota_note_devices', 'insert', 'update', 'delete');
  await rows('device_tags', 'ota_note_devices', 'insert', 'delete');
  await rows('check_ins', 'ota_note_check_ins', 'insert', 'update');
  await rows('key_values', 'ota_note_tombstones', 'insert', 'update');
  for (const [table, topic] of SMALL_TABLES)
    await db.raw(
      `create trigger ota_note_change after insert or update or delete on ${table}
       for each statement execute function ota_note_topic('${topic}')`,
    );
  await db.raw(
    `create trigger ota_note_change after insert on leader_requests
     for each statement execute function ota_note_topic('requests')`,
  );
}
