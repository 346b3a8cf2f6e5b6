/** People who are signed in to the pages. */
import type { Migration } from '../migration.ts';

export const sessions: Migration = {
  name: '0016-sessions',
  async up(db) {
    await db.schema.createTable('sessions', t => {
      t.increments('id').comment('in the order of signing in');
      t.text('id_sha256').notNullable().unique().comment('of the secret in the cookie');
      t.text('token_sha256').notNullable().comment('the admin token it stands on');
      t.text('name').notNullable();
      t.text('actor').notNullable();
      t.text('abilities').notNullable().comment('JSON list');
      t.text('form_token').notNullable();
      t.bigInteger('expires_at_ms').notNullable();
      t.index(['expires_at_ms']);
    });
  },
};
