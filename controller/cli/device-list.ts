/**
 * Reads a file of devices: one id per line, CSV with a header, or JSON. Every line is checked and nothing is guessed, so
 * that a wrong id never gets a bucket (SPEC §3).
 */
import { parse as parseCsv } from 'csv-parse/sync';
import type { Device } from '../domain/decision.ts';
import {
  columnOf,
  isSeparatorLine,
  looksLikeHeader,
  type SheetHeader,
  sheetHeader,
} from '../domain/device-sheet.ts';
import { Fault } from '../domain/fault.ts';
import { isDeviceId, isName, isSha256 } from '../domain/ids.ts';
import { visibleLine } from './problem-formats.ts';

/** A device in a list. Values that the list leaves out are undefined. */
export type ListedDevice = Omit<Device, 'versionCode'> & { readonly versionCode: number | undefined };

const MAX_DEVICES = 2_000_000;
const SHOWN = 5;

/** Fault `device_list_invalid`; its text names the first wrong lines. */
export function parseDeviceList(text: string, name: string): ListedDevice[] {
  const rows = rowsOf(text.replace(/^\uFEFF/, ''), name);
  if (rows.length === 0) throw invalid(name, ['it lists no device']);
  if (rows.length > MAX_DEVICES) throw invalid(name, [`it lists more than ${MAX_DEVICES} devices`]);
  const wrong: string[] = [];
  const seen = new Set<string>();
  const devices: ListedDevice[] = [];
  for (const row of rows) {
    // `ota device list --json` also lists revoked devices, but they are offered nothing.
    if (typeof row.fields.revoked_at === 'string') continue;
    const device = deviceOf(row, wrong);
    if (device === undefined) continue;
    if (seen.has(device.deviceId)) wrong.push(`${row.at}: ${device.deviceId} is listed twice`);
    seen.add(device.deviceId);
    devices.push(device);
  }
  if (wrong.length > 0) throw invalid(name, wrong);
  return devices;
}

const invalid = (name: string, wrong: readonly string[]): Fault => {
  const more = wrong.length > SHOWN ? [`and ${wrong.length - SHOWN} more`] : [];
  return new Fault(
    'device_list_invalid',
    `${name} cannot be used as a device list\n  ${[...wrong.slice(0, SHOWN), ...more].join('\n  ')}`,
    {
      retry: 'never',
    },
  );
};

interface Row {
  /** `line 3`, `device 3`. */
  readonly at: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

export const looksLikeJson = (text: string): boolean => /^\uFEFF?\s*[[{]/.test(text);

/** The header, if the first line has a `device_id` column. */
const headerOf = (text: string): SheetHeader | undefined =>
  sheetHeader(withoutSeparator(text).split('\n', 1)[0] ?? '');

const withoutSeparator = (text: string): string => {
  const start = text.replace(/^\uFEFF/, '').trimStart();
  const [first = ''] = start.split('\n', 1);
  return isSeparatorLine(first) ? start.slice(first.length + 1) : start;
};

export const looksLikeCsv = (text: string): boolean => headerOf(text) !== undefined;

function rowsOf(text: string, name: string): Row[] {
  if (looksLikeJson(text)) return jsonRows(text, name);
  const header = headerOf(text);
  if (header !== undefined) return csvRows(withoutSeparator(text), header, name);
  const [first = ''] = text.trimStart().split('\n', 1);
  if (looksLikeHeader(first))
    throw invalid(name, [
      `line 1: ${visibleLine(JSON.stringify(first.trim()))} looks like a column header: name the column device_id, or remove the line`,
    ]);
  return text.split(/\r?\n/).flatMap((line, index) => {
    const id = line.replace(/#.*$/, '').trim();
    return id === '' ? [] : [{ at: `line ${index + 1}`, fields: { device_id: id } }];
  });
}

function jsonRows(text: string, name: string): Row[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw invalid(name, [`it is not JSON: ${visibleLine((cause as Error).message)}`]);
  }
  const list = Array.isArray(value) ? value : (value as { devices?: unknown }).devices;
  if (!Array.isArray(list)) throw invalid(name, ['expected a JSON array of devices, or {"devices": […]}']);
  return list.map((item: unknown, index) => ({
    at: `device ${index + 1}`,
    fields:
      typeof item === 'object' && item !== null && !Array.isArray(item)
        ? (item as Record<string, unknown>)
        : { device_id: item },
  }));
}

function csvRows(text: string, { delimiter }: SheetHeader, name: string): Row[] {
  try {
    const records = parseCsv(text, {
      columns: (names: string[]) => names.map(columnOf),
      delimiter,
      trim: true,
      skip_empty_lines: true,
      info: true,
      bom: true,
    }) as {
      info: { lines: number };
      record: Record<string, string>;
    }[];
    return records.map(({ info, record }) => ({
      at: `line ${info.lines}`,
      fields: Object.fromEntries(Object.entries(record).filter(([, value]) => value !== '')),
    }));
  } catch (cause) {
    throw invalid(name, [`it is not CSV: ${visibleLine((cause as Error).message)}`]);
  }
}

function deviceOf({ at, fields }: Row, wrong: string[]): ListedDevice | undefined {
  const id = fields.device_id;
  if (typeof id !== 'string' || !isDeviceId(id)) {
    wrong.push(
      `${at}: ${visibleLine(JSON.stringify(id)?.slice(0, 80) ?? 'nothing')} is not a valid device id: use 1 to 64 of A-Z a-z 0-9 . _ : -`,
    );
    return undefined;
  }
  const tags = tagsOf(fields.tags);
  const badTag = tags.find(tag => !isName(tag));
  if (badTag !== undefined)
    wrong.push(
      `${at}: ${visibleLine(JSON.stringify(badTag))} is not a valid tag: use lower-case letters, digits, . _ -`,
    );
  const versionCode = wholeOf(fields.version_code, 'version_code', at, wrong);
  const sdk = wholeOf(fields.sdk, 'sdk', at, wrong);
  const signer = fields.signer ?? undefined;
  if (signer !== undefined && (typeof signer !== 'string' || !isSha256(signer)))
    wrong.push(`${at}: signer must be 64 lower-case hex digits`);
  return {
    deviceId: id,
    tags,
    versionCode,
    ...(typeof fields.build_id === 'string' ? { buildId: fields.build_id } : {}),
    ...(sdk === undefined ? {} : { sdk }),
    ...(typeof signer === 'string' ? { signer } : {}),
  };
}

/** A JSON array, or words separated by spaces, `;` or `|`. */
const tagsOf = (value: unknown): string[] =>
  Array.isArray(value)
    ? value.map(String)
    : typeof value === 'string'
      ? value.split(/[\s;|,]+/).filter(t => t !== '')
      : [];

function wholeOf(value: unknown, name: string, at: string, wrong: string[]): number | undefined {
  if (value === undefined || value === null) return undefined;
  const number = typeof value === 'string' && /^\d{1,10}$/.test(value) ? Number(value) : value;
  if (typeof number === 'number' && Number.isInteger(number) && number >= 0 && number <= 2_100_000_000)
    return number;
  wrong.push(`${at}: ${name} must be a whole number`);
  return undefined;
}
