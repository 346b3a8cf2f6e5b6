/** Most check-ins change only the time. On PostgreSQL their rows get free space, so that such an update writes no index. */
import { setFillFactor } from '../dialect.ts';
import type { Migration } from '../migration.ts';

export const roomForCheckIns: Migration = {
  name: '0022-room-for-check-ins',
  up: db => setFillFactor(db, 'check_ins', 70),
};
