/** Who may write what only one controller decides: progress of ramps, halts, and the applied state (GATES §5). */
import type { Migration } from '../migration.ts';

export const leader: Migration = {
  name: '0006-leader',
  async up(db) {
    await db.schema.createTable('leader', t => {
      t.integer('id').primary().comment('always 1');
      t.bigInteger('epoch').notNullable().comment('rises each time that somebody takes over');
    });
    await db('leader').insert({ id: 1, epoch: 0 });
  },
};
