/** One change to many devices, each audited in the transaction that makes it. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Knex } from 'knex';
import { type DeviceChange, isChangedBy, tagsAfter } from '../domain/device-change.ts';
import type { DeviceId } from '../domain/ids.ts';
import type { AuditEntry } from '../ports/index.ts';
import { insertAudit } from './audit.ts';
import type { CheckIns } from './check-ins.ts';
import type { Db } from './db.ts';
import type { DeviceRecord } from './device-rows.ts';
import { bulk, pieces } from './dialect.ts';
import { eraseRows } from './erase.ts';
import type { AfterWrite } from './feed.ts';
import type { Registry } from './registry.ts';
import { replaceTags, tagsOf } from './tags.ts';

/** Devices per transaction: few enough that other writes do not wait long. */
const TOGETHER = 100;

/** The effect of a change on one device, for memory and for the audit. */
interface Changed {
  readonly deviceId: DeviceId;
  readonly tags: readonly string[];
}

interface Many {
  readonly db: Db;
  readonly registry: Registry;
  readonly checkIns: CheckIns;
  readonly shown: AfterWrite;
}

/** The ids that were changed. Unknown devices and devices without a change are left out and get no audit row. */
export async function changeMany(
  { db, registry, checkIns, shown }: Many,
  deviceIds: readonly DeviceId[],
  change: DeviceChange,
  auditOf: (deviceId: DeviceId, detail: Readonly<Record<string, unknown>>) => AuditEntry,
): Promise<DeviceId[]> {
  const done: DeviceId[] = [];
  for (const piece of pieces([...new Set(deviceIds)], TOGETHER)) {
    const changed = await db.write(async trx => {
      const found = await standing(trx, piece, change);
      const detail = (one: Changed) => (change.kind === 'tags' ? { tags: one.tags } : {});
      const audit = found.map(one => auditOf(one.deviceId, detail(one)));
      await write(trx, found, change, audit[0]);
      await insertAudit(trx, audit);
      return found;
    });
    await shown(() => {
      for (const one of changed) show(registry, checkIns, one, change);
    });
    for (const { deviceId } of changed) done.push(deviceId);
    await nextTurn();
  }
  return done;
}

async function standing(trx: Knex, deviceIds: readonly DeviceId[], change: DeviceChange): Promise<Changed[]> {
  const rows = await bulk<Pick<DeviceRecord, 'device_id' | 'revoked_at_ms'>>(
    trx,
    ['device_id'],
    deviceIds.map(id => [id]),
    input => `select d.device_id, d.revoked_at_ms from ${input} as input
      join devices as d on d.device_id = input.device_id`,
  );
  const tagsBefore = await tagsOf(
    trx,
    rows.map(row => row.device_id),
  );
  return rows.flatMap(({ device_id: deviceId, revoked_at_ms }) => {
    const tags = tagsBefore.get(deviceId) ?? [];
    return isChangedBy({ tags, revoked: revoked_at_ms !== null }, change)
      ? [{ deviceId, tags: tagsAfter(tags, change) }]
      : [];
  });
}

async function write(
  trx: Knex,
  found: readonly Changed[],
  change: DeviceChange,
  first: AuditEntry | undefined,
): Promise<void> {
  if (first === undefined) return;
  const ids = found.map(one => one.deviceId);
  if (change.kind === 'tags') return replaceTags(trx, ids, found, { atMs: first.atMs, by: first.actor });
  if (change.kind === 'erase') {
    for (const id of ids) await eraseRows(trx, id);
    return;
  }
  await trx('devices').whereIn('device_id', ids).update({ revoked_at_ms: change.atMs });
}

function show(
  registry: Registry,
  checkIns: CheckIns,
  { deviceId, tags }: Changed,
  change: DeviceChange,
): void {
  if (change.kind === 'tags') registry.setTags(deviceId, tags);
  else if (change.kind === 'revoke') registry.revoke(deviceId);
  else {
    checkIns.forget(deviceId);
    if (registry.auth(deviceId) !== undefined) registry.remove(deviceId);
  }
}
