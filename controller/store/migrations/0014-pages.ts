/**
 * Tables for the pages: revisions with their plan or problems, hourly adoption of every build, and devices by the build
 * they run. Earlier revisions are taken from the audit.
 */
import { createClustered } from '../dialect.ts';
import type { Migration } from '../migration.ts';

export const pages: Migration = {
  name: '0014-pages',
  async up(db) {
    await db.schema.createTable('revisions', t => {
      t.increments('id');
      t.text('revision').notNullable();
      t.text('kind').notNullable().comment('applied or refused');
      t.bigInteger('at_ms').notNullable();
      t.text('build_id').comment('its current; null where none could be read');
      t.text('detail').notNullable();
      t.index(['revision']);
    });
    await db.raw(`insert into revisions (revision, kind, at_ms, build_id, detail)
      select substr(actor, 5), 'applied', at_ms, subject, detail
      from audit where action = 'apply' and actor like 'git:%' order by id`);
    await createClustered(db, 'adoption_hours', t => {
      t.bigInteger('hour_ms').notNullable().comment('when the hour began');
      t.text('build').notNullable().comment('a build id, or code:<version_code> where a device named none');
      t.integer('running').notNullable();
      t.primary(['hour_ms', 'build']);
    });
    await db.schema.alterTable('check_ins', t => {
      t.index(['version_code', 'device_id']);
    });
  },
};
