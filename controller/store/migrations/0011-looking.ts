/** Indexes for what operators look up: revisions by audit rows, failures of a build by device, and APKs that are in use. */
import type { Migration } from '../migration.ts';

export const looking: Migration = {
  name: '0011-looking',
  async up(db) {
    await db.schema.alterTable('audit', t => {
      t.index(['action', 'id']);
    });
    await db.schema.alterTable('desired_attempt', t => {
      t.text('artifacts').comment('the APKs that its build files name');
    });
    await db.schema.alterTable('attempts', t => {
      t.index(['build_id', 'outcome', 'device_id', 'at_ms']);
    });
  },
};
