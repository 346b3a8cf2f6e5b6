/** What the registry is told of an enrolled device. */
import type { DeviceId, Sha256 } from '../domain/ids.ts';

export interface RegisteredDevice {
  readonly deviceId: DeviceId;
  readonly generation: number;
  readonly previous: PreviousGeneration | undefined;
  readonly revoked: boolean;
  readonly tags: readonly string[];
  readonly token: ImportedToken | undefined;
  /** The key of the token that the device used last; undefined until one was seen. */
  readonly kid: string | undefined;
  readonly tokenIssuedAtMs: number;
}

/** What the device may still hold in the middle of a renewal. */
export interface PreviousGeneration {
  readonly generation: number;
  /** The old token works until then, unless the newer one is used first. */
  readonly untilMs: number;
}

export interface ImportedToken {
  readonly sha256: Sha256;
  readonly generation: number;
}
