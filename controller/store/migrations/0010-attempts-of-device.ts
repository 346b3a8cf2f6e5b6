/** An index for the earlier reports of one device about a build, which each new report looks up. */
import type { Migration } from '../migration.ts';

export const attemptsOfDevice: Migration = {
  name: '0010-attempts-of-device',
  async up(db) {
    await db.schema.alterTable('attempts', t => {
      t.index(['device_id', 'build_id', 'outcome', 'at_ms']);
    });
  },
};
