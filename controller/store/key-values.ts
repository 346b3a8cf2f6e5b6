/** Small facts by name, some with an expiry. */
import type { Knex } from 'knex';
import type { KeyValueStore } from '../ports/index.ts';
import type { Db } from './db.ts';
import { insertOutbox } from './outbox.ts';

interface KeyValueRecord {
  readonly key: string;
  readonly value: string;
  readonly expires_at_ms: number | null;
}

export function makeKeyValueStore(db: Db, nowMs: () => number): KeyValueStore {
  const read = async (reader: Knex, key: string): Promise<string | undefined> => {
    const row = await reader<KeyValueRecord>('key_values').where({ key }).first();
    if (row === undefined || (row.expires_at_ms !== null && row.expires_at_ms <= nowMs())) return undefined;
    return row.value;
  };
  const write = async (trx: Knex, key: string, value: string, expiresAtMs: number | undefined) => {
    const row: KeyValueRecord = { key, value, expires_at_ms: expiresAtMs ?? null };
    await trx<KeyValueRecord>('key_values').insert(row).onConflict('key').merge();
  };
  return {
    get: key => db.readNow(reader => read(reader, key)),
    set: (key, value, expiresAtMs) => db.write(trx => write(trx, key, value, expiresAtMs)),
    keep: (key, value, outbox) =>
      db.write(async trx => {
        await write(trx, key, value, undefined);
        await insertOutbox(trx, outbox, nowMs());
      }),
    change: (key, next) =>
      db.write(async trx => {
        const value = next(await read(trx, key));
        await write(trx, key, value, undefined);
        return value;
      }),
    claim: (key, value, expiresAtMs) =>
      db.write(async trx => {
        if ((await read(trx, key)) !== undefined) return false;
        await write(trx, key, value, expiresAtMs);
        return true;
      }),
    delete: key =>
      db.write(async trx => {
        await trx('key_values').where({ key }).delete();
      }),
  };
}
