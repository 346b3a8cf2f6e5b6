/** Many devices at once: the file goes to the controller as it is, which takes all of it or nothing. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { Fault } from '../domain/fault.ts';
import type { Client } from './client.ts';
import { looksLikeCsv, looksLikeJson, parseDeviceList } from './device-list.ts';
import { EXIT, type ExitCode, type Io, outJson, paint } from './io.ts';

const IMPORT_TIMEOUT_MS = 600_000;

interface Imported {
  readonly created: number;
  readonly updated: number;
  readonly devices: readonly { device_id: string; result: string; token?: string; nudge_key?: string }[];
}

/** The file's text, or standard input for `-`. Fault `file_unreadable`. */
export async function readText(file: string, io: Io): Promise<string> {
  try {
    if (file !== '-') return await readFile(path.resolve(io.cwd, file), 'utf8');
    const chunks: Buffer[] = [];
    for await (const chunk of io.stdin()) chunks.push(chunk);
    return Buffer.concat(chunks).toString('utf8');
  } catch (cause) {
    throw unreadable(file, cause);
  }
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EISDIR: 'it is a folder',
  EACCES: 'permission is denied',
};

export function unreadable(file: string, cause: unknown): Fault {
  const { code = '', message } = cause as NodeJS.ErrnoException;
  return new Fault('file_unreadable', `cannot read ${file}: ${REASONS[code] ?? message}`, {
    retry: 'never',
    cause,
  });
}

export async function importDevices(
  client: Client,
  file: string,
  asJson: boolean,
  io: Io,
): Promise<ExitCode> {
  const text = await readText(file, io);
  const { body, type } = bodyOf(text, file === '-' ? 'standard input' : file);
  const { json } = await client.call({
    method: 'POST',
    path: '/v1/devices/import',
    body: { bytes: single(body), type, length: body.length },
    timeoutMs: IMPORT_TIMEOUT_MS,
  });
  const done = json as Imported;
  if (asJson) outJson(io, done);
  else
    io.out(
      ['device_id,result,token,nudge_key', ...done.devices.map(csvLine)].map(line => `${line}\n`).join(''),
    );
  const keep =
    done.created === 0
      ? ''
      : ` ${paint(io).yellow('Keep the output now: tokens and keys are not shown again.')}`;
  io.err(`${done.created} enrolled, ${done.updated} updated.${keep}\n`);
  return EXIT.fine;
}

const csvLine = (d: Imported['devices'][number]): string =>
  [d.device_id, d.result, d.token ?? '', d.nudge_key ?? ''].join(',');

async function* single(body: Buffer): AsyncGenerator<Buffer> {
  yield body;
}

/** CSV and JSON are sent as they are; a plain list of ids becomes JSON. */
function bodyOf(text: string, name: string): { body: Buffer; type: string } {
  if (looksLikeJson(text)) return { body: Buffer.from(text), type: 'application/json' };
  if (looksLikeCsv(text)) return { body: Buffer.from(text), type: 'text/csv' };
  const devices = parseDeviceList(text, name).map(d => ({ device_id: d.deviceId }));
  return { body: Buffer.from(JSON.stringify(devices)), type: 'application/json' };
}
