/**
 * The query of an update check (SPEC §5), parsed by hand as this is the hot route. Known parameters must be valid and
 * appear once. Unknown ones are ignored, so that newer agents may send more. The length is limited.
 */
import { type BuildId, isBuildId, normaliseFingerprint, type Sha256 } from '../../domain/ids.ts';
import { Refusal } from '../problem.ts';

interface UpdateQuery {
  readonly versionCode: number;
  readonly buildId: BuildId | undefined;
  readonly sdk: number | undefined;
  readonly signer: Sha256 | undefined;
}

const MAX_QUERY = 1024;
/** The largest versionCode that Android accepts. */
const MAX_VERSION_CODE = 2_147_483_647;
const MAX_SDK = 10_000;

const invalid = (detail: string): Refusal => new Refusal('query_invalid', detail);

function whole(name: string, text: string, max: number): number {
  if (!/^\d{1,10}$/.test(text) || Number(text) > max)
    throw invalid(`${name} must be a whole number from 0 to ${max}`);
  return Number(text);
}

function once(name: string, before: unknown): void {
  if (before !== undefined) throw invalid(`${name} is given twice`);
}

function decode(text: string): string {
  if (!text.includes('%') && !text.includes('+')) return text;
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch (cause) {
    throw new Refusal('query_invalid', 'the query is not percent-encoded UTF-8', { cause });
  }
}

/** `query` comes without its question mark. Refusal `query_invalid`, also for a missing version_code. */
export function readUpdateQuery(query: string): UpdateQuery {
  if (query.length > MAX_QUERY) throw invalid(`the query is longer than ${MAX_QUERY} characters`);
  let versionCode: number | undefined;
  let buildId: BuildId | undefined;
  let sdk: number | undefined;
  let signer: Sha256 | undefined;
  for (let start = 0; start < query.length; ) {
    const found = query.indexOf('&', start);
    const end = found < 0 ? query.length : found;
    const equals = query.indexOf('=', start);
    const nameEnd = equals < 0 || equals > end ? end : equals;
    const value = decode(query.slice(Math.min(nameEnd + 1, end), end));
    switch (query.slice(start, nameEnd)) {
      case 'version_code':
        once('version_code', versionCode);
        versionCode = whole('version_code', value, MAX_VERSION_CODE);
        break;
      case 'build_id':
        once('build_id', buildId);
        if (!isBuildId(value))
          throw invalid('build_id is not valid: it matches [A-Za-z0-9][A-Za-z0-9._-]{0,63}');
        buildId = value;
        break;
      case 'sdk':
        once('sdk', sdk);
        sdk = whole('sdk', value, MAX_SDK);
        break;
      case 'signer':
        once('signer', signer);
        signer = normaliseFingerprint(value);
        if (signer === undefined)
          throw invalid('signer is not valid: send 64 hex digits, with or without colons');
        break;
    }
    start = end + 1;
  }
  if (versionCode === undefined) throw invalid('version_code is missing');
  return { versionCode, buildId, sdk, signer };
}

/** Devices that run the same build send the same query, so parsed queries are kept by their text. */
const REMEMBERED = 1024;

/** {@link readUpdateQuery} with a bounded cache of valid queries. */
export function makeUpdateQueryReader(): (query: string) => UpdateQuery {
  const known = new Map<string, UpdateQuery>();
  return query => {
    const before = known.get(query);
    if (before !== undefined) return before;
    const read = Object.freeze(readUpdateQuery(query));
    if (known.size >= REMEMBERED) known.clear();
    known.set(query, read);
    return read;
  };
}
