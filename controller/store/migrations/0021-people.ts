/** Sessions of people who sign in at an OpenID provider. All existing sessions end: everybody signs in again. */
import type { Migration } from '../migration.ts';

export const people: Migration = {
  name: '0021-people',
  async up(db) {
    await db.schema.dropTable('sessions');
    await db.schema.createTable('sessions', t => {
      t.increments('id').comment('in the order of signing in');
      t.text('id_sha256').notNullable().unique().comment('of the secret in the cookie');
      t.text('name').notNullable().comment('for display');
      t.text('token_sha256').comment('the admin token it stands on; null for a person');
      t.text('issuer').comment('with the subject, who the person is');
      t.text('subject');
      t.text('groups_json').comment('of the person: those that had a role');
      t.text('form_token').notNullable();
      t.bigInteger('expires_at_ms').notNullable();
      t.index(['expires_at_ms']);
    });
  },
};
