/** Each report looks at what its device has reported of the build before: in this index, not among those of the fleet. */
import type { Migration } from '../migration.ts';

export const attemptsOfDevice: Migration = {
  name: '0010-attempts-of-device',
  async up(db) {
    await db.schema.alterTable('attempts', t => {
      t.index(['device_id', 'build_id', 'outcome', 'at_ms']);
    });
  },
};
