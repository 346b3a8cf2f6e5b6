/** How often each device checks in, so that what was observed outlives a restart. */
import type { Migration } from '../migration.ts';

export const checkInGaps: Migration = {
  name: '0009-check-in-gaps',
  async up(db) {
    await db.schema.alterTable('check_ins', t => {
      t.integer('gap_s').comment('the mean gap between its check-ins, each weighed by its length');
    });
  },
};
