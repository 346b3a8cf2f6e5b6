/**
 * Environment → checked, frozen Settings. The table below lists every setting: an unknown `OTA_…` variable is an error
 * that names it. A secret may come as a file (`OTA_GITHUB_TOKEN_FILE`). All mistakes are reported together.
 */
import { readFileSync } from 'node:fs';
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from '../domain/duration.ts';
import { Fault } from '../domain/fault.ts';
import { nearest } from '../domain/nearest.ts';
import { ARTIFACT_SETTINGS } from './artifacts.ts';
import { contradictions } from './contradictions.ts';
import { SIGN_IN_SETTINGS } from './sign-in.ts';
import {
  duration,
  flag,
  logins,
  number,
  optional,
  type Spec,
  secret,
  setting,
  text,
  url,
  whole,
} from './spec.ts';

/** All settings, by environment variable. */
export const SETTINGS = {
  OTA_DATA: setting(
    text,
    'data',
    'a folder',
    'Where the database, the artifacts, the Git mirror and generated keys live.',
  ),
  OTA_DATABASE: secret(
    'A PostgreSQL database instead of the SQLite file in OTA_DATA: postgres://USER:PASSWORD@HOST:5432/DATABASE?sslmode=verify-full. Add sslrootcert=FILE for a certificate authority of your own.',
  ),
  OTA_DATABASE_CONNECTIONS: number(4, 1, 100, 'Connections to PostgreSQL that read; one more writes.'),
  OTA_LEASE: duration(
    6 * SECOND_MS,
    '1s',
    '1m',
    'With PostgreSQL: how long a controller leads without saying so again; another one then takes over.',
  ),
  OTA_STALE_MAX: duration(
    5 * MINUTE_MS,
    '10s',
    '24h',
    'How long updates are offered from memory while PostgreSQL is away; then nothing is offered and no APK is sent until it is back.',
  ),
  OTA_HOST: setting(
    text,
    '127.0.0.1',
    'an address',
    'Listening address. Any address but loopback needs TLS or OTA_TRUSTED_PROXY.',
  ),
  OTA_PORT: number(
    8080,
    0,
    65535,
    'Listening port of the agent and, unless OTA_OPERATOR_PORT is set, the operator routes; 0 picks a free port.',
  ),
  OTA_PUBLIC_URL: optional(
    url,
    'an http(s) URL without query',
    'The URL that devices use: https, or http on loopback; it may have a path. Download URLs are built from it, never from the Host header. Required behind a proxy.',
  ),
  OTA_TLS_CERT: optional(text, 'a PEM file', 'Certificate chain; with OTA_TLS_KEY the listeners speak TLS.'),
  OTA_TLS_KEY: optional(text, 'a PEM file', 'Private key of OTA_TLS_CERT.'),
  OTA_TRUSTED_PROXY: setting(
    flag,
    false,
    'true or false',
    'A trusted proxy terminates TLS: plain HTTP is allowed on any address, and the last entry of X-Forwarded-For is the client.',
  ),
  OTA_OPERATOR_HOST: setting(text, '127.0.0.1', 'an address', 'Listening address of the operator listener.'),
  OTA_OPERATOR_PORT: optional(
    whole(0, 65535),
    'a port',
    'Port of a separate listener for the operator routes and /metrics.',
  ),
  OTA_OPERATOR_URL: optional(
    url,
    'an http(s) URL without query',
    'The URL at which people reach the operator listener. Needed for its pages behind a proxy that changes Host.',
  ),
  OTA_DASHBOARD: optional(
    flag,
    'on or off',
    'The pages for people. Default: on with OTA_OPERATOR_PORT, and on a shared listener only on loopback without OTA_TRUSTED_PROXY.',
  ),
  ...SIGN_IN_SETTINGS,
  OTA_HSTS_MAX_AGE: number(0, 0, 63_072_000, 'Seconds of Strict-Transport-Security; 0 sends none.'),
  OTA_SOURCE: setting(
    text,
    'releases',
    'a folder, or a Git URL (https, ssh, file)',
    'Where desired state is read: a folder that holds rollout.yaml, or a repository by its URL.',
  ),
  OTA_SOURCE_BRANCH: setting(
    text,
    'main',
    'a branch',
    'Branch that holds the desired state, for a repository.',
  ),
  OTA_SOURCE_PATH: setting(
    text,
    'releases',
    'a path in the repository',
    'Folder of the desired state, for a repository.',
  ),
  OTA_SOURCE_TOKEN: secret('Token for an https repository.'),
  OTA_SOURCE_INTERVAL: duration(
    30 * SECOND_MS,
    '1s',
    '24h',
    'How often the source is read when no webhook or file event asks for it sooner.',
  ),
  OTA_SOURCE_TIMEOUT: duration(
    2 * MINUTE_MS,
    '10s',
    '24h',
    'How long one Git command may take. A first clone that needs longer is made in steps.',
  ),
  ...ARTIFACT_SETTINGS,
  OTA_ARTIFACTS_IMPORT: optional(
    text,
    'a folder',
    'Folder of signed APKs that are stored at startup, for examples and air-gapped sites.',
  ),
  OTA_ARTIFACT_MAX_MB: number(512, 1, 4096, 'Largest APK that may be uploaded.'),
  OTA_ARTIFACT_QUOTA_MB: number(20_480, 1, 10_000_000, 'Disk space for all APKs.'),
  OTA_TOKEN_KEY: secret(
    'Key that signs device tokens, as kid:hex (32 bytes). Generated into the data folder when absent.',
  ),
  OTA_TOKEN_KEY_PREVIOUS: secret('Older key that still verifies device tokens, as kid:hex.'),
  OTA_TOKEN_RENEW_AFTER: duration(
    180 * DAY_MS,
    '1d',
    '3650d',
    'Devices whose token is older, or was made by OTA_TOKEN_KEY_PREVIOUS, are asked to renew it.',
  ),
  OTA_TOKEN_RENEWALS_PER_MINUTE: number(
    600,
    1,
    100_000,
    'Devices that are asked to renew their token in one minute.',
  ),
  OTA_NUDGE_KEY: secret('Master key of nudges, 64 hex digits. Generated into the data folder when absent.'),
  OTA_POLL_INTERVAL: duration(6 * HOUR_MS, '1m', '7d', 'How often agents are asked to poll.'),
  OTA_ACTIVE_WINDOW: duration(
    72 * HOUR_MS,
    '1m',
    '365d',
    'A device that checked within this time is active.',
  ),
  OTA_CHECKS_PER_MINUTE: number(30, 1, 100_000, 'Update checks accepted per device and minute.'),
  OTA_DOWNLOADS_PER_DAY: number(
    20,
    1,
    100_000,
    'How many times one device may download the same build within 24 hours; a resumed download counts only the bytes that it sends.',
  ),
  OTA_DOWNLOAD_CONCURRENCY: number(
    500,
    1,
    100_000,
    'Downloads served at once; further ones get 503 with Retry-After.',
  ),
  OTA_DOWNLOAD_BUDGET_MBPS: number(
    0,
    0,
    1_000_000,
    'Megabits a second for downloads, which also paces nudges; 0 means no limit.',
  ),
  OTA_RETENTION_EVENTS: duration(
    90 * DAY_MS,
    '1d',
    '3650d',
    'How long results and audit rows are kept. Rows of what was applied, completed, halted and braked stay.',
  ),
  OTA_RETENTION_DOWNLOADS: duration(365 * DAY_MS, '1d', '3650d', 'How long download rows are kept.'),
  OTA_RETENTION_ARTIFACTS: duration(
    30 * DAY_MS,
    '1d',
    '3650d',
    'How long an APK is kept after its last upload when no build, refused revision or open pull request names it.',
  ),
  OTA_FCM_CREDENTIALS: optional(
    text,
    'a service account JSON file',
    'Firebase credentials; without them nudges are off and devices learn of updates by polling.',
  ),
  OTA_NUDGES_PER_SECOND: number(
    0,
    0,
    10_000,
    'Nudges a second; 0 derives the rate from the APK size and OTA_DOWNLOAD_BUDGET_MBPS.',
  ),
  OTA_GITHUB_REPO: optional(
    v => (/^[\w.-]{1,100}\/[\w.-]{1,100}$/.test(v) ? v : undefined),
    'owner/name',
    'GitHub repository whose pull requests show plan, approvals and progress.',
  ),
  OTA_GITHUB_URL: setting(
    url,
    'https://api.github.com',
    'an http(s) URL',
    'API base URL; a GitHub Enterprise one ends in /api/v3.',
  ),
  OTA_GITHUB_TOKEN: secret('Token that may write contents, pull requests, commit statuses and deployments.'),
  OTA_GITHUB_APP_ID: optional(whole(1, 1e12), 'a number', 'GitHub App id, instead of a token.'),
  OTA_GITHUB_APP_INSTALLATION: optional(whole(1, 1e12), 'a number', 'Installation id of the GitHub App.'),
  OTA_GITHUB_APP_KEY: secret('Private key (PEM) of the GitHub App.'),
  OTA_GITHUB_LOGINS: setting(
    logins,
    new Map(),
    'NAME=LOGIN or person:SUBJECT=LOGIN, several with commas',
    'GitHub logins of operators by the name of their token, and of people by the subject that the audit names: whoever asked for a pull request on a page does not count among its approvers. Without a login one approval more is needed.',
  ),
  OTA_GITHUB_WEBHOOK_SECRET: secret('Secret of the webhook; without it the webhook route answers 503.'),
  OTA_NOTIFY: secret(
    'Where notifications go, as JSON: docs/notifications.md. It holds URLs that are secrets.',
  ),
  OTA_LOG_LEVEL: setting(
    v => (['debug', 'info', 'warn', 'error', 'silent'] as const).find(l => l === v.trim()),
    'info',
    'debug, info, warn, error or silent',
    'Lowest level that is logged.',
  ),
  OTA_LOG_FORMAT: setting(
    v => (['auto', 'json', 'pretty'] as const).find(f => f === v.trim()),
    'auto',
    'auto, json or pretty',
    'json: one object a line. pretty: lines for people. auto: pretty on a terminal, else json.',
  ),
} satisfies Record<string, Spec<unknown>>;

type Name = keyof typeof SETTINGS;
type ValueOf<N extends Name> = (typeof SETTINGS)[N] extends Spec<infer T> ? T : never;

/** Checked values by the names of {@link SETTINGS}. */
export type Settings = { readonly [N in Name]: ValueOf<N> };

function readSecretFile(name: string, path: string, wrong: string[]): string | undefined {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch (cause) {
    wrong.push(
      `${name}: cannot read the file it names (${(cause as NodeJS.ErrnoException).code ?? 'error'})`,
    );
    return undefined;
  }
}

/** Variables of `ota` and `ota-agent`: an operator's shell may have them set when it starts a controller. */
const OF_COMMAND_LINES = /^OTA_(URL|CONTEXT|ADMIN_TOKEN(_FILE)?|AGENT_[A-Z_]+)$/;

/**
 * Reads and checks the environment; throws Fault `settings_invalid` whose message names every wrong or unknown
 * setting. Values are never echoed: any of them may be a secret in the wrong place.
 */
export function readSettings(env: Readonly<Record<string, string | undefined>>): Settings {
  const wrong: string[] = [];
  const given = new Map<string, string>();
  for (const [name, value] of Object.entries(env)) {
    if (!name.startsWith('OTA_') || value === undefined || OF_COMMAND_LINES.test(name)) continue;
    const base = name.endsWith('_FILE') ? name.slice(0, -'_FILE'.length) : name;
    const spec: Spec<unknown> | undefined = base in SETTINGS ? SETTINGS[base as Name] : undefined;
    if (spec === undefined || (base !== name && spec.secret !== true)) {
      const near = nearest(name, Object.keys(SETTINGS));
      wrong.push(`${name}: unknown setting${near === undefined ? '' : `; did you mean ${near}?`}`);
      continue;
    }
    const content = base === name ? value : readSecretFile(name, value, wrong);
    if (content !== undefined) given.set(base, content);
  }
  const settings: Record<string, unknown> = {};
  for (const [name, spec] of Object.entries<Spec<unknown>>(SETTINGS)) {
    const value = given.get(name);
    const parsed = value === undefined || value === '' ? spec.fallback : spec.parse(value);
    if (parsed === undefined && value !== undefined && value !== '')
      wrong.push(`${name}: must be ${spec.form}`);
    settings[name] = parsed;
  }
  const checked = settings as Settings;
  wrong.push(...contradictions(checked));
  if (wrong.length > 0)
    throw new Fault('settings_invalid', `wrong settings:\n  ${wrong.join('\n  ')}`, { retry: 'never' });
  return Object.freeze(checked);
}
