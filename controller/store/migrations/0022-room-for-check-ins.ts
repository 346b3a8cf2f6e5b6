/** Most check-ins say what the one before said: on PostgreSQL their rows get room, so that no index is written for them. */
import { setFillFactor } from '../dialect.ts';
import type { Migration } from '../migration.ts';

export const roomForCheckIns: Migration = {
  name: '0022-room-for-check-ins',
  up: db => setFillFactor(db, 'check_ins', 70),
};
