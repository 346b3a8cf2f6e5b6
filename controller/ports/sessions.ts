/** People who are signed in to the pages. */

/** What a person may do beyond looking. */
export const ABILITIES = ['brake', 'propose', 'devices', 'admin'] as const;
export type Ability = (typeof ABILITIES)[number];

export interface Viewer {
  /** As the pages show it. */
  readonly name: string;
  /** As the audit names it: `admin:<token name>`. */
  readonly actor: string;
  readonly may: ReadonlySet<Ability>;
  /** SHA-256 of the operator's token that the session stands on: it ends with that token. */
  readonly tokenSha256: string;
}

export interface Session {
  readonly viewer: Viewer;
  /** Sent with each form, so that no other site can act in a person's name. */
  readonly formToken: string;
  readonly expiresAtMs: number;
}

export interface Sessions {
  /** Resolves with the secret id for the cookie; only its hash is kept. */
  begin(session: Session): Promise<string>;
  /** Undefined when it is unknown, over or ended. */
  find(id: string): Promise<Session | undefined>;
  end(id: string): Promise<void>;
}
