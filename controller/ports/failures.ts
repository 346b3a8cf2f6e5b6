/** Devices on which a build failed. Each is counted once, by its newest failed attempt. */
import type { BuildId, DeviceId } from '../domain/ids.ts';
import type { ResultReason } from '../domain/outcome.ts';

export const FAILURE_GROUPS = ['reason', 'sdk', 'from_version'] as const;
export type FailureGroup = (typeof FAILURE_GROUPS)[number];

export interface FailureQuery {
  readonly buildId: BuildId;
  /** Recognises the build on devices that report no build id. */
  readonly versionCode: number | undefined;
  /** Attempts since then, Unix ms. */
  readonly sinceMs?: number | undefined;
  readonly reason?: ResultReason | undefined;
  /** SDK at the device's last check. */
  readonly sdk?: number | undefined;
  /** The version that ran when the attempt failed. */
  readonly fromVersion?: number | undefined;
}

interface FailureCount {
  /** Undefined if the device did not report it. */
  readonly key: string | number | undefined;
  readonly devices: number;
  /** How many of them run the build now. */
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
  /** The largest groups first, at most 100. */
  count(query: FailureQuery, by: FailureGroup): Promise<FailureCount[]>;
  /** In the order of their ids. */
  devices(
    query: FailureQuery,
    page: { after?: DeviceId | undefined; limit: number },
  ): Promise<FailedDevice[]>;
}
