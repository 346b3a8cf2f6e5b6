/** Applies to memory what other controllers on this database have changed of devices, and the checks that they answered. */

import type { CheckIns } from './check-ins.ts';
import type { Db } from './db.ts';
import type { Memory, NotedCheckIn } from './feed.ts';
import { refreshDevices } from './load-registry.ts';
import type { Registry } from './registry.ts';

/** `upSinceMs`: when this controller began to receive checks. */
export const deviceMemory = (
  db: Db,
  registry: Registry,
  checkIns: CheckIns,
  upSinceMs: number,
): Pick<Memory, 'devices' | 'checkIns'> => ({
  devices: async ids => {
    for (const deviceId of await refreshDevices({ read: db.readNow }, registry, ids))
      checkIns.forget(deviceId);
  },
  checkIns: rows => {
    for (const row of rows) noteSeen(registry, row, upSinceMs);
  },
});

/** Our own check-ins also arrive here, but are known already. */
function noteSeen(
  registry: Registry,
  [deviceId, atMs, versionCode, buildId]: NotedCheckIn,
  upSinceMs: number,
): void {
  if (atMs <= registry.seenMs(deviceId)) return;
  registry.seen({ deviceId, atMs, versionCode, buildId: buildId ?? undefined }, upSinceMs);
}
