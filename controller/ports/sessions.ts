/** People who are signed in to the pages. */
import type { Sha256 } from '../domain/ids.ts';

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
  readonly tokenSha256: Sha256;
}

export interface Session {
  readonly viewer: Viewer;
  /** Sent with each form, so that no other site can act in a person's name. */
  readonly formToken: string;
  readonly expiresAtMs: number;
}

export interface Sessions {
  /** Kept under the SHA-256 of the secret id; the id itself is in the cookie alone. */
  begin(idSha256: Sha256, session: Session): Promise<void>;
  /** Undefined when it is unknown, over or ended. */
  find(idSha256: Sha256): Promise<Session | undefined>;
  end(idSha256: Sha256): Promise<void>;
}
