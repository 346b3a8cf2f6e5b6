/** Sessions of people, stored so that a restart signs nobody out and every controller on this database knows them. */
import type { Sha256 } from '../domain/ids.ts';
import type { KeptSession, SessionBasis, Sessions } from '../ports/index.ts';
import type { Db } from './db.ts';

interface SessionRecord {
  readonly id: number;
  readonly id_sha256: Sha256;
  readonly name: string;
  /** The operator's token; null for a person, who has the next three fields. */
  readonly token_sha256: Sha256 | null;
  readonly issuer: string | null;
  readonly subject: string | null;
  readonly groups_json: string | null;
  readonly form_token: string;
  readonly expires_at_ms: number;
}

/** No installation has so many people: more sessions than this come from somebody who signs in again and again. */
const MOST = 10_000;

/** With more than `most` sessions the oldest ones end. */
export function makeSessionStore(db: Db, nowMs: () => number, most = MOST): Sessions {
  return {
    begin: (idSha256, session) =>
      db.write(async trx => {
        await trx<SessionRecord>('sessions').insert(toRecord(idSha256, session));
        const last = await trx<SessionRecord>('sessions').orderBy('id', 'desc').offset(most).first('id');
        if (last !== undefined) await trx<SessionRecord>('sessions').where('id', '<=', last.id).delete();
      }),
    find: async idSha256 => {
      const row = await db.read(reader =>
        reader<SessionRecord>('sessions').where({ id_sha256: idSha256 }).first(),
      );
      return row !== undefined && row.expires_at_ms > nowMs() ? toSession(row) : undefined;
    },
    end: idSha256 =>
      db.write(async trx => {
        await trx<SessionRecord>('sessions').where({ id_sha256: idSha256 }).delete();
      }),
  };
}

const toRecord = (idSha256: Sha256, session: KeptSession): Omit<SessionRecord, 'id'> => ({
  id_sha256: idSha256,
  name: session.name,
  ...basisColumns(session.basis),
  form_token: session.formToken,
  expires_at_ms: session.expiresAtMs,
});

const basisColumns = (
  basis: SessionBasis,
): Pick<SessionRecord, 'token_sha256' | 'issuer' | 'subject' | 'groups_json'> =>
  basis.kind === 'token'
    ? { token_sha256: basis.sha256, issuer: null, subject: null, groups_json: null }
    : {
        token_sha256: null,
        issuer: basis.issuer,
        subject: basis.subject,
        groups_json: JSON.stringify(basis.groups),
      };

const toSession = (row: SessionRecord): KeptSession => ({
  name: row.name,
  basis:
    row.token_sha256 === null
      ? {
          kind: 'person',
          issuer: row.issuer ?? '',
          subject: row.subject ?? '',
          groups: JSON.parse(row.groups_json ?? '[]') as string[],
        }
      : { kind: 'token', sha256: row.token_sha256 },
  formToken: row.form_token,
  expiresAtMs: row.expires_at_ms,
});
