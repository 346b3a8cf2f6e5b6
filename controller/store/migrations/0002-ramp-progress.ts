/**
 * Ramps keep rows of their progress (SPEC §2 "Ramp"); `desired.clock` is read once more and then stays empty. Every
 * build that was current is remembered, so that going back to it is told from going forward.
 */
import { createClustered } from '../dialect.ts';
import type { Migration } from '../migration.ts';

export const rampProgress: Migration = {
  name: '0002-ramp-progress',
  async up(db) {
    await createClustered(db, 'ramps', t => {
      t.bigInteger('ramp_id').primary();
      t.text('build_id').notNullable();
      t.bigInteger('begins_at_ms').notNullable();
      t.integer('step').notNullable().comment('the highest step that was entered; -1: none yet');
      t.bigInteger('served_ms').notNullable();
      t.boolean('standing').notNullable();
    });
    await createClustered(db, 'ramp_progress', t => {
      t.bigInteger('ramp_id').notNullable();
      t.integer('step').notNullable();
      t.float('percent').comment('null: no step was entered yet');
      t.bigInteger('entered_at_ms').notNullable();
      t.bigInteger('exposure_ms').notNullable();
      t.text('verdict');
      t.text('evidence_json');
      t.bigInteger('decided_at_ms');
      t.text('decided_by');
      t.primary(['ramp_id', 'step']);
    });
    await createClustered(db, 'promoted', t => {
      t.text('build_id').primary();
      t.bigInteger('first_at_ms').notNullable().comment('when it first became current here');
    });
    await db.raw(`insert into promoted (build_id, first_at_ms)
      select subject, min(at_ms) from audit where action = 'apply' group by subject`);
  },
};
