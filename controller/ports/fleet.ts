/** The whole enrolled fleet, a page at a time. */
import type { DeviceId } from '../domain/ids.ts';
import type { DeviceStore, ScannedDevice } from './devices.ts';

const PAGE = 2_000;

/** Every enrolled device that is not revoked, in id order; other work runs between the pages. */
export async function* fleetOf(devices: Pick<DeviceStore, 'scan'>): AsyncGenerator<ScannedDevice> {
  let after: DeviceId | undefined;
  do {
    const page = await devices.scan({ after, limit: PAGE });
    yield* page;
    after = page.length < PAGE ? undefined : page.at(-1)?.deviceId;
  } while (after !== undefined);
}
