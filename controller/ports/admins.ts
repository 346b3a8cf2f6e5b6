/** Operators: their tokens and scopes. */
import type { Sha256 } from '../domain/ids.ts';

export interface AdminToken {
  readonly name: string;
  readonly scopes: readonly AdminScope[];
  readonly expiresAtMs: number;
  readonly revokedAtMs: number | undefined;
}

/**
 * `read`: read only; `devices`: enrol and manage; `artifacts`: upload; `reconcile`: start a pass, accept a rewritten head;
 * `metrics`: scrape; `brake`: press and lift hand brakes; `propose`: open pull requests from the pages; `admin`: all of
 * these, and manage tokens.
 */
export const ADMIN_SCOPES = [
  'read',
  'devices',
  'artifacts',
  'reconcile',
  'metrics',
  'brake',
  'propose',
  'admin',
] as const;
export type AdminScope = (typeof ADMIN_SCOPES)[number];

export interface AdminStore {
  /** Looks the token up by its SHA-256. Synchronous and from memory, so a guessed token costs no query. */
  find(tokenSha256: Sha256): AdminToken | undefined;
  /** A revoked or expired token's name may be used again. Fault `token_name_taken` otherwise. */
  create(token: Omit<AdminToken, 'revokedAtMs'>, tokenSha256: Sha256): Promise<void>;
  list(): Promise<AdminToken[]>;
  revoke(name: string, atMs: number): Promise<boolean>;
}
