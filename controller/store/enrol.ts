/** Enrolment in bulk: one transaction per call and one statement per thousands of devices (SPEC §6). */
import { createHash } from 'node:crypto';
import type { Knex } from 'knex';
import { Fault } from '../domain/fault.ts';
import type { DeviceId, Sha256 } from '../domain/ids.ts';
import { IMPORTED_KID, type NewDevice } from '../ports/index.ts';
import { bulk, type Cell, pieces } from './dialect.ts';
import { BASE_KEY } from './generations.ts';
import { type Changing, replaceTags } from './tags.ts';

export interface Enrolled {
  readonly device: NewDevice;
  readonly generation: number;
  readonly created: boolean;
  /** A known device that was revoked: it was not changed. */
  readonly revoked: boolean;
  readonly tokenChanged: boolean;
}

interface StandingDevice {
  readonly device_id: DeviceId;
  readonly generation: number;
  readonly token_sha256: Sha256 | null;
  readonly revoked_at_ms: number | null;
}

/** The remains of an erased device: enough to recognise its id, not enough to read it. */
export const tombstoneOf = (deviceId: DeviceId): Sha256 =>
  createHash('sha256').update(`erased device\n${deviceId}`).digest('hex');

/** Each id occurs once in `devices`. */
export async function enrolRows(
  trx: Knex,
  devices: readonly NewDevice[],
  changing: Changing,
  kid: string | undefined,
): Promise<Enrolled[]> {
  const { atMs } = changing;
  await refuseTakenTokens(trx, devices);
  const standing = await standingRows(trx, devices);
  const fresh = devices.filter(device => !standing.has(device.deviceId));
  const erased = await takeTombstones(trx, fresh);
  const base = await firstGeneration(trx);
  const enrolled = devices.map((device): Enrolled => {
    const row = standing.get(device.deviceId);
    return {
      device,
      generation: row?.generation ?? Math.max(erased.get(device.deviceId) ?? 0, base) + 1,
      created: row === undefined,
      revoked: (row?.revoked_at_ms ?? null) !== null,
      tokenChanged: device.tokenSha256 !== undefined && device.tokenSha256 !== row?.token_sha256,
    };
  });
  await insertDevices(
    trx,
    enrolled.filter(e => e.created),
    atMs,
    kid,
  );
  await replaceTokens(
    trx,
    enrolled.filter(e => !e.created && !e.revoked && e.tokenChanged),
  );
  const tagged = enrolled.filter(e => e.device.tags !== undefined && !e.revoked);
  await replaceTags(
    trx,
    tagged.filter(e => !e.created).map(e => e.device.deviceId),
    tagged.map(e => e.device),
    changing,
  );
  return enrolled;
}

/** After a restore new devices start with a higher number: lower numbers may have been issued since the backup. */
async function firstGeneration(trx: Knex): Promise<number> {
  const row = await trx<{ key: string; value: string }>('key_values').where({ key: BASE_KEY }).first();
  return Number(row?.value ?? 0);
}

async function refuseTakenTokens(trx: Knex, devices: readonly NewDevice[]): Promise<void> {
  const rows = devices.flatMap(d => (d.tokenSha256 === undefined ? [] : [[d.deviceId, d.tokenSha256]]));
  if (rows.length === 0) return;
  const taken = await bulk<{ device_id: DeviceId }>(
    trx,
    ['device_id', 'token_sha256'],
    rows,
    input => `select d.device_id from ${input} as input
      join devices as d on d.token_sha256 = input.token_sha256 and d.device_id <> input.device_id limit 1`,
  );
  if (taken.length > 0 || new Set(rows.map(([, token]) => token)).size < rows.length)
    throw new Fault('token_taken', 'an imported token belongs to another device', { retry: 'never' });
}

async function standingRows(
  trx: Knex,
  devices: readonly NewDevice[],
): Promise<Map<DeviceId, StandingDevice>> {
  const rows = await bulk<StandingDevice>(
    trx,
    ['device_id'],
    devices.map(d => [d.deviceId]),
    input => `select d.device_id, d.generation, d.token_sha256, d.revoked_at_ms from ${input} as input
      join devices as d on d.device_id = input.device_id`,
  );
  return new Map(rows.map(row => [row.device_id, row]));
}

/**
 * Generations of erased devices that are enrolled again. Their tombstones are removed, since their new rows keep the
 * number.
 */
async function takeTombstones(trx: Knex, fresh: readonly NewDevice[]): Promise<Map<DeviceId, number>> {
  const found = new Map<DeviceId, number>();
  const any = await trx('erased_devices').first('id_sha256');
  if (any === undefined) return found;
  // In pieces: a hundred thousand hashes at once would delay every check.
  for (const piece of pieces(fresh)) {
    const ids = new Map(piece.map(d => [tombstoneOf(d.deviceId), d.deviceId]));
    const rows = await bulk<{ id_sha256: Sha256; generation: number }>(
      trx,
      ['id_sha256'],
      [...ids.keys()].map(id => [id]),
      input => `select e.id_sha256, e.generation from ${input} as input
        join erased_devices as e on e.id_sha256 = input.id_sha256`,
    );
    for (const { id_sha256, generation } of rows) found.set(ids.get(id_sha256) ?? '', generation);
    await bulk(
      trx,
      ['id_sha256'],
      rows.map(row => [row.id_sha256]),
      input =>
        `delete from erased_devices where id_sha256 in (select input.id_sha256 from ${input} as input)`,
    );
  }
  return found;
}

/** A device that brings a token of another system keeps it; all others get a token made with our key. */
export const kidAtFirst = (device: NewDevice, kid: string | undefined): string | undefined =>
  device.tokenSha256 === undefined ? kid : IMPORTED_KID;

async function insertDevices(
  trx: Knex,
  created: readonly Enrolled[],
  atMs: number,
  kid: string | undefined,
): Promise<void> {
  const rows = created.map((e): Cell[] => [
    e.device.deviceId,
    e.generation,
    atMs,
    e.device.tokenSha256 ?? null,
    e.device.tokenSha256 === undefined ? null : e.generation,
    kidAtFirst(e.device, kid) ?? null,
    atMs,
  ]);
  await bulk(
    trx,
    [
      'device_id',
      'generation',
      'enrolled_at_ms',
      'token_sha256',
      'token_generation',
      'token_kid',
      'token_issued_at_ms',
    ],
    rows,
    input => `insert into devices
        (device_id, generation, enrolled_at_ms, token_sha256, token_generation, token_kid, token_issued_at_ms)
      select device_id, generation, enrolled_at_ms, token_sha256, token_generation, token_kid, token_issued_at_ms
        from ${input} as input`,
  );
}

async function replaceTokens(trx: Knex, changed: readonly Enrolled[]): Promise<void> {
  await bulk(
    trx,
    ['device_id', 'token_sha256', 'generation'],
    changed.map((e): Cell[] => [e.device.deviceId, e.device.tokenSha256 ?? null, e.generation]),
    input => `update devices set token_sha256 = input.token_sha256, token_generation = input.generation
      from ${input} as input where devices.device_id = input.device_id`,
  );
}
