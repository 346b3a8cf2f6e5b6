/** A download that the object store serves has no byte count here, and is charged what was asked for. */
import type { Migration } from '../migration.ts';

export const redirects: Migration = {
  name: '0026-redirects',
  async up(db) {
    await db.schema.alterTable('apk_download_events', t => {
      t.bigInteger('charged').comment('bytes that count against the daily cap of a redirect; null: bytes');
    });
  },
};
