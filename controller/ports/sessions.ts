/** Sessions of people who are signed in to the pages. */
import type { Sha256 } from '../domain/ids.ts';

/** What a session depends on. It ends with the operator's token, or once none of the person's groups has a role. */
export type SessionBasis =
  | { readonly kind: 'token'; readonly sha256: Sha256 }
  | {
      readonly kind: 'person';
      /** Issuer and subject identify the person (OpenID Connect Core 1.0 §5.7). */
      readonly issuer: string;
      readonly subject: string;
      /** The person's groups that had a role at sign-in. */
      readonly groups: readonly string[];
    };

/** A session as stored. The person's rights are derived from its basis at each request. */
export interface KeptSession {
  /** The name of the token or the person, as the pages show it. */
  readonly name: string;
  readonly basis: SessionBasis;
  /** Sent with each form as protection against cross-site request forgery. */
  readonly formToken: string;
  readonly expiresAtMs: number;
}

export interface Sessions {
  /** Stored under the SHA-256 of the secret id. Only the cookie contains the id itself. */
  begin(idSha256: Sha256, session: KeptSession): Promise<void>;
  /** Undefined if the session is unknown, expired or ended. */
  find(idSha256: Sha256): Promise<KeptSession | undefined>;
  end(idSha256: Sha256): Promise<void>;
}
