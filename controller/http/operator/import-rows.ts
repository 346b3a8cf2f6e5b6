/** Reads devices to import from CSV or JSON. All wrong rows are reported, and none is guessed. */
import type { IncomingMessage } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { CsvError, parse } from 'csv-parse';
import type { Context } from 'koa';
import type { ImportRow } from '../../../schemas/api.d.ts';
import type { NewDevice } from '../../ports/index.ts';
import { askForBody, bodyPieces, mediaType, needLengthWithin, needMediaType, readJson } from '../body.ts';
import type { Contract } from '../contract.ts';
import { Refusal } from '../problem.ts';

export interface RowError {
  /** Counts from 1. The header of a CSV is not counted. */
  readonly row: number;
  readonly path: string;
  readonly message: string;
}

export interface ImportLimits {
  readonly importMaxBytes: number;
  readonly importMaxRows: number;
}

const SHOWN_ERRORS = 1000;
const MAX_RECORD_CHARS = 16_384;
/** Rows checked in one go, so that update checks are answered during an import. */
const TURN_ROWS = 500;

const tooLarge = (limits: ImportLimits): Refusal =>
  new Refusal(
    'body_too_large',
    `an import has at most ${limits.importMaxRows} rows and ${limits.importMaxBytes} bytes`,
  );

async function* bounded(req: IncomingMessage, limits: ImportLimits): AsyncGenerator<Buffer> {
  let bytes = 0;
  for await (const piece of bodyPieces(req)) {
    bytes += piece.length;
    if (bytes > limits.importMaxBytes) throw tooLarge(limits);
    yield piece;
  }
}

/** An empty cell counts as absent. Tags are separated by spaces, `;` or `|`. */
const cells = (record: Record<string, string>): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(record)
      .filter(([, value]) => value !== '')
      .map(([name, value]) => [name, name === 'tags' ? value.split(/[\s;|]+/).filter(t => t !== '') : value]),
  );

/** Of a column that stands twice one would win unseen. */
function onceEach(header: string[]): string[] {
  const twice = header.find((name, at) => header.indexOf(name) !== at);
  if (twice === undefined) return header;
  throw new Refusal(
    'import_invalid',
    `the header names the column ${JSON.stringify(twice.slice(0, 64))} twice`,
  );
}

async function* csvRows(ctx: Context, limits: ImportLimits): AsyncGenerator<unknown> {
  needLengthWithin(ctx.req, limits.importMaxBytes);
  askForBody(ctx.req, ctx.res);
  const parser = parse({
    columns: onceEach,
    bom: true,
    trim: true,
    skip_empty_lines: true,
    max_record_size: MAX_RECORD_CHARS,
  });
  const fed = pipeline(bounded(ctx.req, limits), parser);
  try {
    for await (const record of parser) yield cells(record as Record<string, string>);
    await fed;
  } catch (cause) {
    await Promise.allSettled([fed]);
    if (!(cause instanceof CsvError)) throw cause;
    throw new Refusal('import_invalid', `line ${parser.info.lines} is not CSV: ${cause.code}`, { cause });
  }
}

async function* jsonRows(ctx: Context, limits: ImportLimits): AsyncGenerator<unknown> {
  const given = await readJson(ctx, limits.importMaxBytes);
  const listed = typeof given === 'object' && given !== null && 'devices' in given ? given.devices : given;
  if (!Array.isArray(listed))
    throw new Refusal('import_invalid', 'expected a JSON array of devices, or {"devices": […]}');
  yield* listed;
}

/** All rows, or a Refusal `import_invalid` that lists what is wrong with each (at most the first 1,000). */
export async function readImport(
  ctx: Context,
  contract: Contract,
  limits: ImportLimits,
): Promise<NewDevice[]> {
  needMediaType(ctx.req, 'application/json', 'text/csv');
  const rows = mediaType(ctx.req) === 'text/csv' ? csvRows(ctx, limits) : jsonRows(ctx, limits);
  const devices: NewDevice[] = [];
  const errors: RowError[] = [];
  const seen = { device_id: new Map<string, number>(), token_sha256: new Map<string, number>() };
  let row = 0;
  let wrong = 0;
  const note = (path: string, message: string): void => {
    wrong += 1;
    if (errors.length < SHOWN_ERRORS) errors.push({ row, path, message });
  };
  for await (const value of rows) {
    row += 1;
    if (row > limits.importMaxRows) throw tooLarge(limits);
    if (row % TURN_ROWS === 0) await nextTurn();
    const found = contract.errors('ImportRow', value);
    for (const { path, message } of found) note(path, message);
    if (found.length > 0) continue;
    const given = value as ImportRow;
    for (const name of ['device_id', 'token_sha256'] as const) {
      const text = given[name];
      if (text === undefined) continue;
      const before = seen[name].get(text);
      if (before !== undefined) note(`/${name}`, `is the same as in row ${before}`);
      else seen[name].set(text, row);
    }
    devices.push({ deviceId: given.device_id, tags: given.tags ?? [], tokenSha256: given.token_sha256 });
  }
  if (wrong > 0)
    throw new Refusal('import_invalid', `${wrong} mistakes in ${row} rows; nothing was imported`, {
      members: { rows: row, errors_total: wrong, errors },
    });
  if (row === 0) throw new Refusal('import_invalid', 'the import has no rows');
  return devices;
}
