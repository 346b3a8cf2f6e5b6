/** Reads devices to import from CSV or JSON. All wrong rows are reported, and none is guessed. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Context } from 'koa';
import type { ImportRow } from '../../../schemas/api.d.ts';
import { countText } from '../../domain/plan/words.ts';
import type { NewDevice } from '../../ports/index.ts';
import { askForBody, bodyPieces, type Pace, requireLengthWithin, requireMediaType } from '../body.ts';
import type { Contract } from '../contract.ts';
import { Refusal } from '../problem.ts';
import { csvRows } from './csv-rows.ts';
import { jsonRows } from './json-rows.ts';

interface RowError {
  /** Counts from 1. The header of a CSV is not counted. */
  readonly row: number;
  readonly path: string;
  readonly message: string;
}

interface ImportLimits {
  readonly importMaxBytes: number;
  readonly importMaxRows: number;
  readonly uploadPace: Pace;
}

interface ImportedRows {
  readonly devices: NewDevice[];
  /** Ids of rows that an export marks as revoked: they are not enrolled. */
  readonly revoked: string[];
}

const SHOWN_ERRORS = 1000;
/** Rows checked in one go, so that update checks are answered during an import. */
const TURN_ROWS = 500;
/** Means "no tags"; an absent or empty cell means "keep the tags". */
const CLEAR = '-';

const tooLarge = (limits: ImportLimits): Refusal =>
  new Refusal(
    'body_too_large',
    `an import has at most ${limits.importMaxRows} rows and ${limits.importMaxBytes} bytes: split the file`,
  );

async function* bounded(ctx: Context, limits: ImportLimits): AsyncGenerator<Buffer> {
  requireLengthWithin(ctx.req, limits.importMaxBytes);
  askForBody(ctx.req, ctx.res);
  let bytes = 0;
  for await (const piece of bodyPieces(ctx.req, limits.uploadPace)) {
    bytes += piece.length;
    if (bytes > limits.importMaxBytes) throw tooLarge(limits);
    yield piece;
  }
}

/** Undefined keeps the tags of a known device. */
const tagsOf = ({ tags = [] }: ImportRow): readonly string[] | undefined =>
  tags.length === 0 ? undefined : tags.includes(CLEAR) ? [] : tags;

/** Checks what the schema cannot express; empty when the row is valid. */
class Rules {
  readonly #seen = { device_id: new Map<string, number>(), token_sha256: new Map<string, number>() };

  *broken(given: ImportRow, row: number): Generator<Omit<RowError, 'row'>> {
    if (given.tags !== undefined && given.tags.length > 1 && given.tags.includes(CLEAR))
      yield { path: '/tags', message: `"${CLEAR}" takes all tags away and must stand alone` };
    for (const name of ['device_id', 'token_sha256'] as const) {
      const text = given[name];
      if (text === undefined) continue;
      const before = this.#seen[name].get(text);
      if (before !== undefined) yield { path: `/${name}`, message: `is the same as in row ${before}` };
      else this.#seen[name].set(text, row);
    }
  }
}

/** All rows, or a Refusal `import_invalid` that lists the mistakes of each row (at most the first 1,000). */
export async function readImport(
  ctx: Context,
  contract: Contract,
  limits: ImportLimits,
): Promise<ImportedRows> {
  const type = requireMediaType(ctx.req, 'application/json', 'text/csv');
  const pieces = bounded(ctx, limits);
  const devices: NewDevice[] = [];
  const revoked: string[] = [];
  const errors: RowError[] = [];
  const rules = new Rules();
  let row = 0;
  let wrong = 0;
  for await (const value of type === 'text/csv' ? csvRows(pieces) : jsonRows(pieces)) {
    row += 1;
    if (row > limits.importMaxRows) throw tooLarge(limits);
    if (row % TURN_ROWS === 0) await nextTurn();
    const misfits = contract.errors('ImportRow', value);
    const given = value as ImportRow;
    const found = misfits.length > 0 ? misfits : [...rules.broken(given, row)];
    wrong += found.length;
    for (const { path, message } of found)
      if (errors.length < SHOWN_ERRORS) errors.push({ row, path, message });
    if (found.length > 0) continue;
    if (typeof given.revoked_at === 'string') revoked.push(given.device_id);
    else devices.push({ deviceId: given.device_id, tags: tagsOf(given), tokenSha256: given.token_sha256 });
  }
  if (wrong > 0)
    throw new Refusal(
      'import_invalid',
      `${countText(wrong, 'mistake')} in ${countText(row, 'row')}; nothing was imported`,
      {
        members: { rows: row, errors_total: wrong, errors },
      },
    );
  if (row === 0) throw new Refusal('import_invalid', 'the import has no rows');
  return { devices, revoked };
}
