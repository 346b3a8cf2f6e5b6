/** Counts of results by erased devices for each build, without device ids, so that erasing a device does not change evidence. */
import { createClustered } from '../dialect.ts';
import type { Migration } from '../migration.ts';

export const evidenceTally: Migration = {
  name: '0005-evidence-tally',
  async up(db) {
    await createClustered(db, 'evidence_tally', t => {
      t.text('build_id').notNullable();
      t.text('class').notNullable().comment('ran, a final outcome’s reason, or taken');
      t.integer('devices').notNullable();
      t.primary(['build_id', 'class']);
    });
  },
};
