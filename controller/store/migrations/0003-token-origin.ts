/**
 * Which server key made a device's token, and when, so that operators see when a rotation of the key is complete
 * (SPEC §5); and which generations may still be issued after a restore (SPEC §6).
 */
import { createHash } from 'node:crypto';
import type { Knex } from 'knex';
import { bulk, type Cell } from '../dialect.ts';
import type { Migration } from '../migration.ts';

export const tokenOrigin: Migration = {
  name: '0003-token-origin',
  async up(db, nowMs) {
    await db.schema.alterTable('devices', t => {
      t.text('token_kid').comment('the key of the token that the device used last; null: not seen yet');
      t.bigInteger('token_issued_at_ms').notNullable().defaultTo(0);
      t.integer('previous_generation').comment('null: the one before');
      t.integer('least_generation').notNullable().defaultTo(0).comment('the next one is at least this');
    });
    await spreadIssueTimes(db, nowMs);
  },
};

const PAGE = 2_000;
/** The default of OTA_TOKEN_RENEW_AFTER. */
const PERIOD_MS = 180 * 86_400_000;

/** Nobody knows when the tokens in use were made. Spread over the period, so that the fleet does not renew at once. */
async function spreadIssueTimes(db: Knex, nowMs: number): Promise<void> {
  for (let after = ''; ; ) {
    const ids: string[] = await db('devices')
      .where('device_id', '>', after)
      .orderBy('device_id')
      .limit(PAGE)
      .pluck('device_id');
    const last = ids.at(-1);
    if (last === undefined) return;
    await bulk(
      db,
      ['device_id', 'at_ms'],
      ids.map((id): Cell[] => [id, Math.round(nowMs - shareOf(id) * PERIOD_MS)]),
      input => `update devices set token_issued_at_ms = input.at_ms
        from ${input} as input where devices.device_id = input.device_id`,
    );
    after = last;
  }
}

/** 0 ≤ share < 1, the same for the same device. */
const shareOf = (deviceId: string): number =>
  createHash('sha256').update(`token age\n${deviceId}`).digest().readUInt32BE(0) / 2 ** 32;
