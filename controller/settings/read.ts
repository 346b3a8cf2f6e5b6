/**
 * Environment → checked, frozen Settings. An `OTA_…` variable that is not in the table is an error that names it. A secret
 * may come as a file (`OTA_GITHUB_TOKEN_FILE`). All mistakes are reported together.
 */
import { readFileSync } from 'node:fs';
import { Fault } from '../domain/fault.ts';
import { nearest } from '../domain/nearest.ts';
import { contradictions } from './contradictions.ts';
import { type Name, SETTINGS, type Settings } from './settings.ts';
import type { Spec } from './spec.ts';

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
