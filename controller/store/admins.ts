/** Operators' tokens: only their SHA-256 is stored (SPEC §6). */
import { Fault } from '../domain/fault.ts';
import type { AdminScope, AdminStore, AdminToken } from '../ports/index.ts';
import type { Db } from './db.ts';

interface AdminRecord {
  readonly name: string;
  readonly token_sha256: string;
  readonly scopes: string;
  readonly expires_at_ms: number;
  readonly revoked_at_ms: number | null;
}

export function makeAdminStore(db: Db, nowMs: () => number): AdminStore {
  return {
    find: async tokenSha256 => {
      const row = await db.read(reader =>
        reader<AdminRecord>('admin_tokens').where({ token_sha256: tokenSha256 }).first(),
      );
      return row === undefined ? undefined : toToken(row);
    },
    create: (token, tokenSha256) =>
      db.write(async trx => {
        const standing = await trx<AdminRecord>('admin_tokens').where({ name: token.name }).first();
        if (standing !== undefined && standing.revoked_at_ms === null && standing.expires_at_ms > nowMs())
          throw new Fault('token_name_taken', `an admin token named ${token.name} is in use`, {
            retry: 'never',
          });
        const row: AdminRecord = {
          name: token.name,
          token_sha256: tokenSha256,
          scopes: JSON.stringify(token.scopes),
          expires_at_ms: token.expiresAtMs,
          revoked_at_ms: null,
        };
        await trx<AdminRecord>('admin_tokens').insert(row).onConflict('name').merge();
      }),
    list: async () =>
      (await db.read(reader => reader<AdminRecord>('admin_tokens').orderBy('name'))).map(toToken),
    revoke: (name, atMs) =>
      db.write(async trx => {
        const changed = await trx<AdminRecord>('admin_tokens')
          .where({ name })
          .whereNull('revoked_at_ms')
          .update({ revoked_at_ms: atMs });
        return changed === 1;
      }),
  };
}

const toToken = (row: AdminRecord): AdminToken => ({
  name: row.name,
  scopes: JSON.parse(row.scopes) as AdminScope[],
  expiresAtMs: row.expires_at_ms,
  revokedAtMs: row.revoked_at_ms ?? undefined,
});
