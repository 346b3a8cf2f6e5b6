/** Lists the controllers on this database and which one leads, for people to see. */
import type { Migration } from '../migration.ts';

export const controllers: Migration = {
  name: '0024-controllers',
  async up(db) {
    await db.schema.createTable('controllers', t => {
      t.text('id').primary().comment('random, of one process');
      t.text('host').notNullable();
      t.text('version').notNullable();
      t.text('role').notNullable().comment('leads or follows');
      t.bigInteger('seen_ms').notNullable().comment("Unix ms by the database's clock");
    });
  },
};
