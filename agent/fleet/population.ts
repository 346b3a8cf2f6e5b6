/** Properties and behaviour of a fleet's devices, drawn per device from its own seeded random stream. */

import { MINUTE_MS } from '../../controller/domain/duration.ts';
import type { Clock } from '../ports.ts';
import type { Random } from '../random.ts';
import { seededRandom } from '../random.ts';
import type { Conditions } from '../readings.ts';
import type { SimulatedDevice } from '../simulated/device.ts';
import { type FleetDevice, randomOf } from './member.ts';

/** Shares are 0…1 of devices, or of time where a device changes. */
export interface Profile {
  /** Share of time on unmetered Wi-Fi. */
  readonly wifi: number;
  /** Share of devices that are always plugged in. */
  readonly plugged: number;
  /** Share of time in a call. */
  readonly calls: number;
  /** Share of installs that the package manager refuses. */
  readonly installFailures: number;
  /** Share of devices whose agent is killed by its own update. */
  readonly dies: number;
}

export const REALISTIC: Profile = { wifi: 0.8, plugged: 0.3, calls: 0.02, installFailures: 0.01, dies: 0.5 };
const SPELL_MS = 2 * 60 * MINUTE_MS;
const CALL_MS = 5 * MINUTE_MS;
const FULL_CHARGE_MS = 16 * 60 * MINUTE_MS;

/** The initial conditions of a device, and whether an update kills its agent. */
export function settle(device: FleetDevice, profile: Profile, seed: number): FleetDevice {
  const random = seededRandom(Math.floor(randomOf(seed, `${device.deviceId} at first`)() * 2 ** 32));
  return {
    ...device,
    conditions: firstConditions(profile, random),
    selfUpdate: random() < profile.dies ? 'die' : 'survive',
  };
}

function firstConditions(profile: Profile, random: Random): Conditions {
  const plugged = random() < profile.plugged;
  return {
    unmeteredWifi: random() < profile.wifi,
    batteryPercent: plugged ? 100 : Math.floor(random() * 101),
    charging: plugged,
    inCall: random() < profile.calls,
  };
}

/**
 * Makes the given share of installs fail. Drawn at each install from a separate stream, so the share does not depend on
 * how long a device waits.
 */
export function failInstalls(
  device: SimulatedDevice,
  deviceId: string,
  profile: Profile,
  seed: number,
): void {
  const installs = randomOf(seed, `${deviceId} installs`);
  device.drawFaults(() =>
    installs() < profile.installFailures ? { code: 'INSTALL_FAILED_INTERNAL_ERROR' } : undefined,
  );
}

/** Lets a device live: Wi-Fi and calls come and go, the battery drains and is charged. Returns a function to stop. */
export function simulateConditions(
  device: SimulatedDevice,
  deviceId: string,
  profile: Profile,
  seed: number,
  clock: Clock,
): () => void {
  const random = randomOf(seed, `${deviceId} later`);
  const cancels = new Map<string, () => void>();
  const again = (name: string, meanMs: number, act: () => void) => {
    const delayMs = -Math.log(1 - random()) * meanMs;
    cancels.set(
      name,
      clock.timer(delayMs, () => {
        act();
        again(name, meanMs, act);
      }),
    );
  };
  again('wifi', SPELL_MS, () => device.set({ unmeteredWifi: random() < profile.wifi }));
  if (profile.calls > 0) again('call', CALL_MS, () => device.set({ inCall: random() < profile.calls }));
  if (random() >= profile.plugged)
    again('battery', FULL_CHARGE_MS / 8, () => device.set({ batteryPercent: Math.floor(random() * 101) }));
  return () => {
    for (const cancel of cancels.values()) cancel();
  };
}
