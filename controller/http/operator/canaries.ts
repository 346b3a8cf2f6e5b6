/** Which devices stop being canaries of the rollout in force because of a change of tags. */
import type { Snapshot } from '../../domain/decision.ts';
import type { DeviceStore, NewDevice } from '../../ports/index.ts';

/** Devices that are canaries now and would not be with the given tags. */
export function lostCanaries(
  snapshot: Snapshot | undefined,
  devices: Pick<DeviceStore, 'auth'>,
  rows: readonly Pick<NewDevice, 'deviceId' | 'tags'>[],
): string[] {
  if (snapshot === undefined || snapshot.canaryTags.size === 0) return [];
  const hasTag = (tags: readonly string[]) => tags.some(tag => snapshot.canaryTags.has(tag));
  return rows.flatMap(({ deviceId, tags }) => {
    if (tags === undefined || snapshot.canaryDevices.has(deviceId) || hasTag(tags)) return [];
    const auth = devices.auth(deviceId);
    return auth !== undefined && !auth.revoked && hasTag(auth.tags) ? [deviceId] : [];
  });
}
