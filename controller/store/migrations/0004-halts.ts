/** What stops a build without a commit, and the devices that are no evidence against it (GATES §5, §6). */
import { createClustered } from '../dialect.ts';
import type { Migration } from '../migration.ts';

export const halts: Migration = {
  name: '0004-halts',
  async up(db) {
    await db.schema.createTable('halts', t => {
      t.increments('id');
      t.text('build_id').notNullable();
      t.text('kind').notNullable();
      t.text('mode').notNullable();
      t.bigInteger('at_ms').notNullable();
      t.text('decided_by').notNullable();
      t.text('reason').notNullable();
      t.text('evidence_json').notNullable();
      t.boolean('declared').notNullable().comment('an applied revision has said the same since');
      t.bigInteger('ended_at_ms');
      t.text('ended_by');
      t.text('end_reason');
      t.text('lift_json').comment('what stood when it was lifted');
      t.index(['build_id', 'ended_at_ms']);
    });
    await createClustered(db, 'evidence_exclusions', t => {
      t.text('build_id').notNullable();
      t.text('device_id').notNullable().references('devices.device_id').onDelete('CASCADE');
      t.bigInteger('at_ms').notNullable();
      t.text('decided_by').notNullable();
      t.primary(['build_id', 'device_id']);
    });
  },
};
