/** Devices and their credentials on a terminal or in a pipe. */
import type { Client } from './client.ts';
import { type Io, paint } from './io.ts';
import { visibleLine } from './problem-formats.ts';
import { table } from './table.ts';

export interface Credentials {
  readonly device_id: string;
  readonly token: string;
  readonly nudge_key: string;
  readonly generation: number;
}

export interface DeviceOnWire {
  readonly device_id: string;
  readonly tags: readonly string[];
  readonly revoked_at: string | null;
  readonly last_seen_at: string | null;
  readonly version_code: number | null;
  readonly build_id: string | null;
  readonly sdk: number | null;
  readonly signer: string | null;
}

const PAGE = 1000;

/** All enrolled devices, page by page, or the first `limit`. */
export async function listDevices(
  client: Client,
  tag: string | undefined,
  limit = Number.POSITIVE_INFINITY,
): Promise<DeviceOnWire[]> {
  const rows: DeviceOnWire[] = [];
  let after: string | undefined;
  do {
    const { json } = await client.call({
      path: '/v1/devices',
      query: { limit: Math.min(PAGE, limit - rows.length), after, tag },
    });
    const page = json as { devices: DeviceOnWire[]; next_after: string | null };
    rows.push(...page.devices);
    after = page.next_after ?? undefined;
  } while (after !== undefined && rows.length < limit);
  return rows;
}

/** In the columns of the API; `ota device import` takes it back. */
export function devicesAsCsv(rows: readonly DeviceOnWire[]): string {
  const columns = [
    'device_id',
    'tags',
    'revoked_at',
    'last_seen_at',
    'version_code',
    'build_id',
    'sdk',
    'signer',
  ];
  const cell = (value: unknown): string =>
    value === null ? '' : Array.isArray(value) ? value.join(' ') : String(value);
  const lines = rows.map(row => columns.map(name => cell(row[name as keyof DeviceOnWire])).join(','));
  return [columns.join(','), ...lines].map(line => `${line}\n`).join('');
}

export function printDevices(rows: readonly DeviceOnWire[], io: Io): void {
  const { bold, red, dim } = paint(io);
  const lines = rows.map(row => [
    row.device_id,
    row.revoked_at === null ? '' : red('revoked'),
    row.tags.join(','),
    row.build_id === null
      ? row.version_code === null
        ? ''
        : `version ${row.version_code}`
      : visibleLine(row.build_id),
    row.last_seen_at === null ? dim('never seen') : row.last_seen_at,
  ]);
  if (rows.length > 0)
    io.out(table([['device', 'state', 'tags', 'runs', 'last seen'].map(h => bold(h)), ...lines]));
  io.err(`${rows.length === 0 ? 'no' : rows.length} ${rows.length === 1 ? 'device' : 'devices'}\n`);
}

/** Shown only once: the credentials go to standard output, a warning to standard error. */
export function printCredentials(done: string, given: Credentials, io: Io): void {
  const { bold, yellow } = paint(io);
  io.out(
    table([
      [bold('device'), given.device_id],
      [bold('token'), given.token],
      [bold('nudge key'), given.nudge_key],
      [bold('generation'), String(given.generation)],
    ]),
  );
  io.err(`${done} ${given.device_id}. ${yellow('Keep these now: they are not shown again.')}\n`);
}
