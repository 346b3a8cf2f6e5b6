/** A device has taken a build once its last byte was sent. The sum of bytes does not tell: it may be the same half twice. */
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
