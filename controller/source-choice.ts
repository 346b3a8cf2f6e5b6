/** `OTA_SOURCE` names a folder or a repository; which one is seen from its form and from what stands there. */
import { existsSync } from 'node:fs';
import path from 'node:path';

const URL_FORM = /^[a-z][a-z0-9+.-]*:\/\//i;
const SCP_FORM = /^[^/\\]+@[^/\\]+:/;

export function isRepository(source: string): boolean {
  if (URL_FORM.test(source) || SCP_FORM.test(source)) return true;
  const bare = existsSync(path.join(source, 'HEAD')) && existsSync(path.join(source, 'objects'));
  return bare || existsSync(path.join(source, '.git'));
}
