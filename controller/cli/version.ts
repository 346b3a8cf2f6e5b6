/** The version in package.json, which is one folder higher if this runs from `dist`. */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';

const file = ['../../package.json', '../../../package.json']
  .map(relative => path.resolve(import.meta.dirname, relative))
  .find(candidate => existsSync(candidate));

export const VERSION: string =
  file === undefined
    ? '0.0.0'
    : String((JSON.parse(readFileSync(file, 'utf8')) as { version?: unknown }).version ?? '0.0.0');
