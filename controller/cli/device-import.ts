/** Enrols many devices at once. The file is sent unchanged, and the controller accepts all of it or nothing. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { encodingOf } from '../domain/device-sheet.ts';
import { Fault } from '../domain/fault.ts';
import type { Client } from './client.ts';
import { looksLikeCsv, looksLikeJson, parseDeviceList } from './device-list.ts';
import { EXIT, type ExitCode, type Io, jsonText, paint } from './io.ts';

const IMPORT_TIMEOUT_MS = 600_000;

interface Imported {
  readonly created: number;
  readonly updated: number;
  readonly revoked: number;
  readonly devices: readonly { device_id: string; result: string; token?: string; nudge_key?: string }[];
}

/** The file's text, or standard input for `-`; UTF-8 or UTF-16. Fault `file_unreadable`. */
export async function readText(file: string, io: Io): Promise<string> {
  try {
    const bytes = file === '-' ? await allOf(io.stdin()) : await readFile(path.resolve(io.cwd, file));
    return new TextDecoder(encodingOf(bytes), { fatal: true }).decode(bytes);
  } catch (cause) {
    throw unreadable(file, cause);
  }
}

async function allOf(stream: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EISDIR: 'it is a folder',
  EACCES: 'permission is denied',
  ERR_ENCODING_INVALID_ENCODED_DATA: 'it is neither UTF-8 nor UTF-16; save it as CSV UTF-8',
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
  options: { json?: boolean; yes?: boolean },
  io: Io,
): Promise<ExitCode> {
  const text = await readText(file, io);
  const { body, type } = bodyOf(text, file === '-' ? 'standard input' : file);
  const { json } = await client.call({
    method: 'POST',
    path: '/v1/devices/import',
    query: { yes: options.yes === true ? 'true' : undefined },
    body: { bytes: single(body), type, length: body.length },
    timeoutMs: IMPORT_TIMEOUT_MS,
  });
  const done = json as Imported;
  const printed =
    options.json === true
      ? jsonText(done)
      : ['device_id,result,token,nudge_key', ...done.devices.map(csvLine)].map(line => `${line}\n`).join('');
  if (done.created === 0) io.out(printed);
  else
    io.outOnce(
      printed,
      'the devices are enrolled: give each one new credentials (ota device rotate ID --now), or delete them and import again',
    );
  const keep =
    done.created === 0
      ? ''
      : ` ${paint(io).yellow('Keep the output now: tokens and keys are not shown again.')}`;
  const revoked =
    done.revoked === 0
      ? ''
      : ` ${done.revoked} revoked and skipped: to readmit one, run ota device rotate ID --readmit.`;
  io.err(`${done.created} enrolled, ${done.updated} updated.${revoked}${keep}\n`);
  return EXIT.fine;
}

const csvLine = (d: Imported['devices'][number]): string =>
  [d.device_id, d.result, d.token ?? '', d.nudge_key ?? ''].join(',');

async function* single(body: Buffer): AsyncGenerator<Buffer> {
  yield body;
}

/** CSV and JSON are sent as they are, in UTF-8. A plain list of ids becomes JSON. */
function bodyOf(text: string, name: string): { body: Buffer; type: string } {
  if (looksLikeJson(text)) return { body: Buffer.from(text), type: 'application/json' };
  if (looksLikeCsv(text)) return { body: Buffer.from(text), type: 'text/csv' };
  const devices = parseDeviceList(text, name).map(d => ({ device_id: d.deviceId }));
  return { body: Buffer.from(JSON.stringify(devices)), type: 'application/json' };
}
