/** A fleet of simulated devices against a running controller, for journeys. */
import { Fleet, type FleetDevice } from '../../agent/fleet/fleet.ts';
import type { Journey } from './controller.ts';

/** Enrols `ids` and starts nothing: `fleet.start()` is the first poll. Devices run b41 unless told otherwise. */
export async function withFleet(
  journey: Journey,
  ids: readonly string[],
  use: (fleet: Fleet) => Promise<void>,
  device: Partial<FleetDevice> & { tags?: readonly string[] } = {},
): Promise<void> {
  const { tags = [], ...over } = device;
  const enrolled = await journey.enrol(ids, tags);
  const fleet = new Fleet({
    url: journey.url,
    seed: 7,
    devices: enrolled.map(d => ({
      deviceId: d.device_id,
      token: d.token,
      nudgeKey: Buffer.from(d.nudge_key, 'base64'),
      versionCode: 41,
      buildId: 'b41',
      signer: journey.builds.b41.build.signerFingerprint,
      mayDowngrade: true,
      ...over,
    })),
  });
  try {
    await use(fleet);
  } finally {
    await fleet.stop();
  }
}

export const running = (fleet: Fleet, versionCode: number): string[] =>
  fleet
    .devices()
    .filter(d => d.versionCode === versionCode)
    .map(d => d.deviceId)
    .sort();

export const deviceIds = (count: number, kind = 'tablet'): string[] =>
  Array.from({ length: count }, (_, i) => `${kind}-${i}`);
