/** Identifiers and their grammar (SPEC §2, §3). Anything that does not match is refused at the edge, never bucketed. */

/** `[A-Za-z0-9][A-Za-z0-9._-]{0,63}` */
export type BuildId = string;
/** `[A-Za-z0-9._:-]{1,64}` */
export type DeviceId = string;
/** A full Git commit hash, or `folder:<sha256>` of a plain folder's content. */
export type Revision = string;
/** 64 lower-case hex digits. */
export type Sha256 = string;

const BUILD_ID = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
const DEVICE_ID = /^[A-Za-z0-9._:-]{1,64}$/;
const REQUEST_ID = /^[A-Za-z0-9-]{8,64}$/;
const NAME = /^[a-z0-9][a-z0-9._-]{0,63}$/;
const SHA256 = /^[0-9a-f]{64}$/;

export const isBuildId = (text: string): text is BuildId => BUILD_ID.test(text);
export const isDeviceId = (text: string): text is DeviceId => DEVICE_ID.test(text);
/** Names of one attempt: a UUID from agent or nudge. */
export const isRequestId = (text: string): boolean => REQUEST_ID.test(text);
/** Tags and cohort names. */
export const isName = (text: string): boolean => NAME.test(text);
export const isSha256 = (text: string): text is Sha256 => SHA256.test(text);

/** `AA:BB:…` or bare hex in any case → 64 lower-case hex digits; undefined when it is neither. */
export function normaliseFingerprint(text: string): Sha256 | undefined {
  const bare = text.replaceAll(':', '').toLowerCase();
  return isSha256(bare) ? bare : undefined;
}
