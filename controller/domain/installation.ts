/**
 * The identity of an installation: its keys, its source and its public URL. The database stores them, and a controller
 * whose settings differ does not start. For a key it stores only a fingerprint: an HMAC of a fixed text under the key.
 * A key is 32 random bytes, so the fingerprint does not reveal it and guessing is hopeless.
 */
import { createHmac } from 'node:crypto';
import type { TokenKeys } from './token-key.ts';

/** The identity that a controller's settings give it. */
export interface Identity {
  /** The signing key first. */
  readonly tokenKeys: readonly KeyMark[];
  readonly nudgeKey: string;
  /** Undefined for a folder: a second controller cannot share a local path. */
  readonly source: RepositoryPlace | undefined;
  readonly publicUrl: string | undefined;
}

interface RepositoryPlace {
  readonly url: string;
  readonly branch: string;
  readonly path: string;
}

interface KeyMark {
  readonly kid: string;
  readonly fingerprint: string;
}

/** Rows of the database by name. */
export type Known = ReadonlyMap<string, string>;

export interface Difference {
  readonly setting: string;
  /** What the database has, as text; never a key. */
  readonly known: string;
  readonly here: string;
  /** The rows to write so that the database agrees; null deletes the row. */
  readonly rows: readonly (readonly [name: string, value: string | null])[];
}

export interface Recognition {
  /** Rows that are new, or updated by a key rotation. */
  readonly learn: readonly (readonly [name: string, value: string])[];
  readonly differing: readonly Difference[];
}

/** How many old keys are remembered. */
const FORMER = 16;

export const fingerprintOf = (purpose: 'token' | 'nudge', key: Uint8Array): string =>
  createHmac('sha256', key).update(`nexmdm-ota installation, ${purpose} key`).digest('hex').slice(0, 32);

export const keyMarks = (keys: TokenKeys): KeyMark[] =>
  keys.map(({ kid, key }) => ({ kid, fingerprint: fingerprintOf('token', key) }));

/** A Git URL without credentials, so that a new password does not make it a different source. */
export function placeOfUrl(source: string): string {
  const bare = source.replace(/^([a-z][a-z0-9+.-]*:\/\/)[^/@]*@/i, '$1');
  return bare.replace(/\/+$/, '').replace(/\.git$/, '');
}

export function recognise(known: Known, here: Identity): Recognition {
  const found = [
    tokenKey(known, here.tokenKeys),
    nudgeKey(known, here.nudgeKey),
    ...sourceFacts(known, here.source),
    plain(known, 'public_url', 'OTA_PUBLIC_URL', here.publicUrl),
  ];
  return {
    learn: found.flatMap(f => ('learn' in f ? f.learn : [])),
    differing: found.flatMap(f => ('setting' in f ? [f] : [])),
  };
}

type Found = Difference | { readonly learn: readonly (readonly [string, string])[] };
const SAME: Found = { learn: [] };

const textOf = ({ kid, fingerprint }: KeyMark): string => `${kid}:${fingerprint}`;
const kidOf = (text: string): string => text.split(':')[0] ?? '';
const shortOf = (text: string): string => text.slice(text.indexOf(':') + 1).slice(0, 8);
const keyWords = (text: string): string => `key ${kidOf(text)}, fingerprint ${shortOf(text)}`;

/**
 * A key rotation is accepted if the key in the database is still configured as the previous one. A controller that
 * still signs with the old key, but verifies the new one, starts too and changes nothing.
 */
function tokenKey(known: Known, marks: readonly KeyMark[]): Found {
  const [first, ...previous] = marks.map(textOf);
  if (first === undefined) return SAME;
  const stands = known.get('token_key');
  if (stands === undefined) return { learn: [['token_key', first]] };
  if (stands === first) return SAME;
  const former = (known.get('token_key_former') ?? '').split(' ').filter(text => text !== '');
  if (previous.includes(stands))
    return former.includes(first) ? SAME : { learn: rotated(first, stands, former) };
  return {
    setting: 'OTA_TOKEN_KEY',
    known: keyWords(stands),
    here: `${keyWords(first)}${previous.length === 0 ? '' : `, previous ${previous.map(keyWords).join(', ')}`}`,
    rows: rotated(first, stands, former),
  };
}

const rotated = (first: string, stands: string, former: readonly string[]): [string, string][] => [
  ['token_key', first],
  [
    'token_key_former',
    [stands, ...former.filter(f => f !== stands && f !== first)].slice(0, FORMER).join(' '),
  ],
];

function nudgeKey(known: Known, fingerprint: string): Found {
  const stands = known.get('nudge_key');
  if (stands === undefined) return { learn: [['nudge_key', fingerprint]] };
  if (stands === fingerprint) return SAME;
  const words = (text: string): string => `fingerprint ${text.slice(0, 8)}`;
  return {
    setting: 'OTA_NUDGE_KEY',
    known: words(stands),
    here: words(fingerprint),
    rows: [['nudge_key', fingerprint]],
  };
}

function sourceFacts(known: Known, source: RepositoryPlace | undefined): Found[] {
  if (source !== undefined)
    return [
      plain(known, 'source', 'OTA_SOURCE', source.url),
      plain(known, 'source_branch', 'OTA_SOURCE_BRANCH', source.branch),
      plain(known, 'source_path', 'OTA_SOURCE_PATH', source.path),
    ];
  const stands = known.get('source');
  if (stands === undefined) return [SAME];
  const rows = ['source', 'source_branch', 'source_path'].map((name): [string, null] => [name, null]);
  return [{ setting: 'OTA_SOURCE', known: stands, here: 'a folder', rows }];
}

function plain(known: Known, name: string, setting: string, here: string | undefined): Found {
  const stands = known.get(name);
  if (stands === here) return SAME;
  if (stands === undefined) return here === undefined ? SAME : { learn: [[name, here]] };
  return { setting, known: stands, here: here ?? 'not set', rows: [[name, here ?? null]] };
}
