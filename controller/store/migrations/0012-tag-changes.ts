/** Records each change of a device's tags from now on. Earlier tags are not known. */

import { createClustered } from '../dialect.ts';
import type { Migration } from '../migration.ts';

export const tagChanges: Migration = {
  name: '0012-tag-changes',
  async up(db, nowMs) {
    await db.schema.createTable('tag_changes', t => {
      t.increments('id');
      t.text('device_id').notNullable().references('devices.device_id').onDelete('CASCADE');
      t.bigInteger('at_ms').notNullable().index();
      t.text('changed_by').notNullable();
      t.text('before').notNullable().comment('the tags in order, a JSON list');
      t.text('after').notNullable();
      t.index(['device_id', 'id']);
    });
    await createClustered(db, 'past_bounds', t => {
      t.text('name').primary();
      t.bigInteger('at_ms').notNullable();
    });
    await db('past_bounds').insert({ name: 'tags_since', at_ms: nowMs });
  },
};
