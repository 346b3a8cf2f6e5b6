/** Sessions of people, so that a restart signs nobody out and every controller on this database knows them. */
import type { Sha256 } from '../domain/ids.ts';
import type { Ability, Session, Sessions } from '../ports/index.ts';
import type { Db } from './db.ts';

interface SessionRecord {
  readonly id: number;
  readonly id_sha256: Sha256;
  readonly token_sha256: Sha256;
  readonly name: string;
  readonly actor: string;
  readonly abilities: string;
  readonly form_token: string;
  readonly expires_at_ms: number;
}

/** Nobody has so many people; more than that is somebody who signs in again and again. */
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

const toRecord = (idSha256: Sha256, session: Session): Omit<SessionRecord, 'id'> => ({
  id_sha256: idSha256,
  token_sha256: session.viewer.tokenSha256,
  name: session.viewer.name,
  actor: session.viewer.actor,
  abilities: JSON.stringify([...session.viewer.may]),
  form_token: session.formToken,
  expires_at_ms: session.expiresAtMs,
});

const toSession = (row: SessionRecord): Session => ({
  viewer: {
    name: row.name,
    actor: row.actor,
    may: new Set(JSON.parse(row.abilities) as Ability[]),
    tokenSha256: row.token_sha256,
  },
  formToken: row.form_token,
  expiresAtMs: row.expires_at_ms,
});
