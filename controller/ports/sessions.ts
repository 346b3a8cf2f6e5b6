/** Sessions of people who are signed in to the pages. */
import type { Sha256 } from '../domain/ids.ts';

/** What a session stands on: it ends with the operator's token, or when the person's groups have no role any more. */
export type Footing =
  | { readonly kind: 'token'; readonly sha256: Sha256 }
  | {
      readonly kind: 'person';
      /** Issuer and subject are the person (OpenID Connect Core 1.0 §5.7). */
      readonly issuer: string;
      readonly subject: string;
      /** Of the person's groups those that had a role at the sign-in. */
      readonly groups: readonly string[];
    };

/** As it is kept; what its person may do follows from the footing at each request. */
export interface KeptSession {
  /** As the pages show it: of the token, or of the person. */
  readonly name: string;
  readonly footing: Footing;
  /** Sent with each form, so that no other site can act in a person's name. */
  readonly formToken: string;
  readonly expiresAtMs: number;
}

export interface Sessions {
  /** Kept under the SHA-256 of the secret id; the id itself is in the cookie alone. */
  begin(idSha256: Sha256, session: KeptSession): Promise<void>;
  /** Undefined when it is unknown, over or ended. */
  find(idSha256: Sha256): Promise<KeptSession | undefined>;
  end(idSha256: Sha256): Promise<void>;
}
