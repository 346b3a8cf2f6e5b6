/** A device took a build when it was sent the last byte of it: the sum of what it was sent may be the same half twice. */
import type { Migration } from '../migration.ts';

export const lastByte: Migration = {
  name: '0008-last-byte',
  async up(db) {
    await db.schema.alterTable('apk_download_events', t => {
      t.boolean('last_byte').comment(
        'all that was asked for was sent, the last byte included; null: not recorded',
      );
    });
  },
};
