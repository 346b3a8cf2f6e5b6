/** Keys of the controller: taken from settings, or created once in the data folder, readable by its owner alone. */
import { randomBytes } from 'node:crypto';
import {
  closeSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import path from 'node:path';
import { Fault } from '../domain/fault.ts';
import { isKid, type TokenKey } from '../domain/token-key.ts';
import { Secret } from './secret.ts';

const KEY_HEX = /^[0-9a-f]{64}$/;

/** `name` is the setting or file that the secret came from, for error messages. */
export function parseTokenKey(name: string, secret: Secret): TokenKey {
  const [kid = '', hex = '', ...more] = secret.reveal().split(':');
  if (!isKid(kid) || !KEY_HEX.test(hex) || more.length > 0)
    throw new Fault(
      'settings_invalid',
      `${name}: must be kid:hex, where kid is 1 to 16 characters from A-Z a-z 0-9 _ - and hex is 64 hex digits`,
      { retry: 'never' },
    );
  return { kid, key: Buffer.from(hex, 'hex') };
}

export function parseMasterKey(name: string, secret: Secret): Buffer {
  if (!KEY_HEX.test(secret.reveal()))
    throw new Fault('settings_invalid', `${name}: must be 64 hex digits`, { retry: 'never' });
  return Buffer.from(secret.reveal(), 'hex');
}

interface KeptSecret {
  readonly secret: Secret;
  /** True when others than the owner may read or write the file. */
  readonly exposed: boolean;
}

/** Why a missing secret must not be created. */
export type WhyNotCreated = 'devices_depend' | 'database_elsewhere';

const CURES: Readonly<Record<WhyNotCreated, string>> = {
  devices_depend:
    'and devices are enrolled that depend on it. Put the file back from your backup and start again. If it is lost for good, see "A lost key" in docs/operations.md',
  database_elsewhere:
    'and with OTA_DATABASE keys are never made at a start: another controller may hold the right ones. Copy the file from there. For a new installation make it once, as docs/postgresql.md shows, and keep it with your secrets',
};

/**
 * Reads a secret from `file` in the data folder. If it is missing, creates and stores it, or reports why that is not
 * allowed. Faults `key_missing`, `key_empty`: a secret that devices depend on is never silently replaced.
 */
export function readOrMakeSecret(
  folder: string,
  file: string,
  make: (() => string) | WhyNotCreated,
): KeptSecret {
  const where = path.join(folder, file);
  const found = read(where);
  if (found === undefined) {
    if (typeof make === 'string')
      throw new Fault('key_missing', `${where} is missing, ${CURES[make]}`, { retry: 'never' });
    const secret = new Secret(make());
    keep(where, secret);
    return { secret, exposed: false };
  }
  if (found.text === '')
    throw new Fault(
      'key_empty',
      `${where} is empty. Put the file back from your backup and start again. If it was never used, delete it and a new one is made`,
      { retry: 'never' },
    );
  return { secret: new Secret(found.text), exposed: (found.mode & 0o077) !== 0 };
}

function read(where: string): { text: string; mode: number } | undefined {
  try {
    return { text: readFileSync(where, 'utf8').trim(), mode: statSync(where).mode };
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT') return undefined;
    throw new Fault('data_folder_unwritable', `${where} cannot be read (${code ?? 'error'})`, {
      retry: 'never',
      cause,
    });
  }
}

/** Writes the file atomically, and syncs it before the secret is first used. */
function keep(where: string, secret: Secret): void {
  const partial = `${where}.partial`;
  try {
    rmSync(partial, { force: true });
    const file = openSync(partial, 'wx', 0o600);
    try {
      writeSync(file, `${secret.reveal()}\n`);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(partial, where);
    syncFolder(path.dirname(where));
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new Fault('data_folder_unwritable', `${where} cannot be written (${code ?? 'error'})`, {
      retry: code === 'ENOSPC' ? 'backoff' : 'never',
      cause,
    });
  }
}

function syncFolder(folder: string): void {
  const handle = openSync(folder, 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

export const newTokenKey = (): string => `k1:${randomBytes(32).toString('hex')}`;
export const newMasterKey = (): string => randomBytes(32).toString('hex');
