/** Selects the devices of a verb: a file of ids, or a filter that the controller applies. */
import { type Command, Option } from 'commander';
import { Fault } from '../domain/fault.ts';
import { RECORDED_OUTCOMES } from '../domain/outcome.ts';
import { buildArgument, countArgument, deviceArgument, durationArgument, tagArgument } from './arguments.ts';
import type { Client } from './client.ts';
import { readText } from './device-import.ts';
import { parseDeviceList } from './device-list.ts';
import type { DeviceOnWire } from './device-print.ts';
import type { Io } from './io.ts';

export interface DeviceFilterOptions {
  readonly prefix?: string;
  readonly tag?: string;
  readonly build?: string;
  readonly outcome?: string;
  readonly reason?: string;
  readonly lastSeen?: number;
  readonly notSeenFor?: number;
}

/** Adds the options of a filter. */
export const filterOptions = (command: Command): Command =>
  command
    .option('--prefix <text>', 'only devices whose id starts with this', deviceArgument)
    .option('--tag <tag>', 'only devices with this tag', tagArgument)
    .option('--build <build>', 'only devices that run it (with --outcome: that tried it)', buildArgument)
    .addOption(
      new Option('--outcome <outcome>', 'only devices whose newest attempt had this outcome').choices(
        RECORDED_OUTCOMES,
      ),
    )
    .option('--reason <reason>', 'only devices whose newest attempt had this reason')
    .option('--last-seen <duration>', 'only devices seen in the last 24h, 7d, …', durationArgument)
    .option('--not-seen-for <duration>', 'only devices not seen for this long', durationArgument);

export const limitOption = (command: Command): Command =>
  command.option('--limit <n>', 'stop after this many devices', countArgument(1, 10_000_000));

const seconds = (ms: number | undefined): number | undefined =>
  ms === undefined ? undefined : Math.ceil(ms / 1000);

const queryOf = (options: DeviceFilterOptions) => ({
  prefix: options.prefix,
  tag: options.tag,
  build: options.build,
  outcome: options.outcome,
  reason: options.reason,
  seen_within_s: seconds(options.lastSeen),
  not_seen_for_s: seconds(options.notSeenFor),
});

export const isFiltered = (options: DeviceFilterOptions): boolean =>
  Object.values(queryOf(options)).some(value => value !== undefined);

const PAGE = 1000;

/** All devices that match, page by page, or the first `limit`. */
export async function listDevices(
  client: Client,
  options: DeviceFilterOptions,
  limit = Number.POSITIVE_INFINITY,
): Promise<DeviceOnWire[]> {
  const rows: DeviceOnWire[] = [];
  let after: string | null | undefined;
  do {
    const { json } = await client.call({
      path: '/v1/devices',
      query: { ...queryOf(options), limit: Math.min(PAGE, limit - rows.length), after },
    });
    const page = json as { devices: DeviceOnWire[]; next_after: string | null };
    for (const device of page.devices) rows.push(device);
    after = page.next_after;
  } while (after !== null && rows.length < limit);
  return rows;
}

/** The ids in a file, or of the devices that match. Fault `selection_missing` if neither or both are given. */
export async function selectIds(
  client: Client,
  options: DeviceFilterOptions & { readonly file?: string },
  io: Io,
): Promise<string[]> {
  const filtered = isFiltered(options);
  if (filtered === (options.file !== undefined))
    throw new Fault(
      'selection_missing',
      'name the devices in exactly one way: one id, a filter (--tag, --build, --outcome, …), or --file',
      { retry: 'never' },
    );
  if (options.file === undefined) return (await listDevices(client, options)).map(row => row.device_id);
  const name = options.file === '-' ? 'standard input' : options.file;
  return parseDeviceList(await readText(options.file, io), name).map(device => device.deviceId);
}
