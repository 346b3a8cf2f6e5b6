/** Keys that sign device tokens (SPEC §6). The settings read them, the HTTP face signs with them. */

export interface TokenKey {
  /** Names the key inside each token: see {@link isKid}. */
  readonly kid: string;
  /** At least 32 bytes. */
  readonly key: Uint8Array;
}

/** The first key signs and both verify, so that a key can be rotated while devices keep their tokens. */
export type TokenKeys = readonly [TokenKey] | readonly [TokenKey, TokenKey];

/** `[A-Za-z0-9_-]{1,16}`: safe between two dots of a token. */
export const isKid = (text: string): boolean => /^[A-Za-z0-9_-]{1,16}$/.test(text);
