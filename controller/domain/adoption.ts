/** Adoption of a build: the share of active devices that run it (SPEC §1). */
import type { BuildId } from './ids.ts';
import type { Build } from './release.ts';

/** Active devices by the version they reported. */
export interface Running {
  /** Checked in within the window. */
  readonly active: number;
  readonly running: readonly {
    readonly versionCode: number;
    readonly buildId: BuildId | undefined;
    readonly devices: number;
  }[];
}

export interface Adoption {
  readonly buildId: BuildId;
  readonly devices: number;
  readonly activeDevices: number;
  /** 0…1; 0 while no device is active. */
  readonly ratio: number;
  /** Whole percent, rounded down: 100 means every active device. */
  readonly percent: number;
}

/** A device on the same version code counts unless it names another build (SPEC §4). */
export const runsBuild = (
  build: Pick<Build, 'buildId' | 'versionCode'>,
  device: { readonly versionCode: number; readonly buildId?: BuildId | undefined },
): boolean => device.versionCode === build.versionCode && (device.buildId ?? build.buildId) === build.buildId;

export function adoptionOf(
  build: Pick<Build, 'buildId' | 'versionCode'>,
  { active, running }: Running,
): Adoption {
  const devices = running.filter(r => runsBuild(build, r)).reduce((sum, r) => sum + r.devices, 0);
  return {
    buildId: build.buildId,
    devices,
    activeDevices: active,
    ratio: active === 0 ? 0 : devices / active,
    percent: active === 0 ? 0 : Math.floor((devices * 100) / active),
  };
}
