/** Devices on which a build failed: each counts once, by its newest failed attempt. */
import type { BuildId, DeviceId } from '../domain/ids.ts';
import type { ResultReason } from '../domain/outcome.ts';

export const FAILURE_GROUPS = ['reason', 'sdk', 'from_version'] as const;
export type FailureGroup = (typeof FAILURE_GROUPS)[number];

export interface FailureQuery {
  readonly buildId: BuildId;
  /** Tells a device that names no build but runs this version. */
  readonly versionCode: number | undefined;
  /** Attempts since then, Unix ms. */
  readonly sinceMs?: number | undefined;
  readonly reason?: ResultReason | undefined;
  /** By the device's last check. */
  readonly sdk?: number | undefined;
  /** What ran when it failed. */
  readonly fromVersion?: number | undefined;
}

interface FailureCount {
  /** Undefined where the device did not say. */
  readonly key: string | number | undefined;
  readonly devices: number;
  /** Of them, those that run the build by now. */
  readonly recovered: number;
}

export interface FailedDevice {
  readonly deviceId: DeviceId;
  readonly reason: ResultReason;
  readonly detail: string | undefined;
  readonly sdk: number | undefined;
  readonly fromVersion: number;
  readonly atMs: number;
  readonly recovered: boolean;
}

export interface FailureStore {
  /** The groups with the most devices first, at most 100 of them. */
  count(query: FailureQuery, by: FailureGroup): Promise<FailureCount[]>;
  /** In the order of their ids. */
  devices(
    query: FailureQuery,
    page: { after?: DeviceId | undefined; limit: number },
  ): Promise<FailedDevice[]>;
}
