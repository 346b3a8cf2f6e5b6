/** Operators' tokens: only their SHA-256 is stored (SPEC §6). All of them are also held in memory for requests. */
import { Fault } from '../domain/fault.ts';
import type { Sha256 } from '../domain/ids.ts';
import type { AdminScope, AdminStore, AdminToken } from '../ports/index.ts';
import type { Db } from './db.ts';
import type { StoreFeed } from './feed.ts';

interface AdminRecord {
  readonly name: string;
  readonly token_sha256: Sha256;
  readonly scopes: string;
  readonly expires_at_ms: number;
  readonly revoked_at_ms: number | null;
}

interface Admins {
  readonly store: AdminStore;
  /** Reads all tokens again, after another controller has changed them. */
  readonly refresh: () => Promise<void>;
}

/** `feed`: reports token changes by other controllers. */
export async function makeAdminStore(
  db: Db,
  nowMs: () => number,
  feed?: Pick<StoreFeed, 'afterWrite'>,
): Promise<Admins> {
  const all = (): Promise<AdminRecord[]> =>
    db.readNow(reader => reader<AdminRecord>('admin_tokens').orderBy('name'));
  let known: ReadonlyMap<Sha256, AdminToken> = new Map();
  /** Called after each change, so that memory shows exactly what is committed. */
  const refresh = async (): Promise<void> => {
    known = new Map((await all()).map(row => [row.token_sha256, toToken(row)]));
  };
  const show = (): Promise<void> => feed?.afterWrite(refresh) ?? refresh();
  await refresh();
  const store: AdminStore = {
    find: tokenSha256 => known.get(tokenSha256),
    create: async (token, tokenSha256) => {
      await db.write(async trx => {
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
      });
      await show();
    },
    list: async () => (await all()).map(toToken),
    revoke: async (name, atMs) => {
      const changed = await db.write(trx =>
        trx<AdminRecord>('admin_tokens')
          .where({ name })
          .whereNull('revoked_at_ms')
          .update({ revoked_at_ms: atMs }),
      );
      await show();
      return changed === 1;
    },
  };
  return { store, refresh };
}

const toToken = (row: AdminRecord): AdminToken => ({
  name: row.name,
  scopes: JSON.parse(row.scopes) as AdminScope[],
  expiresAtMs: row.expires_at_ms,
  revokedAtMs: row.revoked_at_ms ?? undefined,
});
