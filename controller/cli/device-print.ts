/** Prints devices and their credentials. */
import { shortHex } from '../domain/plan/words.ts';
import { type Io, jsonText, paint } from './io.ts';
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
  readonly generation: number;
  readonly enrolled_at: string;
  readonly has_push_token: boolean;
}

/** The columns of the API, which `ota device import` can read. */
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

/** `wide` adds columns that are rarely needed. */
export function printDevices(rows: readonly DeviceOnWire[], wide: boolean, io: Io): void {
  const { bold, red, dim } = paint(io);
  const runs = ({ build_id, version_code }: DeviceOnWire): string =>
    build_id !== null ? visibleLine(build_id) : version_code === null ? '' : `version ${version_code}`;
  const lines = rows.map(row => [
    row.device_id,
    row.revoked_at === null ? '' : red('revoked'),
    row.tags.join(','),
    runs(row),
    row.last_seen_at === null ? dim('never seen') : row.last_seen_at,
    ...(wide ? wideCells(row) : []),
  ]);
  const head = ['device', 'state', 'tags', 'runs', 'last seen', ...(wide ? WIDE : [])];
  if (rows.length > 0) io.out(table([head.map(h => bold(h)), ...lines]));
  io.err(`${rows.length === 0 ? 'no' : rows.length} ${rows.length === 1 ? 'device' : 'devices'}\n`);
}

const WIDE = ['version', 'API level', 'signer', 'push', 'generation', 'enrolled'];

const wideCells = (row: DeviceOnWire): string[] => [
  row.version_code === null ? '' : String(row.version_code),
  row.sdk === null ? '' : String(row.sdk),
  row.signer === null ? '' : shortHex(row.signer),
  row.has_push_token ? 'yes' : 'no',
  String(row.generation),
  row.enrolled_at,
];

/** Shown only once: the credentials go to standard output, a warning to standard error. */
export function printCredentials(done: string, given: Credentials, asJson: boolean, io: Io): void {
  const { bold, yellow } = paint(io);
  const cure = `give the device new ones: ota device rotate ${given.device_id} --now`;
  if (asJson) {
    io.outOnce(jsonText(given), cure);
    return;
  }
  io.outOnce(
    table([
      [bold('device'), given.device_id],
      [bold('token'), given.token],
      [bold('nudge key'), given.nudge_key],
      [bold('generation'), String(given.generation)],
    ]),
    cure,
  );
  io.err(`${done} ${given.device_id}. ${yellow('Keep these now: they are not shown again.')}\n`);
}
