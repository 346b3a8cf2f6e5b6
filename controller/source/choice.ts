/** `OTA_SOURCE` is a repository if it is a URL, and a plain folder if it is a path, whatever the folder contains. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { Fault } from '../domain/fault.ts';

const URL_FORM = /^[a-z][a-z0-9+.-]*:\/\//i;
const HELPER_FORM = /^[a-z0-9][a-z0-9+.-]*::/i;
const SCP_FORM = /^[^/\\]+@[^/\\]+:/;

/** Fault `settings_invalid` for the path of a repository: if it is missing for a while, it must not be read as a folder. */
export function isRepository(source: string): boolean {
  if (HELPER_FORM.test(source))
    throw new Fault(
      'settings_invalid',
      'OTA_SOURCE: remote helpers such as ext:: run programs and are refused: use https, ssh or file',
      { retry: 'never' },
    );
  if (URL_FORM.test(source) || SCP_FORM.test(source)) return true;
  const bare = existsSync(path.join(source, 'HEAD')) && existsSync(path.join(source, 'objects'));
  if (bare || existsSync(path.join(source, '.git')))
    throw new Fault(
      'settings_invalid',
      `OTA_SOURCE: this folder is a Git repository; write ${pathToFileURL(source).href}, or name the folder in it that contains rollout.yaml`,
      { retry: 'never' },
    );
  return false;
}
