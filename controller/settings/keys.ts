/** Keys of the controller: from settings, else made once and kept in the data folder, readable by its owner alone. */
import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Fault } from '../domain/fault.ts';
import { isKid, type TokenKey } from '../domain/token-key.ts';
import { Secret } from './secret.ts';

const KEY_HEX = /^[0-9a-f]{64}$/;

export function parseTokenKey(name: string, secret: Secret): TokenKey {
  const [kid = '', hex = '', ...more] = secret.reveal().split(':');
  if (!isKid(kid) || !KEY_HEX.test(hex) || more.length > 0)
    throw new Fault(
      'settings_invalid',
      `${name}: must be kid:hex, a name of up to 16 of A-Z a-z 0-9 _ - and 64 hex digits`,
      { retry: 'never' },
    );
  return { kid, key: Buffer.from(hex, 'hex') };
}

export function parseMasterKey(name: string, secret: Secret): Buffer {
  if (!KEY_HEX.test(secret.reveal()))
    throw new Fault('settings_invalid', `${name}: must be 64 hex digits`, { retry: 'never' });
  return Buffer.from(secret.reveal(), 'hex');
}

/** Reads `file` in the data folder, or makes it (mode 0600) from `make`. The boolean tells whether it is new. */
export function keptSecret(
  folder: string,
  file: string,
  make: () => string,
): { secret: Secret; created: boolean } {
  const where = path.join(folder, file);
  try {
    return { secret: new Secret(readFileSync(where, 'utf8').trim()), created: false };
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ENOENT')
      throw new Fault('data_folder_unwritable', `cannot read ${file} in the data folder`, {
        retry: 'never',
        cause,
      });
  }
  const secret = new Secret(make());
  try {
    writeFileSync(where, `${secret.reveal()}\n`, { mode: 0o600, flag: 'wx' });
  } catch (cause) {
    throw new Fault('data_folder_unwritable', `cannot write ${file} into the data folder`, {
      retry: 'never',
      cause,
    });
  }
  return { secret, created: true };
}

export const newTokenKey = (): string => `k1:${randomBytes(32).toString('hex')}`;
export const newMasterKey = (): string => randomBytes(32).toString('hex');
