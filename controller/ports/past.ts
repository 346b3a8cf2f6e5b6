/** What was: kept by the store as it happened, and put together for one device and one moment. */
import type { Halt } from '../domain/halt.ts';
import type { BuildId, DeviceId, Revision } from '../domain/ids.ts';
import type { PastStep, World } from '../domain/past.ts';
import type { DeviceRow } from './devices.ts';

export interface PastStore {
  /** The revision that was in force; undefined: none was, or its row is gone. */
  applied(atMs: number): Promise<{ readonly revision: Revision; readonly appliedAtMs: number } | undefined>;
  /** The newest row about the ramp of that build within those moments, both included. */
  step(buildId: BuildId, fromMs: number, atMs: number): Promise<PastStep | undefined>;
  /** What stopped the build then. */
  halts(buildId: BuildId, atMs: number): Promise<Halt[]>;
  /** The tags of a device then; undefined when changes were not kept yet, or are not any more. */
  tags(deviceId: DeviceId, atMs: number): Promise<readonly string[] | undefined>;
  /** What the device said last in a report until then. */
  reported(
    deviceId: DeviceId,
    atMs: number,
  ): Promise<{ readonly versionCode: number; readonly atMs: number } | undefined>;
  /** Since when changes of tags are kept, and up to when rows were removed by retention. */
  bounds(): Promise<{ readonly tagsSinceMs: number; readonly prunedBeforeMs: number }>;
}

export interface Past {
  /** Undefined: no revision was in force, or it is not known which one. */
  readonly revision: Revision | undefined;
  readonly appliedAtMs: number | undefined;
  /** Undefined: not known. */
  readonly tags: readonly string[] | undefined;
  readonly installed: { readonly versionCode: number; readonly atMs: number } | undefined;
  readonly verdict: PastStep['verdict'];
  /** Everything that may have been; empty when the files of the revision cannot be read. */
  readonly worlds: readonly World[];
  /** Whole sentences for people: what is not known, and since when it would be. */
  readonly notKnown: readonly string[];
}

export interface PastSource {
  /** Faults of the store alone reject: what the source cannot tell is among the things not known. */
  at(device: DeviceRow, atMs: number): Promise<Past>;
}
