/** Where people sign in with their organisation's account: an OpenID provider (OpenID Connect Core 1.0, with PKCE). */

/** Who came back from the provider. `issuer` and `subject` are the identity; the name is for display only. */
export interface Person {
  readonly issuer: string;
  /** Printable ASCII without spaces, at most 255 characters. */
  readonly subject: string;
  /** One line of at most 100 characters; anybody may choose any name. */
  readonly name: string;
  readonly groups: readonly string[];
}

/** What binds one sign-in to one browser: random, secret, and used once. */
export interface SignInSecrets {
  readonly state: string;
  readonly nonce: string;
  /** RFC 7636: 43 to 128 unreserved characters. */
  readonly codeVerifier: string;
}

/**
 * `denied`: the person or the provider said no; `stale`: its code was used before or is too old; `clock`: its times and
 * ours do not agree; `client`: it does not take our client id or secret; `invalid`: its answer holds no proof.
 */
export type SignInRefusal = 'denied' | 'stale' | 'clock' | 'client' | 'invalid';

export type SignInResult =
  | { readonly kind: 'person'; readonly person: Person }
  /** `detail`: a code of the protocol, never a text of the provider. */
  | { readonly kind: 'refused'; readonly why: SignInRefusal; readonly detail: string | undefined };

/** Fault `provider_unreachable` where the provider does not answer, `provider_invalid` where what it publishes is no good. */
export interface IdentityProvider {
  /** As it is set; what a session of a person names. */
  readonly issuer: string;
  /** As people call it. */
  readonly name: string;
  /** Asks it anew what it publishes. */
  check(): Promise<void>;
  /** The URL that the browser is sent to. */
  begin(secrets: SignInSecrets): Promise<string>;
  /** `answer`: the query that the browser came back with. */
  finish(answer: URLSearchParams, secrets: SignInSecrets): Promise<SignInResult>;
  /** Where a person ends the session at the provider too; undefined where it offers none. */
  endSessionUrl(): Promise<string | undefined>;
}
