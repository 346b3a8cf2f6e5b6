/**
 * OTA_NOTIFY: where notifications go, as JSON. All mistakes are reported together. No value is echoed, since any of
 * them may be a secret in the wrong place. URLs and signing secrets may be in files of their own.
 */
import { readFileSync } from 'node:fs';
import { Fault } from '../domain/fault.ts';
import { isName } from '../domain/ids.ts';
import { isPrivateUrl } from '../domain/loopback.ts';
import { nearest } from '../domain/nearest.ts';
import { NOTICE_FORMS, NOTICE_KINDS, type NoticeForm, type NoticeKind } from '../domain/notice/notice.ts';
import { Secret } from './secret.ts';

interface DestinationSetting {
  readonly name: string;
  readonly service: NoticeForm;
  readonly url: Secret;
  readonly kinds: ReadonlySet<NoticeKind>;
  /** Bytes of the signing secret, base64. */
  readonly key: Secret | undefined;
  /** PEM. */
  readonly ca: string | undefined;
}

export interface NotifySettings {
  /** The name of this controller, for rooms with messages of several controllers. */
  readonly from: string | undefined;
  readonly destinations: readonly DestinationSetting[];
}

const MOST_BYTES = 65_536;
const MOST_DESTINATIONS = 20;
const MOST_FROM = 100;
const TOP = ['from', 'destinations'];
const FIELDS = ['name', 'service', 'url', 'url_file', 'secret', 'secret_file', 'kinds', 'ca_file'];

type Fields = Readonly<Record<string, unknown>>;
const isObject = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const has = <T extends string>(list: readonly T[], value: unknown): value is T =>
  (list as readonly unknown[]).includes(value);

/** Fault `settings_invalid` lists every mistake with its destination. */
export function readDestinations(text: string): NotifySettings {
  const wrong: string[] = [];
  const whole = parsed(text, wrong);
  const { from, destinations = [] } = whole;
  unknownFields('', whole, TOP, wrong);
  if (from !== undefined && (typeof from !== 'string' || from === '' || from.length > MOST_FROM))
    wrong.push(`from: must be a text of at most ${MOST_FROM} characters`);
  if (!Array.isArray(destinations) || destinations.length > MOST_DESTINATIONS)
    wrong.push(`destinations: must be a list of at most ${MOST_DESTINATIONS}`);
  const read = (Array.isArray(destinations) ? destinations.slice(0, MOST_DESTINATIONS) : []).map(
    (given: unknown, index) => oneOf(given, index, wrong),
  );
  const names = read.map(d => d.name);
  for (const name of new Set(names.filter((n, i) => n !== '' && names.indexOf(n) !== i)))
    wrong.push(`${name}: two destinations have this name`);
  if (wrong.length > 0)
    throw new Fault('settings_invalid', `OTA_NOTIFY is wrong:\n  ${wrong.join('\n  ')}`, {
      retry: 'never',
    });
  return { from: typeof from === 'string' ? from : undefined, destinations: read };
}

function parsed(text: string, wrong: string[]): Fields {
  if (Buffer.byteLength(text) > MOST_BYTES) {
    wrong.push(`it is larger than ${MOST_BYTES} bytes`);
    return {};
  }
  try {
    const value: unknown = JSON.parse(text);
    if (isObject(value)) return value;
    wrong.push('it must be a JSON object');
  } catch {
    // The message of JSON.parse would quote the text.
    wrong.push('it is not JSON');
  }
  return {};
}

function textOf(what: string, file: string, tell: (what: string) => void): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    tell(`${what} cannot be read (${(cause as NodeJS.ErrnoException).code ?? 'error'})`);
    return undefined;
  }
}

function unknownFields(where: string, given: Fields, known: readonly string[], wrong: string[]): void {
  for (const field of Object.keys(given)) {
    if (known.includes(field)) continue;
    const near = nearest(field, known);
    wrong.push(`${where}unknown field${near === undefined ? '' : `; did you mean ${near}?`}`);
  }
}

function oneOf(given: unknown, index: number, wrong: string[]): DestinationSetting {
  const fields = isObject(given) ? given : {};
  const named = typeof fields.name === 'string' && isName(fields.name) ? fields.name : undefined;
  const where = named ?? `destination ${index + 1}`;
  const tell = (what: string): void => void wrong.push(`${where}: ${what}`);
  if (!isObject(given)) tell('must be an object');
  unknownFields(`${where}: `, fields, FIELDS, wrong);
  if (named === undefined) tell('name must be of a-z, 0-9, ".", "_" and "-"');
  const { service, kinds = [...NOTICE_KINDS] } = fields;
  if (!has(NOTICE_FORMS, service)) tell(`service must be one of ${NOTICE_FORMS.join(', ')}`);
  if (!Array.isArray(kinds) || kinds.length === 0 || !kinds.every(k => has(NOTICE_KINDS, k)))
    tell(`kinds must be a list of ${NOTICE_KINDS.join(', ')}; left out, it gets all`);
  const url = givenOrRead('url', fields, tell);
  if (url !== undefined && !isDestinationUrl(url))
    tell('url must be https (http on loopback alone), without user name, password or #');
  const secret = givenOrRead('secret', fields, tell, service === 'generic');
  if (secret !== undefined && !isSigningSecret(secret))
    tell('secret must be whsec_ and the base64 of 24 to 64 random bytes');
  return {
    name: named ?? '',
    service: has(NOTICE_FORMS, service) ? service : 'generic',
    url: new Secret(url ?? ''),
    kinds: new Set(Array.isArray(kinds) ? (kinds as NoticeKind[]) : []),
    key: secret === undefined ? undefined : new Secret(secret.replace('whsec_', '')),
    ca: authorities(fields.ca_file, tell),
  };
}

/** Either the value itself, or the path of a file that holds it. */
function givenOrRead(
  field: 'url' | 'secret',
  fields: Fields,
  tell: (what: string) => void,
  needed = field === 'url',
): string | undefined {
  const [value, file] = [fields[field], fields[`${field}_file`]];
  if (value !== undefined && file !== undefined) tell(`${field} and ${field}_file: one or the other`);
  if (typeof value === 'string') return value.trim();
  if (typeof file === 'string') return textOf(`the file of ${field}_file`, file, tell)?.trim();
  if (value !== undefined || file !== undefined) tell(`${field} or ${field}_file must be a text`);
  else if (needed) tell(`${field} or ${field}_file is missing`);
  return undefined;
}

function authorities(given: unknown, tell: (what: string) => void): string | undefined {
  if (given === undefined) return undefined;
  if (typeof given !== 'string') {
    tell('ca_file must be a text');
    return undefined;
  }
  const text = textOf('the file of ca_file', given, tell);
  if (text !== undefined && !text.includes('-----BEGIN CERTIFICATE-----'))
    tell('ca_file holds no PEM certificate');
  return text;
}

/** Standard Webhooks 1.0: 24 to 64 bytes. */
function isSigningSecret(text: string): boolean {
  const [, base64 = ''] = /^whsec_(\S+)$/.exec(text) ?? [];
  const bytes = Buffer.from(base64, 'base64');
  return bytes.toString('base64') === base64 && bytes.length >= 24 && bytes.length <= 64;
}

function isDestinationUrl(text: string): boolean {
  const url = URL.parse(text);
  return url !== null && isPrivateUrl(url) && url.username === '' && url.password === '' && url.hash === '';
}
