/** The table of all settings. */
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from '../domain/duration.ts';
import { ARTIFACT_SETTINGS } from './artifacts.ts';
import { GITHUB_SETTINGS } from './github.ts';
import { SIGN_IN_SETTINGS } from './sign-in.ts';
import { duration, flag, number, optional, type Spec, secret, setting, text, url, whole } from './spec.ts';

/** All settings, by environment variable. */
export const SETTINGS = {
  OTA_DATA: setting(
    text,
    'data',
    'a folder',
    'The folder for the database, APKs, the Git mirror and generated keys.',
  ),
  OTA_DATABASE: secret(
    'A PostgreSQL database, used instead of SQLite in OTA_DATA: postgres://USER:PASSWORD@HOST:5432/DATABASE?sslmode=verify-full. For a private certificate authority add sslrootcert=FILE.',
  ),
  OTA_DATABASE_CONNECTIONS: number(
    4,
    1,
    100,
    'The number of connections to PostgreSQL for long reads. Three more are used: one for writing, and two for short reads.',
  ),
  OTA_LEASE: duration(
    6 * SECOND_MS,
    '1s',
    '1m',
    'With PostgreSQL: how long the lease of the leader lasts. If the leader does not renew it, another controller takes over.',
  ),
  OTA_STALE_MAX: duration(
    5 * MINUTE_MS,
    '10s',
    '24h',
    'How long updates are offered from memory while PostgreSQL cannot be reached. After that nothing is offered and no APK is sent.',
  ),
  OTA_HOST: setting(
    text,
    '127.0.0.1',
    'an address',
    'The listening address. Addresses other than loopback need TLS or OTA_TRUSTED_PROXY.',
  ),
  OTA_PORT: number(
    8080,
    0,
    65535,
    'The listening port for agents and, unless OTA_OPERATOR_PORT is set, for operators. 0 means any free port.',
  ),
  OTA_PUBLIC_URL: optional(
    url,
    'an http(s) URL without query',
    'The URL that devices use: https, or http on loopback. It may have a path. Download URLs are built from it, never from the Host header. Required behind a proxy.',
  ),
  OTA_TLS_CERT: optional(
    text,
    'a PEM file',
    'The certificate chain. With it and OTA_TLS_KEY the listeners use TLS.',
  ),
  OTA_TLS_KEY: optional(text, 'a PEM file', 'The private key of OTA_TLS_CERT.'),
  OTA_TRUSTED_PROXY: setting(
    flag,
    false,
    'true or false',
    'Set it to true behind a proxy that terminates TLS. Then plain HTTP is allowed on any address, and the last entry of X-Forwarded-For is the address of the client.',
  ),
  OTA_OPERATOR_HOST: setting(
    text,
    '127.0.0.1',
    'an address',
    'The listening address for operators if OTA_OPERATOR_PORT is set.',
  ),
  OTA_OPERATOR_PORT: optional(
    whole(0, 65535),
    'a port',
    'The port of a separate listener for the pages, the operator routes and /metrics. /metrics needs no token there.',
  ),
  OTA_OPERATOR_URL: optional(
    url,
    'an http(s) URL without query',
    'The URL that operators use. Needed for the pages behind a proxy that changes Host.',
  ),
  OTA_DASHBOARD: optional(
    flag,
    'on or off',
    'Whether pages are served for browsers. Default: on with OTA_OPERATOR_PORT. Without it, on only if the address is loopback and OTA_TRUSTED_PROXY is not set.',
  ),
  ...SIGN_IN_SETTINGS,
  OTA_HSTS_MAX_AGE: number(
    0,
    0,
    63_072_000,
    'The max-age of Strict-Transport-Security in seconds. 0: the header is not sent.',
  ),
  OTA_SOURCE: setting(
    text,
    'releases',
    'a folder, or a Git URL (https, ssh, file)',
    'Where the desired state is: a folder with rollout.yaml, or the URL of a repository.',
  ),
  OTA_SOURCE_BRANCH: setting(
    text,
    'main',
    'a branch',
    'With a repository: the branch with the desired state.',
  ),
  OTA_SOURCE_PATH: setting(
    text,
    'releases',
    'a path in the repository',
    'With a repository: the folder with the desired state.',
  ),
  OTA_SOURCE_TOKEN: secret('The token for an https repository.'),
  OTA_SOURCE_INTERVAL: duration(
    30 * SECOND_MS,
    '1s',
    '24h',
    'How often the source is read. Webhooks and file events make it sooner.',
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
    'A folder with signed APKs that are stored at startup, for examples and sites without a network.',
  ),
  OTA_ARTIFACT_MAX_MB: number(512, 1, 4096, 'The largest APK that can be uploaded, in MB.'),
  OTA_ARTIFACT_QUOTA_MB: number(20_480, 1, 10_000_000, 'The space for all APKs, in MB.'),
  OTA_TOKEN_KEY: secret(
    'The server key that signs device tokens, as kid:hex (32 bytes). Default: generated in the data folder. With PostgreSQL it is never generated.',
  ),
  OTA_TOKEN_KEY_PREVIOUS: secret(
    'The previous server key, whose device tokens are still accepted, as kid:hex.',
  ),
  OTA_TOKEN_RENEW_AFTER: duration(
    180 * DAY_MS,
    '1d',
    '3650d',
    'The age of a device token at which the device is asked to renew it. Tokens signed by OTA_TOKEN_KEY_PREVIOUS are always renewed.',
  ),
  OTA_TOKEN_RENEWALS_PER_MINUTE: number(
    600,
    1,
    100_000,
    'How many devices are asked to renew their token in one minute.',
  ),
  OTA_NUDGE_KEY: secret(
    'The master key of nudges, 64 hex digits. Default: generated in the data folder. With PostgreSQL it is never generated.',
  ),
  OTA_POLL_INTERVAL: duration(6 * HOUR_MS, '1m', '7d', 'How often agents are asked to poll.'),
  OTA_ACTIVE_WINDOW: duration(
    72 * HOUR_MS,
    '1m',
    '365d',
    'A device that checked in within this time is active.',
  ),
  OTA_CHECKS_PER_MINUTE: number(
    30,
    1,
    100_000,
    'How many update checks of one device are accepted in one minute.',
  ),
  OTA_DOWNLOADS_PER_DAY: number(
    20,
    1,
    100_000,
    'How many times one device may download the same build within 24 hours. A resumed download counts only the bytes that are sent.',
  ),
  OTA_DOWNLOAD_CONCURRENCY: number(
    500,
    1,
    100_000,
    'How many downloads are served at the same time. Others get 503 with Retry-After.',
  ),
  OTA_DOWNLOAD_BUDGET_MBPS: number(
    0,
    0,
    1_000_000,
    'The bandwidth for all downloads, in megabits a second. It also sets the pace of nudges. 0: no limit.',
  ),
  OTA_RETENTION_EVENTS: duration(
    90 * DAY_MS,
    '1d',
    '3650d',
    'How long results and audit rows are kept. Rows about applied revisions, completions, halts and brakes are kept for ever.',
  ),
  OTA_RETENTION_DOWNLOADS: duration(365 * DAY_MS, '1d', '3650d', 'How long rows about downloads are kept.'),
  OTA_RETENTION_ARTIFACTS: duration(
    30 * DAY_MS,
    '1d',
    '3650d',
    'How long an APK that is not used is kept after its last upload. Builds, a refused newest revision and open pull requests use APKs.',
  ),
  OTA_FCM_CREDENTIALS: optional(
    text,
    'a service account JSON file',
    'The Firebase credentials. Without them nudges are off, and devices learn about updates by polling.',
  ),
  OTA_NUDGES_PER_SECOND: number(
    0,
    0,
    10_000,
    'How many nudges are sent in one second. 0: derived from the size of the APK and OTA_DOWNLOAD_BUDGET_MBPS.',
  ),
  ...GITHUB_SETTINGS,
  OTA_NOTIFY: secret(
    'The destinations of notifications, as JSON (docs/notifications.md). Their URLs are secret.',
  ),
  OTA_LOG_LEVEL: setting(
    v => (['debug', 'info', 'warn', 'error', 'silent'] as const).find(l => l === v.trim()),
    'info',
    'debug, info, warn, error or silent',
    'The lowest level that is logged.',
  ),
  OTA_LOG_FORMAT: setting(
    v => (['auto', 'json', 'pretty'] as const).find(f => f === v.trim()),
    'auto',
    'auto, json or pretty',
    'json: one object per line. pretty: for people. auto: pretty on a terminal, otherwise json.',
  ),
} satisfies Record<string, Spec<unknown>>;

export type Name = keyof typeof SETTINGS;
type ValueOf<N extends Name> = (typeof SETTINGS)[N] extends Spec<infer T> ? T : never;

/** Checked values by the names of {@link SETTINGS}. */
export type Settings = { readonly [N in Name]: ValueOf<N> };
