/** The enrolled fleet, read in pages so that other work runs in between. */
import type { DeviceStore, ScannedDevice } from '../ports/index.ts';

const PAGE = 2_000;

export async function* fleetOf(devices: Pick<DeviceStore, 'scan'>): AsyncGenerator<ScannedDevice> {
  let after: string | undefined;
  do {
    const page = await devices.scan({ after, limit: PAGE });
    yield* page;
    after = page.length < PAGE ? undefined : page.at(-1)?.deviceId;
  } while (after !== undefined);
}
