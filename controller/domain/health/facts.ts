/** What is looked at, and what a look says. No text holds a secret or a URL's user part. */
import type { BuildId } from '../ids.ts';

/** In the order in which they are told. */
export const HEALTH_PARTS = [
  'clock',
  'source',
  'artifacts',
  'keys',
  'operators',
  'certificate',
  'disk',
  'object_store',
  'push',
  'github',
  'webhook',
  'sign_in',
  'replicas',
] as const;
export type HealthPart = (typeof HEALTH_PARTS)[number];

/** `off`: not set up, which is legal; `warning`: works, and will not for ever; `failing`: does not work now. */
export const HEALTH_STATES = ['fine', 'off', 'warning', 'failing'] as const;
export type HealthState = (typeof HEALTH_STATES)[number];

export interface HealthCheck {
  readonly part: HealthPart;
  readonly state: HealthState;
  readonly text: string;
  /** What to do; undefined where nothing has to be done. */
  readonly cure: string | undefined;
}

/** What another service answered to a question that changes nothing. */
export type Probe =
  | { readonly kind: 'off' }
  | { readonly kind: 'fine'; readonly text: string }
  /** `text` was redacted by whoever asked. */
  | { readonly kind: 'failed'; readonly code: string; readonly text: string };

export interface ReplicaFacts {
  readonly host: string;
  readonly version: string;
  readonly role: 'leads' | 'follows';
  /** How far its clock is ahead of the database's, ms. */
  readonly clockOffMs: number;
  /** ms since it said so. */
  readonly agoMs: number;
}

export interface HealthFacts {
  readonly nowMs: number;
  readonly clockHeld: boolean;
  readonly source: {
    readonly readAtMs: number | undefined;
    readonly fault: string | undefined;
    /** How often it is read without a hint. */
    readonly intervalMs: number;
    readonly refused: boolean;
    readonly applied: boolean;
  };
  /** Builds that devices would be offered, whose APK is not stored. */
  readonly missingArtifacts: readonly BuildId[];
  readonly keys: {
    /** The first signs. Devices by the key of the token that they used last. */
    readonly own: readonly { readonly kid: string; readonly devices: number }[];
    /** Devices whose last token was made by a key that is not set any more. */
    readonly orphaned: number;
  };
  /** When the last token with scope `admin` expires, Unix ms; undefined: there is none. */
  readonly adminExpiresAtMs: number | undefined;
  /** Undefined: TLS ends in front of the controller. */
  readonly certificateExpiresAtMs: number | undefined;
  readonly disk: {
    readonly freeBytes: number;
    readonly totalBytes: number;
    readonly artifactBytes: number;
    readonly artifactQuotaBytes: number;
  };
  /** The bucket that holds the APKs. */
  readonly objectStore: Probe;
  readonly push: Probe;
  readonly github: Probe & { readonly missing?: readonly string[] };
  readonly webhook: {
    readonly isSet: boolean;
    /** The newest delivery with a right signature, Unix ms. */
    readonly takenAtMs: number | undefined;
    /** The newest delivery with a wrong one, since the start of the process. */
    readonly refusedAtMs: number | undefined;
  };
  /** The OpenID provider. */
  readonly signIn: Probe;
  /** The controllers on this database, the leader first; undefined where it is a file. */
  readonly replicas: readonly ReplicaFacts[] | undefined;
}

export const fine = (part: HealthPart, text: string): HealthCheck => ({
  part,
  state: 'fine',
  text,
  cure: undefined,
});
export const off = (part: HealthPart, text: string, cure?: string): HealthCheck => ({
  part,
  state: 'off',
  text,
  cure,
});
export const warning = (part: HealthPart, text: string, cure: string): HealthCheck => ({
  part,
  state: 'warning',
  text,
  cure,
});
export const failing = (part: HealthPart, text: string, cure: string): HealthCheck => ({
  part,
  state: 'failing',
  text,
  cure,
});
