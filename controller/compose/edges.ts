/** The edges of the composition: turns settings into a source, artifacts, a pusher and keys. */
import { randomBytes } from 'node:crypto';
import { readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { DAY_MS } from '../domain/duration.ts';
import type { Observe } from '../domain/event.ts';
import { Fault } from '../domain/fault.ts';
import type { TokenKeys } from '../domain/token-key.ts';
import { tokenHash } from '../http/auth.ts';
import { newAdminToken } from '../http/operator/token-routes.ts';
import type { Source } from '../ports/index.ts';
import type { Fcm } from '../push/fcm.ts';
import {
  newMasterKey,
  newTokenKey,
  parseMasterKey,
  parseTokenKey,
  readOrMakeSecret,
  type WhyNotCreated,
} from '../settings/keys.ts';
import type { Secret } from '../settings/secret.ts';
import type { Settings } from '../settings/settings.ts';
import { isRepository } from '../source/choice.ts';
import { folderSource } from '../source/folder.ts';
import type { RunGit } from '../source/git/process.ts';
import { gitSource } from '../source/git/source.ts';
import type { Store } from '../store/store.ts';

const ADMIN_MS = 365 * DAY_MS;
const ADMIN_TOKEN_FILE = 'admin-token';

export function sourceOf(
  settings: Settings,
  environment: Readonly<Record<string, string | undefined>>,
  nowMs: () => number,
  observe: Observe,
  run: RunGit,
): Source {
  if (!isRepository(settings.OTA_SOURCE)) return folderSource({ folder: settings.OTA_SOURCE, nowMs });
  return gitSource({
    url: settings.OTA_SOURCE,
    branch: settings.OTA_SOURCE_BRANCH,
    path: settings.OTA_SOURCE_PATH,
    dataFolder: path.join(settings.OTA_DATA, 'git'),
    token: settings.OTA_SOURCE_TOKEN?.reveal(),
    environment,
    run,
    timeoutMs: settings.OTA_SOURCE_TIMEOUT,
    onCloneStep: ({ commits, whole }) => observe({ type: 'ota.source.clone', commits, whole }),
  });
}

/** Undefined without credentials. Then this is reported once, and devices learn of updates by polling (SPEC §8). */
export async function pusherOf(settings: Settings, observe: Observe): Promise<Fcm | undefined> {
  const file = settings.OTA_FCM_CREDENTIALS;
  if (file === undefined) {
    observe({
      type: 'ota.nudge.off',
      reason: 'OTA_FCM_CREDENTIALS is not set; devices learn of updates by polling',
    });
    return undefined;
  }
  // Loaded only if nudges are on: it costs some 55 ms of CPU.
  const { makeFcm, serviceAccount } = await import('../push/fcm.ts');
  return makeFcm(serviceAccount(readText('OTA_FCM_CREDENTIALS', file)));
}

function readText(name: string, file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? 'error';
    throw new Fault('settings_invalid', `${name}: cannot read the file it names (${code})`, {
      retry: 'never',
      cause,
    });
  }
}

export interface Keys {
  readonly tokenKeys: TokenKeys;
  readonly nudgeMaster: Buffer;
}

/** `whyNotCreated`: why a missing key must not be created; if undefined, it is created. */
export function keysOf(settings: Settings, whyNotCreated: WhyNotCreated | undefined, observe: Observe): Keys {
  const folder = settings.OTA_DATA;
  /** The secret from its setting or else its file, and a name for error messages. */
  function given(
    setting: 'OTA_TOKEN_KEY' | 'OTA_NUDGE_KEY',
    file: string,
    make: () => string,
  ): [string, Secret] {
    const set = settings[setting];
    if (set !== undefined) return [setting, set];
    const where = path.join(folder, file);
    const { secret, exposed } = readOrMakeSecret(folder, file, whyNotCreated ?? make);
    if (exposed) observe({ type: 'ota.key.exposed', file: where });
    return [where, secret];
  }
  const first = parseTokenKey(...given('OTA_TOKEN_KEY', 'token-key', newTokenKey));
  const older = settings.OTA_TOKEN_KEY_PREVIOUS;
  return {
    tokenKeys: older === undefined ? [first] : [first, parseTokenKey('OTA_TOKEN_KEY_PREVIOUS', older)],
    nudgeMaster: parseMasterKey(...given('OTA_NUDGE_KEY', 'nudge-key', newMasterKey)),
  };
}

/**
 * If no valid token has the scope `admin`, writes a new one to a file in the data folder, readable by its owner alone.
 * This also happens after all such tokens expired or were revoked: otherwise nobody could ever get in again.
 */
export async function firstOperator(
  store: Store,
  folder: string,
  nowMs: number,
): Promise<string | undefined> {
  const standing = (await store.admins.list()).filter(
    t => t.revokedAtMs === undefined && t.expiresAtMs > nowMs,
  );
  if (standing.some(t => t.scopes.includes('admin'))) return undefined;
  // The token in an old file is not used again: an expired or revoked token must not become valid.
  rmSync(path.join(folder, ADMIN_TOKEN_FILE), { force: true });
  const { secret } = readOrMakeSecret(folder, ADMIN_TOKEN_FILE, () => newAdminToken(randomBytes).token);
  await store.admins.create(
    { name: freeName('first', standing), scopes: ['admin'], expiresAtMs: nowMs + ADMIN_MS },
    tokenHash(secret.reveal()),
  );
  return path.join(folder, ADMIN_TOKEN_FILE);
}

/** Returns `first`, or a variant if an operator of another scope took the name. */
const freeName = (name: string, taken: readonly { readonly name: string }[]): string =>
  taken.some(t => t.name === name) ? freeName(`${name}-again`, taken) : name;
