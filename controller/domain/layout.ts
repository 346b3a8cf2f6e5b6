/** Which files may exist where under `releases/` (SPEC §2). */
import { isBuildId, isName } from './ids.ts';

export const API_VERSION = 'ota.nexmdm/v1';

export const KINDS = ['Rollout', 'Build', 'Cohort', 'Policy'] as const;
export type Kind = (typeof KINDS)[number];

export const MAX_FILE_BYTES = 256 * 1024;
export const MAX_FILES = 2_000;
/** Limit for all files together: they are parsed in one go, and the fleet's checks wait meanwhile. */
export const MAX_TREE_BYTES = 4 * 1024 * 1024;

/** `declares`: a file of that kind; `name` is the id in its file name. `ignored`: notes and dotfiles. */
export type Role =
  | { readonly role: 'declares'; readonly kind: Kind; readonly name: string }
  | { readonly role: 'ignored' }
  | { readonly role: 'unexpected'; readonly hint: string };

const FOLDERS = { builds: 'Build', cohorts: 'Cohort' } as const;

/** Decided by the path alone, never by the content of the file. */
export function roleOf(path: string): Role {
  const parts = path.split('/');
  const [folder, file] = parts;
  if (parts.some(part => part.startsWith('.'))) return { role: 'ignored' };
  if (parts.at(-1) === 'README.md') return { role: 'ignored' };
  if (path === 'rollout.yaml') return { role: 'declares', kind: 'Rollout', name: 'rollout' };
  if (path === 'policy.yaml') return { role: 'declares', kind: 'Policy', name: 'policy' };
  if (path.endsWith('.yml')) return { role: 'unexpected', hint: `rename it to ${path.slice(0, -4)}.yaml` };
  if (parts.length === 2 && (folder === 'builds' || folder === 'cohorts') && file?.endsWith('.yaml')) {
    const name = file.slice(0, -'.yaml'.length);
    if (folder === 'builds' ? isBuildId(name) : isName(name))
      return { role: 'declares', kind: FOLDERS[folder], name };
    return {
      role: 'unexpected',
      hint: `its name is not a valid ${folder === 'builds' ? 'build_id' : 'cohort name'}`,
    };
  }
  return {
    role: 'unexpected',
    hint: 'expected: rollout.yaml, policy.yaml, builds/<build_id>.yaml, cohorts/<name>.yaml; README.md and dotfiles are ignored',
  };
}
