/** Sign-in with an organisation's account at an OpenID provider (OpenID Connect Core 1.0, with PKCE). */

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
 * `denied`: the person or the provider refused; `stale`: the code was used before or is too old; `clock`: the provider's
 * clock and ours disagree; `client`: the provider rejects our client id or secret; `invalid`: its answer proves nothing.
 */
export type SignInRefusal = 'denied' | 'stale' | 'clock' | 'client' | 'invalid';

export type SignInResult =
  | { readonly kind: 'person'; readonly person: Person }
  /** `detail`: an error code of the protocol, never free text from the provider. */
  | { readonly kind: 'refused'; readonly why: SignInRefusal; readonly detail: string | undefined };

/** Fault `provider_unreachable` if the provider does not answer, `provider_invalid` if its published metadata is invalid. */
export interface IdentityProvider {
  /** The issuer from the settings. Sessions of people contain it. */
  readonly issuer: string;
  /** Display name. */
  readonly name: string;
  /** Fetches the provider's published metadata again. */
  check(): Promise<void>;
  /** The URL that the browser is sent to. */
  begin(secrets: SignInSecrets): Promise<string>;
  /** `answer`: the query that the browser came back with. */
  finish(answer: URLSearchParams, secrets: SignInSecrets): Promise<SignInResult>;
  /** The URL that also ends the session at the provider. Undefined if the provider has none. */
  endSessionUrl(): Promise<string | undefined>;
}
