/** The tags of devices. Every change of tags leaves a row with the tags before and after it. */
import type { Knex } from 'knex';
import type { DeviceId } from '../domain/ids.ts';
import type { NewDevice } from '../ports/index.ts';
import { bulk, type Cell } from './dialect.ts';

/** Who changed tags, and when. */
export interface Changing {
  readonly atMs: number;
  /** As in the audit: `admin:<token name>`. */
  readonly by: string;
}

type Tagged = Pick<NewDevice, 'deviceId' | 'tags'>;

const ordered = (tags: readonly string[]): string[] => [...new Set(tags)].sort();

/** Removes the tags of `known` devices first; new devices have none. */
export async function replaceTags(
  trx: Knex,
  known: readonly DeviceId[],
  devices: readonly Tagged[],
  changing: Changing,
): Promise<void> {
  await keepChanges(trx, known, devices, changing);
  await bulk(
    trx,
    ['device_id'],
    known.map(deviceId => [deviceId]),
    input => `delete from device_tags where device_id in (select input.device_id from ${input} as input)`,
  );
  await bulk(
    trx,
    ['device_id', 'tag'],
    devices.flatMap(d => ordered(d.tags ?? []).map(tag => [d.deviceId, tag])),
    input => `insert into device_tags (device_id, tag) select device_id, tag from ${input} as input`,
  );
}

/** The first tags of a new device are not a change: they apply from its enrolment on. */
async function keepChanges(
  trx: Knex,
  known: readonly DeviceId[],
  devices: readonly Tagged[],
  { atMs, by }: Changing,
): Promise<void> {
  const before = await tagsOf(trx, known);
  const rows = devices.flatMap(({ deviceId, tags = [] }): Cell[][] => {
    const was = before.get(deviceId);
    const [from, to] = [JSON.stringify(was ?? []), JSON.stringify(ordered(tags))];
    return was === undefined || from === to ? [] : [[deviceId, atMs, by, from, to]];
  });
  await bulk(
    trx,
    ['device_id', 'at_ms', 'changed_by', 'before', 'after'],
    rows,
    input => `insert into tag_changes (device_id, at_ms, changed_by, before, after)
      select device_id, at_ms, changed_by, before, after from ${input} as input`,
  );
}

/** Sorted; a device without tags has an empty list. */
export async function tagsOf(trx: Knex, deviceIds: readonly DeviceId[]): Promise<Map<DeviceId, string[]>> {
  const tags = new Map<DeviceId, string[]>(deviceIds.map(id => [id, []]));
  const rows = await bulk<{ device_id: DeviceId; tag: string }>(
    trx,
    ['device_id'],
    deviceIds.map(id => [id]),
    input => `select t.device_id, t.tag from ${input} as input
      join device_tags as t on t.device_id = input.device_id order by t.device_id, t.tag`,
  );
  for (const { device_id, tag } of rows) tags.get(device_id)?.push(tag);
  return tags;
}
