/**
 * Fills the registry at a start, and reads devices again that another controller has changed. The database makes one
 * JSON text of each page, since one row object per device costs three times as much. The next page is read while this
 * one is taken in.
 */
import type { Knex } from 'knex';
import type { BuildId, DeviceId, Sha256 } from '../domain/ids.ts';
import type { Db } from './db.ts';
import { previousOf } from './device-rows.ts';
import { type Cell, jsonRows, pieces, rowsOf } from './dialect.ts';
import type { RegisteredDevice } from './registered-device.ts';
import type { Registry } from './registry.ts';

const PAGE = 10_000;

/** In the order of {@link COLUMNS}. */
type Loaded = readonly [
  deviceId: DeviceId,
  generation: number,
  previousUntilMs: number,
  previousGeneration: number | null,
  kid: string | null,
  issuedAtMs: number,
  revokedAtMs: number | null,
  tokenSha256: Sha256 | null,
  tokenGeneration: number | null,
  atMs: number | null,
  versionCode: number | null,
  buildId: BuildId | null,
  gapS: number | null,
];
const COLUMNS = [
  'd.device_id',
  'd.generation',
  'd.previous_until_ms',
  'd.previous_generation',
  'd.token_kid',
  'd.token_issued_at_ms',
  'd.revoked_at_ms',
  'd.token_sha256',
  'd.token_generation',
  'c.at_ms',
  'c.version_code',
  'c.build_id',
  'c.gap_s',
];

interface Page {
  readonly rows: readonly Loaded[];
  readonly tags: ReadonlyMap<DeviceId, readonly string[]>;
}

/** `pageSize`: devices at a time; a million rows at once would not fit. */
export async function loadRegistry(db: Db, registry: Registry, pageSize = PAGE): Promise<void> {
  const middle = await middleOf(db, pageSize);
  if (middle === undefined) return loadRange(db, registry, { after: '', upTo: undefined }, pageSize);
  // Two halves at once: the database makes a page of one half while we take in a page of the other.
  await Promise.all([
    loadRange(db, registry, { after: '', upTo: middle }, pageSize),
    loadRange(db, registry, { after: middle, upTo: undefined }, pageSize),
  ]);
}

/** Undefined for a fleet of a few pages, which needs no second reader. */
async function middleOf(db: Db, pageSize: number): Promise<DeviceId | undefined> {
  const ids = (reader: Knex) => reader<{ device_id: DeviceId }>('devices');
  const [counted] = await db.read(reader => ids(reader).count<{ devices: number }[]>({ devices: '*' }));
  const devices = Number(counted?.devices ?? 0);
  if (devices <= 2 * pageSize) return undefined;
  const row = await db.read(reader =>
    ids(reader)
      .orderBy('device_id')
      .offset(Math.floor(devices / 2))
      .first('device_id'),
  );
  return row?.device_id;
}

/** Devices by id: those after one id, up to another. */
interface Range {
  readonly after: DeviceId;
  readonly upTo: DeviceId | undefined;
}

async function loadRange(
  db: Db,
  registry: Registry,
  { after, upTo }: Range,
  pageSize: number,
): Promise<void> {
  let next = readPage(db, after, pageSize);
  for (;;) {
    const { rows, tags } = await next;
    const last = rows.at(-1)?.[0];
    if (last === undefined) return;
    // The upper bound is checked here. In the query it would make a database without statistics read the whole half for
    // each page.
    const isLast = upTo !== undefined && last >= upTo;
    if (!isLast) next = readPage(db, last, pageSize);
    // The next await gets its failure; until then the failure is ignored.
    next.catch(() => undefined);
    for (const row of rows)
      if (upTo === undefined || row[0] <= upTo) register(registry, row, tags.get(row[0]) ?? []);
    if (isLast) return;
  }
}

async function readPage(db: Db, after: DeviceId, pageSize: number): Promise<Page> {
  const rows = await readRows(
    db,
    `from (select * from devices where device_id > ? order by device_id limit ?) as d
     left join (select * from check_ins where device_id > ? order by device_id limit ?) as c
       on c.device_id = d.device_id
     order by d.device_id`,
    [after, pageSize, after, pageSize],
  );
  const last = rows.at(-1)?.[0];
  if (last === undefined) return { rows, tags: new Map() };
  const tags = (reader: Knex) =>
    reader<TagRecord>('device_tags').where('device_id', '>', after).where('device_id', '<=', last);
  return { rows, tags: await readTags(db, tags) };
}

async function readRows(db: Pick<Db, 'read'>, rest: string, bindings: readonly Cell[]): Promise<Loaded[]> {
  const [made] = await db.read(reader => {
    const { sql, bindings: bound } = jsonRows(reader, COLUMNS, rest, bindings);
    return rowsOf<{ rows: string | null }>(reader.raw(sql, bound));
  });
  return JSON.parse(made?.rows ?? '[]') as Loaded[];
}

interface TagRecord {
  readonly device_id: DeviceId;
  readonly tag: string;
}

async function readTags(
  db: Pick<Db, 'read'>,
  query: (reader: Knex) => PromiseLike<TagRecord[]>,
): Promise<Map<DeviceId, string[]>> {
  const tags = new Map<DeviceId, string[]>();
  for (const { device_id, tag } of await db.read(query)) {
    const known = tags.get(device_id);
    if (known === undefined) tags.set(device_id, [tag]);
    else known.push(tag);
  }
  return tags;
}

function register(registry: Registry, row: Loaded, tags: readonly string[]): void {
  const [deviceId, , , , , , , , , atMs, versionCode, buildId, gapS] = row;
  registry.add(deviceOf(row, tags));
  if (atMs !== null && versionCode !== null)
    registry.seen({ deviceId, atMs, versionCode, buildId: buildId ?? undefined });
  if (gapS !== null) registry.setGap(deviceId, gapS);
}

function deviceOf(row: Loaded, tags: readonly string[]): RegisteredDevice {
  const [deviceId, generation, previousUntilMs, previousGeneration, kid, issuedAtMs, revokedAtMs] = row;
  const [, , , , , , , tokenSha256, tokenGeneration] = row;
  return {
    deviceId,
    generation,
    previous: previousOf({
      generation,
      previous_until_ms: previousUntilMs,
      previous_generation: previousGeneration,
    }),
    kid: kid ?? undefined,
    tokenIssuedAtMs: issuedAtMs,
    revoked: revokedAtMs !== null,
    tags,
    token:
      tokenSha256 === null || tokenGeneration === null
        ? undefined
        : { sha256: tokenSha256, generation: tokenGeneration },
  };
}

/** Devices per query when they are read again. */
const REFRESHED = 1_000;

/** Makes memory match the committed rows of these devices. Returns those that are no longer enrolled. */
export async function refreshDevices(
  db: Pick<Db, 'read'>,
  registry: Registry,
  deviceIds: readonly DeviceId[],
): Promise<DeviceId[]> {
  const gone: DeviceId[] = [];
  for (const ids of pieces(deviceIds, REFRESHED)) {
    const marks = ids.map(() => '?').join(', ');
    const rows = await readRows(
      db,
      `from (select * from devices where device_id in (${marks})) as d
       left join check_ins as c on c.device_id = d.device_id`,
      ids,
    );
    const tags = await readTags(db, reader =>
      reader<TagRecord>('device_tags').whereIn('device_id', [...ids]),
    );
    const left = new Set(ids);
    for (const row of rows) {
      refresh(registry, deviceOf(row, tags.get(row[0]) ?? []));
      left.delete(row[0]);
    }
    for (const deviceId of left) {
      if (registry.auth(deviceId) !== undefined) registry.remove(deviceId);
      gone.push(deviceId);
    }
  }
  return gone;
}

function refresh(registry: Registry, device: RegisteredDevice): void {
  const { deviceId, generation, tokenIssuedAtMs } = device;
  const known = registry.auth(deviceId);
  if (known === undefined) {
    registry.add(device);
    return;
  }
  if (device.revoked) registry.revoke(deviceId);
  else if (known.revoked) registry.readmit(deviceId, generation, tokenIssuedAtMs);
  registry.setGeneration(deviceId, generation, device.previous, tokenIssuedAtMs);
  registry.setTags(deviceId, device.tags);
  if (device.kid !== undefined) registry.setKid(deviceId, device.kid);
  registry.setToken(deviceId, device.token);
}
