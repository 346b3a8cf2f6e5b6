/** What operators look at: revisions by their audit rows, and failures of a build by device. */
import type { Migration } from '../migrate.ts';

export const looking: Migration = {
  name: '0011-looking',
  async up(db) {
    await db.schema.alterTable('audit', t => {
      t.index(['action', 'id']);
    });
    await db.schema.alterTable('attempts', t => {
      t.index(['build_id', 'outcome', 'device_id', 'at_ms']);
    });
  },
};
