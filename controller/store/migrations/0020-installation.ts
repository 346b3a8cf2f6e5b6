/** Which installation the database belongs to, and where it went when it was moved (docs/postgresql.md). */
import { createClustered, randomHex } from '../dialect.ts';
import type { Migration } from '../migration.ts';

export const installation: Migration = {
  name: '0020-installation',
  async up(db) {
    await createClustered(db, 'installation', t => {
      t.text('name').primary();
      t.text('value').notNullable();
    });
    await db('installation').insert({ name: 'id', value: db.raw(randomHex(db)) });
    await db.schema.createTable('moves', t => {
      t.integer('id').primary().comment('always 1; no row: it was never moved');
      t.text('state').notNullable().comment('arriving, leaving or moved');
      t.text('installation').notNullable().comment('the id of the installation that moves');
      t.text('ticket').notNullable().comment('of this move: source and destination hold the same');
      t.text('place').notNullable().comment('the other end, without a password');
      t.integer('run').notNullable().comment('which run of the copy may write');
      t.bigInteger('at_ms').notNullable();
    });
  },
};
