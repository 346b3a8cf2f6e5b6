/**
 * Parses a stream that holds a JSON array of devices, one element at a time. The whole is never in memory, and the
 * depth is bounded by the size of one element: parsing 30 MB of `[[[[…` at once takes 1 GB and seconds.
 */
import { parseJson } from '../body.ts';
import { Refusal } from '../problem.ts';

const MAX_ELEMENT_BYTES = 16_384;
/** Limit for the text before and after the array. */
const MAX_AROUND_BYTES = 4_096;

/** Either nothing, or the object that `GET /v1/devices` answers. */
const BEFORE = /^\uFEFF?\s*(\{\s*"devices"\s*:\s*)?$/;
const AFTER_OBJECT = /^\s*(,\s*"next_after"\s*:\s*(null|"[^"\\]*")\s*)?\}\s*$/;
const AFTER_ARRAY = /^\s*$/;

const [QUOTE, BACKSLASH, COMMA] = [0x22, 0x5c, 0x2c];
const [OPEN, CLOSE] = [0x5b, 0x5d];
const isOpening = (byte: number): boolean => byte === OPEN || byte === 0x7b;
const isClosing = (byte: number): boolean => byte === CLOSE || byte === 0x7d;

const expected = (): Refusal =>
  new Refusal('import_invalid', 'expected a JSON array of devices, or {"devices": […]}');

/** Collects bytes up to a limit. */
function collector(maxBytes: number, tooLarge: () => Refusal) {
  let parts: Buffer[] = [];
  let size = 0;
  return {
    add: (bytes: Buffer) => {
      size += bytes.length;
      if (size > maxBytes) throw tooLarge();
      if (bytes.length > 0) parts.push(Buffer.from(bytes));
    },
    take: (): Buffer => {
      const all = Buffer.concat(parts);
      parts = [];
      size = 0;
      return all;
    },
  };
}

/** Finds the end of an element. Strings may hold brackets and commas, and a piece may end anywhere. */
class Scanner {
  depth = 0;
  #inString = false;
  #escaped = false;

  /** True at a comma or bracket that ends an element. */
  ends(byte: number): boolean {
    if (this.#inString) {
      if (this.#escaped) this.#escaped = false;
      else if (byte === BACKSLASH) this.#escaped = true;
      else if (byte === QUOTE) this.#inString = false;
      return false;
    }
    if (byte === QUOTE) this.#inString = true;
    else if (isOpening(byte)) this.depth += 1;
    else if (this.depth === 0) return byte === COMMA || byte === CLOSE;
    else if (isClosing(byte)) this.depth -= 1;
    return false;
  }
}

export async function* jsonRows(pieces: AsyncIterable<Buffer>): AsyncGenerator<unknown> {
  let part: 'before' | 'inside' | 'after' = 'before';
  let isWrapped = false;
  let count = 0;
  const around = collector(MAX_AROUND_BYTES, expected);
  const element = collector(
    MAX_ELEMENT_BYTES,
    () => new Refusal('import_invalid', `row ${count + 1} is larger than ${MAX_ELEMENT_BYTES} bytes`),
  );
  const scanner = new Scanner();
  for await (const piece of pieces) {
    let from = 0;
    if (part === 'before') {
      const open = piece.indexOf(OPEN);
      around.add(open < 0 ? piece : piece.subarray(0, open));
      if (open < 0) continue;
      const match = BEFORE.exec(around.take().toString());
      if (match === null) throw expected();
      isWrapped = match[1] !== undefined;
      part = 'inside';
      from = open + 1;
    }
    for (let at = from; part === 'inside' && at < piece.length; at += 1) {
      const byte = piece[at] ?? 0;
      if (!scanner.ends(byte)) continue;
      element.add(piece.subarray(from, at));
      from = at + 1;
      const bytes = element.take();
      if (byte === CLOSE) part = 'after';
      // `[]` has no element; a comma before the end of the array is not JSON.
      if (byte === CLOSE && count === 0 && bytes.toString().trim() === '') break;
      yield parseJson(bytes);
      count += 1;
    }
    (part === 'inside' ? element : around).add(piece.subarray(from));
  }
  if (part === 'inside') throw new Refusal('json_malformed', 'the JSON array is not closed');
  if (part === 'before') throw expected();
  if (!(isWrapped ? AFTER_OBJECT : AFTER_ARRAY).test(around.take().toString())) throw expected();
}
