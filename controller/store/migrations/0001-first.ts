/** The first schema. Desired state (from Git) and observed state (devices, outcomes) never share a table. */
import type { Knex } from 'knex';
import { createClustered } from '../dialect.ts';
import type { Migration } from '../migration.ts';

export const first: Migration = {
  name: '0001-first',
  async up(db) {
    await desired(db);
    await effects(db);
    await devices(db);
    await outcomes(db);
    await operators(db);
  },
};

async function desired(db: Knex): Promise<void> {
  await db.schema.createTable('desired', t => {
    t.integer('id').primary().comment('always 1');
    t.text('revision').notNullable();
    t.text('tree_hash').notNullable();
    t.bigInteger('applied_at_ms').notNullable();
    t.text('state').notNullable();
    t.text('clock').notNullable();
  });
  await db.schema.createTable('desired_attempt', t => {
    t.integer('id').primary().comment('always 1');
    t.text('revision').notNullable();
    t.bigInteger('attempted_at_ms').notNullable();
    t.text('problems').notNullable();
  });
  await createClustered(db, 'builds', t => {
    t.text('build_id').primary();
    t.bigInteger('version_code').notNullable();
    t.text('facts').notNullable();
    t.boolean('present').notNullable().comment('its file stands in the applied revision');
  });
}

async function effects(db: Knex): Promise<void> {
  await db.schema.createTable('audit', t => {
    t.increments('id');
    t.bigInteger('at_ms').notNullable().index();
    t.text('actor').notNullable();
    t.text('action').notNullable();
    t.text('subject').notNullable();
    t.text('detail').notNullable();
  });
  await db.schema.createTable('outbox', t => {
    t.increments('id');
    t.text('topic').notNullable();
    t.text('key').notNullable();
    t.text('payload').notNullable();
    t.bigInteger('not_before_ms').notNullable();
    t.integer('attempts').notNullable().defaultTo(0);
    t.bigInteger('created_at_ms').notNullable();
    t.text('cursor');
    t.text('last_code');
    t.bigInteger('gave_up_at_ms');
    t.unique(['topic', 'key']);
  });
  await createClustered(db, 'key_values', t => {
    t.text('key').primary();
    t.text('value').notNullable();
    t.bigInteger('expires_at_ms').index();
  });
  await db.schema.createTable('adoption_samples', t => {
    t.increments('id');
    t.text('build_id').notNullable();
    t.text('revision').notNullable();
    t.bigInteger('at_ms').notNullable().index();
    t.integer('active').notNullable();
    t.integer('running').notNullable();
    t.index(['build_id', 'at_ms']);
  });
}

async function devices(db: Knex): Promise<void> {
  await createClustered(db, 'devices', t => {
    t.text('device_id').primary();
    t.integer('generation').notNullable();
    t.bigInteger('previous_until_ms').notNullable().defaultTo(0);
    t.bigInteger('enrolled_at_ms').notNullable();
    t.bigInteger('revoked_at_ms');
    t.text('token_sha256').comment("another system's bearer token; ours are not stored at all");
    t.integer('token_generation').comment('the generation that token stands for');
    t.unique(['token_sha256'], { predicate: db.whereNotNull('token_sha256') });
  });
  await createClustered(db, 'device_tags', t => {
    t.text('device_id').notNullable().references('devices.device_id').onDelete('CASCADE');
    t.text('tag').notNullable();
    t.primary(['device_id', 'tag']);
    t.index(['tag', 'device_id']);
  });
  await createClustered(db, 'push_tokens', t => {
    t.text('device_id').primary().references('devices.device_id').onDelete('CASCADE');
    t.text('token').notNullable();
  });
  await createClustered(db, 'check_ins', t => {
    t.text('device_id').primary().references('devices.device_id').onDelete('CASCADE');
    t.bigInteger('at_ms').notNullable();
    t.bigInteger('version_code').notNullable();
    t.text('build_id');
    t.integer('sdk');
    t.text('signer');
  });
  await createClustered(db, 'erased_devices', t => {
    t.text('id_sha256').primary();
    t.integer('generation').notNullable();
  });
}

async function outcomes(db: Knex): Promise<void> {
  await db.schema.createTable('attempts', t => {
    t.increments('id');
    t.text('device_id').notNullable().references('devices.device_id').onDelete('CASCADE');
    t.text('request_id').notNullable();
    t.text('build_id').notNullable();
    t.text('outcome').notNullable();
    t.text('reason').notNullable();
    t.text('detail');
    t.bigInteger('version_code').notNullable();
    t.text('timings_ms');
    t.bigInteger('at_ms').notNullable().index();
    t.bigInteger('confirmed_at_ms').comment('a later check said that the build runs');
    t.unique(['device_id', 'request_id', 'build_id']);
    t.index(['build_id', 'outcome', 'reason', 'at_ms', 'confirmed_at_ms']);
  });
  await db.schema.createTable('apk_download_events', t => {
    t.increments('id');
    t.text('device_id').notNullable().references('devices.device_id').onDelete('CASCADE');
    t.text('build_id').notNullable();
    t.text('request_id');
    t.text('source').notNullable();
    t.text('result').notNullable();
    t.integer('status').notNullable();
    t.bigInteger('bytes').notNullable();
    t.bigInteger('at_ms').notNullable().index();
    t.index(['device_id', 'build_id', 'at_ms', 'status']);
    t.index(['build_id', 'result', 'status', 'bytes']);
  });
}

async function operators(db: Knex): Promise<void> {
  await db.schema.createTable('admin_tokens', t => {
    t.text('name').primary();
    t.text('token_sha256').notNullable().unique();
    t.text('scopes').notNullable();
    t.bigInteger('expires_at_ms').notNullable();
    t.bigInteger('revoked_at_ms');
  });
}
