/**
 * Reads device tables as people export them: separated by comma, semicolon or tab, with a byte order mark, in UTF-16,
 * with their own spelling of `Device ID`. Anything unknown is rejected, never guessed.
 */

export type Encoding = 'utf-8' | 'utf-16le' | 'utf-16be';

/** Detected by the byte order mark, or by the zero bytes of ASCII text in UTF-16. */
export function encodingOf(start: Uint8Array): Encoding {
  const [first, second] = start;
  if (first === 0xff && second === 0xfe) return 'utf-16le';
  if (first === 0xfe && second === 0xff) return 'utf-16be';
  if (start.length >= 2 && first !== 0 && second === 0) return 'utf-16le';
  if (start.length >= 2 && first === 0 && second !== 0) return 'utf-16be';
  return 'utf-8';
}

/** `Device ID`, `device-id` and `DeviceId` are all `device_id`. */
export function columnOf(header: string): string {
  const name = header
    .trim()
    .replace(/^"(.*)"$/, '$1')
    .trim()
    .toLowerCase()
    .replaceAll(/[\s-]+/g, '_');
  return name === 'deviceid' ? 'device_id' : name === 'tag' ? 'tags' : name;
}

const DELIMITERS = [',', ';', '\t'] as const;
type Delimiter = (typeof DELIMITERS)[number];

export interface SheetHeader {
  readonly delimiter: Delimiter;
  readonly columns: readonly string[];
}

/** Undefined if the line has no `device_id` column, so it is not the header of a device list. */
export function sheetHeader(line: string): SheetHeader | undefined {
  for (const delimiter of DELIMITERS) {
    const columns = line.split(delimiter).map(columnOf);
    if (columns.includes('device_id')) return { delimiter, columns };
  }
  return undefined;
}

/** Excel can write `sep=;` before the header. It is skipped, because the header shows the delimiter too. */
export const isSeparatorLine = (line: string): boolean => /^sep=.?$/.test(line.trim());

/** Columns of our own export that an import ignores: the controller is their source. */
export const READ_ONLY_COLUMNS: ReadonlySet<string> = new Set([
  'generation',
  'enrolled_at',
  'last_seen_at',
  'version_code',
  'build_id',
  'sdk',
  'signer',
  'has_push_token',
]);

/** Every column that an import knows. `revoked_at` marks a device that must not be let in again. */
export const IMPORT_COLUMNS = ['device_id', 'tags', 'token_sha256', 'revoked_at'] as const;

const HEADER_WORDS =
  /^(device|devices|id|ids|serial|serials|serial_?(no|number)|name|names|host_?name|imei|udid|uuid|asset|label|tags?)$/;

/** Words that are legal device ids but clearly column names. */
export const looksLikeHeader = (line: string): boolean => HEADER_WORDS.test(columnOf(line));
