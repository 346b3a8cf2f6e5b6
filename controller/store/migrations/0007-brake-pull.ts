/** The pull request that brings a halt into the YAML. */
import type { Migration } from '../migration.ts';

export const brakePull: Migration = {
  name: '0007-brake-pull',
  async up(db) {
    await db.schema.alterTable('halts', t => {
      t.text('pull_url');
    });
  },
};
