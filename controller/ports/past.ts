/** The past: what the store recorded, and what follows from it for one device at one moment. */
import type { Halt } from '../domain/halt.ts';
import type { BuildId, DeviceId, Revision } from '../domain/ids.ts';
import type { PastStep, World } from '../domain/past.ts';
import type { DeviceRow } from './devices.ts';

export interface PastStore {
  /** The revision in force at that time. Undefined if there was none or its row is gone. */
  applied(atMs: number): Promise<{ readonly revision: Revision; readonly appliedAtMs: number } | undefined>;
  /** The newest row about the ramp of that build between the two times, both included. */
  step(buildId: BuildId, fromMs: number, atMs: number): Promise<PastStep | undefined>;
  /** The halts of the build at that time. */
  halts(buildId: BuildId, atMs: number): Promise<Halt[]>;
  /** The tags of the device at that time. Undefined if changes were not recorded yet or have been deleted. */
  tags(deviceId: DeviceId, atMs: number): Promise<readonly string[] | undefined>;
  /** The version in the device's last report up to that time. */
  reported(
    deviceId: DeviceId,
    atMs: number,
  ): Promise<{ readonly versionCode: number; readonly atMs: number } | undefined>;
  /** `tagsSinceMs`: since when changes of tags are recorded; `prunedBeforeMs`: up to when retention has deleted rows. */
  bounds(): Promise<{ readonly tagsSinceMs: number; readonly prunedBeforeMs: number }>;
}

export interface Past {
  /** Undefined if no revision was in force or it is not known which one. */
  readonly revision: Revision | undefined;
  readonly appliedAtMs: number | undefined;
  /** Undefined if not known. */
  readonly tags: readonly string[] | undefined;
  readonly installed: { readonly versionCode: number; readonly atMs: number } | undefined;
  readonly verdict: PastStep['verdict'];
  /** All states that were possible. Empty if the files of the revision cannot be read. */
  readonly worlds: readonly World[];
  /** Complete sentences for people: what is not known, and since when it is recorded. */
  readonly notKnown: readonly string[];
}

export interface PastSource {
  /** Rejects only with faults of the store. What the source cannot provide is listed in `notKnown`. */
  at(device: DeviceRow, atMs: number): Promise<Past>;
}
