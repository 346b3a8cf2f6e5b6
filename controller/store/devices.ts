/**
 * Devices: a registry in memory for checks, the database for everything else. A change is committed first and then
 * shown in memory. What a device proves by using a token (`confirmGeneration`, `adoptGeneration`, `sawKid`) is shown at
 * once and written later.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Knex } from 'knex';
import type { DeviceId } from '../domain/ids.ts';
import { makeTurns } from '../domain/turns.ts';
import type { DeviceStore } from '../ports/index.ts';
import { insertAudit } from './audit.ts';
import { type CheckIns, makeCheckIns } from './check-ins.ts';
import type { Db } from './db.ts';
import { findRecords } from './device-find.ts';
import { deviceMemory } from './device-memory.ts';
import {
  type DeviceRecord,
  listRecords,
  previousOf,
  readDevice,
  type ScannedRecord,
  scanRecords,
  toDeviceRow,
  toScanned,
} from './device-rows.ts';
import { pieces } from './dialect.ts';
import { type Enrolled, enrolRows, kidAtFirst } from './enrol.ts';
import { eraseRows } from './erase.ts';
import type { AfterWrite, Memory, StoreFeed } from './feed.ts';
import { ADOPT_KEY, GENERATION_STEP } from './generations.ts';
import { loadRegistry } from './load-registry.ts';
import { changeMany } from './many.ts';
import type { PreviousGeneration } from './registered-device.ts';
import { Registry } from './registry.ts';
import { replaceTags } from './tags.ts';

/** Called with failures of work that nobody awaits. */
export type OnFault = (part: 'check_ins' | 'device_tokens', fault: unknown) => void;

interface DeviceOptions {
  readonly db: Db;
  readonly nowMs: () => number;
  readonly onFault: OnFault;
  readonly flushAt: number;
  /** Reports device changes by other controllers. */
  readonly feed?: StoreFeed | undefined;
}

export interface Devices {
  readonly store: DeviceStore;
  /** Takes in changes by other controllers. */
  readonly memory: Pick<Memory, 'devices' | 'checkIns'>;
}

export async function makeDeviceStore(options: DeviceOptions): Promise<Devices> {
  const { db, nowMs, feed } = options;
  const registry = new Registry();
  await loadRegistry(db, registry);
  const checkIns = makeCheckIns(options);
  // Memory shows changes in the order of their commits; a large change pauses so that other work can run.
  const shown: AfterWrite = feed?.afterWrite ?? makeTurns();
  const upSinceMs = nowMs();
  const store: DeviceStore = {
    auth: deviceId => registry.auth(deviceId),
    deviceOfToken: sha256 => registry.deviceOfToken(sha256, nowMs()),
    flush: checkIns.flush,
    checkIn: row => {
      if (registry.seen(row, upSinceMs)) checkIns.record(row, registry.gapOf(row.deviceId));
    },
    checkInGaps: () => registry.checkInGaps(),
    counts: async (atMs, activeWithinMs) => registry.counts(atMs - activeWithinMs),
    ...reads(db, registry, checkIns),
    ...rotation(options, registry, shown, await adoptUntil(db)),
    ...membership(options, registry, checkIns, shown),
  };
  return { store, memory: deviceMemory(db, registry, checkIns, upSinceMs) };
}

type Some<K extends keyof DeviceStore> = Pick<DeviceStore, K>;

function reads(db: Db, registry: Registry, checkIns: CheckIns): Some<'get' | 'list' | 'find' | 'scan'> {
  const row = (r: DeviceRecord) => toDeviceRow(r, registry.tags(r.device_id), checkIns.pending(r.device_id));
  const scanned = (r: ScannedRecord) => toScanned(r, registry.tags(r[0]), checkIns.pending(r[0]));
  return {
    get: async deviceId => {
      const found = await readDevice(db, deviceId);
      return found === undefined ? undefined : row(found);
    },
    list: async page => (await listRecords(page, db)).map(row),
    find: async page => {
      const { rows, next } = await findRecords(page, db);
      return { rows: rows.map(row), next };
    },
    scan: async page => (await scanRecords(page, db)).map(scanned),
  };
}

const standingRow = (trx: Knex, deviceId: DeviceId): Promise<DeviceRecord | undefined> =>
  trx<DeviceRecord>('devices').where({ device_id: deviceId }).first();

/** After a restore, devices may bring newer generations until this time, Unix ms; 0 if there was no restore. */
async function adoptUntil(db: Db): Promise<number> {
  const row = await db.read(reader =>
    reader<{ key: string; value: string }>('key_values').where({ key: ADOPT_KEY }).first(),
  );
  return Number(row?.value ?? 0);
}

/** The next generation, or the one that was issued but not used yet. Undefined for an unknown or revoked device. */
async function rotateRow(
  trx: Knex,
  deviceId: DeviceId,
  previousUntilMs: number,
  atMs: number,
): Promise<
  { generation: number; previous: PreviousGeneration | undefined; issuedAtMs?: number } | undefined
> {
  const row = await standingRow(trx, deviceId);
  if (row === undefined || row.revoked_at_ms !== null) return undefined;
  const { generation } = row;
  const previous = previousOf(row);
  if (previous !== undefined && previous.untilMs > atMs && previousUntilMs > atMs) {
    // The earlier end counts: an operator's rotation limits a renewal without an end.
    const untilMs = Math.min(previous.untilMs, previousUntilMs);
    if (untilMs < previous.untilMs)
      await trx('devices').where({ device_id: deviceId }).update({ previous_until_ms: untilMs });
    return { generation, previous: { ...previous, untilMs } };
  }
  const next = Math.max(generation + 1, row.least_generation);
  const untilMs = Math.max(0, previousUntilMs);
  await trx('devices').where({ device_id: deviceId }).update({
    generation: next,
    previous_until_ms: untilMs,
    previous_generation: generation,
    token_issued_at_ms: atMs,
  });
  return { generation: next, previous: untilMs > 0 ? { generation, untilMs } : undefined, issuedAtMs: atMs };
}

function rotation(
  { db, nowMs, onFault }: DeviceOptions,
  registry: Registry,
  shown: AfterWrite,
  adoptUntilMs: number,
): Some<'rotate' | 'confirmGeneration' | 'adoptGeneration' | 'sawKid' | 'kids' | 'revoke' | 'readmit'> {
  return {
    rotate: async (deviceId, previousUntilMs) => {
      const rotated = await db.write(trx => rotateRow(trx, deviceId, previousUntilMs, nowMs()));
      if (rotated === undefined) return undefined;
      const { generation, previous, issuedAtMs } = rotated;
      await shown(() => registry.setGeneration(deviceId, generation, previous, issuedAtMs));
      return generation;
    },
    confirmGeneration: (deviceId, generation) => {
      const auth = registry.auth(deviceId);
      if (auth === undefined || auth.generation !== generation || auth.previousUntilMs === 0) return;
      registry.setGeneration(deviceId, generation, undefined);
      const confirm = (trx: Knex) =>
        trx('devices').where({ device_id: deviceId, generation }).update({ previous_until_ms: 0 });
      db.write(async trx => void (await confirm(trx))).catch(fault => onFault('device_tokens', fault));
    },
    adoptGeneration: (deviceId, generation) => {
      const auth = registry.auth(deviceId);
      const offset = generation - (auth?.generation ?? generation);
      if (adoptUntilMs <= nowMs() || offset <= 0 || offset >= GENERATION_STEP) return false;
      registry.setGeneration(deviceId, generation, undefined);
      const adopt = (trx: Knex) =>
        trx('devices')
          .where({ device_id: deviceId })
          .where('generation', '<', generation)
          .update({ generation, previous_until_ms: 0 });
      db.write(async trx => {
        await adopt(trx);
        const detail = { generation };
        await insertAudit(trx, [
          { atMs: nowMs(), actor: 'device', action: 'device.adopt', subject: deviceId, detail },
        ]);
      }).catch(fault => onFault('device_tokens', fault));
      return true;
    },
    sawKid: (deviceId, kid) => {
      const known = registry.auth(deviceId);
      if (known === undefined || known.kid === kid) return;
      registry.setKid(deviceId, kid);
      const note = (trx: Knex) => trx('devices').where({ device_id: deviceId }).update({ token_kid: kid });
      db.write(async trx => void (await note(trx))).catch(fault => onFault('device_tokens', fault));
    },
    kids: () => registry.kids(),
    revoke: async (deviceId, atMs) => {
      const known = await db.write(async trx => {
        const row = await standingRow(trx, deviceId);
        if (row !== undefined && row.revoked_at_ms === null)
          await trx('devices').where({ device_id: deviceId }).update({ revoked_at_ms: atMs });
        return row !== undefined;
      });
      if (known) await shown(() => registry.revoke(deviceId));
      return known;
    },
    readmit: async deviceId => {
      const atMs = nowMs();
      const generation = await db.write(async trx => {
        const row = await standingRow(trx, deviceId);
        if (row === undefined || row.revoked_at_ms === null) return undefined;
        const next = Math.max(row.generation + 1, row.least_generation);
        const made = {
          generation: next,
          previous_until_ms: 0,
          revoked_at_ms: null,
          token_issued_at_ms: atMs,
        };
        await trx('devices').where({ device_id: deviceId }).update(made);
        return next;
      });
      if (generation !== undefined) await shown(() => registry.readmit(deviceId, generation, atMs));
      return generation;
    },
  };
}

function membership(
  { db, nowMs }: DeviceOptions,
  registry: Registry,
  checkIns: CheckIns,
  shown: AfterWrite,
): Some<'enrol' | 'setTags' | 'change' | 'erase' | 'setPushToken' | 'dropPushToken'> {
  return {
    enrol: async (devices, atMs, kid, by = 'operator') => {
      const unique = [...new Map(devices.map(device => [device.deviceId, device])).values()];
      const enrolled = await db.write(trx => enrolRows(trx, unique, { atMs, by }, kid));
      await shown(async () => {
        for (const piece of pieces(enrolled)) {
          for (const one of piece) show(registry, one, atMs, kid);
          if (enrolled.length > piece.length) await nextTurn();
        }
      });
      return enrolled.map(e => ({
        deviceId: e.device.deviceId,
        generation: e.generation,
        created: e.created,
        revoked: e.revoked,
      }));
    },
    setTags: async (deviceId, tags, by = 'operator') => {
      const known = await db.write(async trx => {
        if ((await standingRow(trx, deviceId)) === undefined) return false;
        await replaceTags(trx, [deviceId], [{ deviceId, tags }], { atMs: nowMs(), by });
        return true;
      });
      if (known) await shown(() => registry.setTags(deviceId, tags));
      return known;
    },
    change: (deviceIds, change, auditOf) =>
      changeMany({ db, registry, checkIns, shown }, deviceIds, change, auditOf),
    erase: async deviceId => {
      const row = await db.write(trx => eraseRows(trx, deviceId));
      if (row === undefined) return false;
      await shown(() => {
        checkIns.forget(deviceId);
        if (registry.auth(deviceId) !== undefined) registry.remove(deviceId);
      });
      return true;
    },
    setPushToken: (deviceId, token) =>
      db.write(async trx => {
        if (token === undefined) await trx('push_tokens').where({ device_id: deviceId }).delete();
        else if ((await standingRow(trx, deviceId)) !== undefined)
          await trx('push_tokens').insert({ device_id: deviceId, token }).onConflict('device_id').merge();
      }),
    dropPushToken: (deviceId, token) =>
      db.write(async trx => {
        await trx('push_tokens').where({ device_id: deviceId, token }).delete();
      }),
  };
}

function show(
  registry: Registry,
  { device, generation, created, revoked, tokenChanged }: Enrolled,
  atMs: number,
  kid: string | undefined,
): void {
  if (revoked) return;
  const { deviceId, tags } = device;
  const token = device.tokenSha256 === undefined ? undefined : { sha256: device.tokenSha256, generation };
  // A feed that failed half way may have shown the change already.
  if (created && registry.auth(deviceId) === undefined) {
    const held = { kid: kidAtFirst(device, kid), tokenIssuedAtMs: atMs };
    const own = tags ?? [];
    registry.add({ deviceId, generation, previous: undefined, revoked: false, tags: own, token, ...held });
    return;
  }
  if (tags !== undefined) registry.setTags(deviceId, tags);
  if (tokenChanged && token !== undefined) registry.setToken(deviceId, token);
}
