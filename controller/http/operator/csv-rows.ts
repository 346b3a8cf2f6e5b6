/**
 * Parses a stream of CSV into rows of devices. Accepts what spreadsheets write, and refuses the rest with the reason.
 */
import { pipeline } from 'node:stream/promises';
import { CsvError, type Parser, parse } from 'csv-parse';
import {
  encodingOf,
  IMPORT_COLUMNS,
  isSeparatorLine,
  READ_ONLY_COLUMNS,
  type SheetHeader,
  sheetHeader,
} from '../../domain/device-sheet.ts';
import { Refusal } from '../problem.ts';

const MAX_RECORD_CHARS = 16_384;

const invalid = (detail: string, cause?: unknown): Refusal =>
  new Refusal('import_invalid', detail, cause === undefined ? {} : { cause });

/** Text of the bytes, which are UTF-8 or UTF-16. */
async function* decoded(pieces: AsyncIterable<Buffer>): AsyncGenerator<string> {
  let decoder: InstanceType<typeof TextDecoder> | undefined;
  try {
    for await (const piece of pieces) {
      decoder ??= new TextDecoder(encodingOf(piece), { fatal: true });
      yield decoder.decode(piece, { stream: true });
    }
    if (decoder !== undefined) yield decoder.decode();
  } catch (cause) {
    if (cause instanceof TypeError)
      throw invalid('the CSV is neither UTF-8 nor UTF-16: save it as CSV UTF-8', cause);
    throw cause;
  }
}

/** Removes the header line from the stream and reports it. */
async function* afterHeader(
  text: AsyncIterable<string>,
  onHeader: (header: SheetHeader) => void,
): AsyncGenerator<string> {
  let start = '';
  let isRead = false;
  for await (const piece of text) {
    if (isRead) {
      yield piece;
      continue;
    }
    start = (start + piece).replace(/^(\s*\n)+/, '');
    if (isSeparatorLine(start.split('\n', 1)[0] ?? '') && start.includes('\n'))
      start = start.slice(start.indexOf('\n') + 1);
    const end = start.indexOf('\n');
    if (end < 0 && start.length <= MAX_RECORD_CHARS) continue;
    onHeader(headerOf(start.slice(0, end < 0 ? MAX_RECORD_CHARS : end)));
    isRead = true;
    yield start.slice(end + 1);
  }
  if (!isRead && start.trim() !== '') onHeader(headerOf(start));
}

function headerOf(line: string): SheetHeader {
  const shown = JSON.stringify(line.trim().slice(0, 100));
  const header = sheetHeader(line);
  if (header === undefined)
    throw invalid(`the first line must name the columns, one of them device_id; it is ${shown}`);
  const { columns } = header;
  const twice = columns.find((name, at) => columns.indexOf(name) !== at);
  // If a column appeared twice, one of them would silently win.
  if (twice !== undefined) throw invalid(`the column ${JSON.stringify(twice)} is there twice`);
  const known = (name: string) =>
    READ_ONLY_COLUMNS.has(name) || IMPORT_COLUMNS.some(column => column === name);
  const unknown = columns.filter(name => !known(name));
  if (unknown.length > 0)
    throw invalid(
      `the column ${JSON.stringify(unknown[0]?.slice(0, 64))} is not known; the columns are ${IMPORT_COLUMNS.join(', ')}, and those of an export, which are ignored`,
    );
  return header;
}

/** An empty cell counts as absent. Tags are separated by spaces, `;`, `|` or `,`. */
const rowOf = (columns: readonly string[], cells: readonly string[]): Record<string, unknown> =>
  Object.fromEntries(
    columns.flatMap((name, at) => {
      const text = cells[at] ?? '';
      if (text === '' || READ_ONLY_COLUMNS.has(name)) return [];
      return [[name, name === 'tags' ? text.split(/[\s;|,]+/).filter(tag => tag !== '') : text]];
    }),
  );

const parserOf = ({ delimiter }: SheetHeader): Parser =>
  parse({
    delimiter,
    trim: true,
    skip_empty_lines: true,
    skip_records_with_empty_values: true,
    relax_column_count: true,
    max_record_size: MAX_RECORD_CHARS,
  });

export async function* csvRows(pieces: AsyncIterable<Buffer>): AsyncGenerator<unknown> {
  let header: SheetHeader | undefined;
  const text = afterHeader(decoded(pieces), found => {
    header = found;
  });
  // The parser needs the delimiter, which is known only after the header.
  const first = await text.next();
  if (header === undefined || first.done === true) return;
  const { columns } = header;
  const parser = parserOf(header);
  const rest = async function* () {
    yield first.value;
    yield* text;
  };
  const fed = pipeline(rest, parser);
  // This promise also rejects when the reader of these rows stops early. The code below awaits it; this handler only
  // prevents an unhandled rejection.
  fed.catch(() => undefined);
  let row = 0;
  try {
    for await (const record of parser) {
      row += 1;
      const cells = record as string[];
      if (cells.length > columns.length)
        throw invalid(`row ${row} has ${cells.length} cells, but there are ${columns.length} columns`);
      yield rowOf(columns, cells);
    }
    await fed;
  } catch (cause) {
    if (!(cause instanceof CsvError)) throw cause;
    throw invalid(`row ${row + 1} is not CSV: ${cause.code}`, cause);
  }
}
