/** Lets a follower see that the leader has stopped renewing its lease. */
import type { Migration } from '../migration.ts';

export const lease: Migration = {
  name: '0023-lease',
  async up(db) {
    await db.schema.alterTable('leader', t => {
      t.bigInteger('expires_ms')
        .notNullable()
        .defaultTo(0)
        .comment("Unix ms by the database's clock; 0: nobody leads");
    });
  },
};
