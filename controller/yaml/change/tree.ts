/** Applies a change to the files of one revision and returns the changed files. Pure. */
import { parse } from 'yaml';
import { API_VERSION } from '../../domain/layout.ts';
import type { DesiredState } from '../../domain/release.ts';
import { ROLLOUT_FILE } from '../../domain/rules/index.ts';
import { intendedPercent, type Standing } from '../../domain/standing.ts';
import type { SourceTree } from '../../ports/index.ts';
import { editFile } from '../edit.ts';
import type { WirePolicy, WireRollout } from '../wire.ts';
import type { ChangeResult } from './edit-input.ts';
import { type Change, changeReleases } from './index.ts';

export interface ChangedTree {
  readonly ok: true;
  readonly title: string;
  readonly notes: readonly string[];
  /** Texts before and after, by path under `releases/`. Unchanged files are left out. */
  readonly texts: ReadonlyMap<string, { readonly before: string; readonly after: string }>;
  readonly tree: SourceTree;
}

type Refused = Extract<ChangeResult, { ok: false }>;

function textOf(tree: SourceTree, path: string): string | undefined {
  const found = tree.files.find(file => file.path === path);
  return found !== undefined && 'content' in found ? found.content.toString('utf8') : undefined;
}

/**
 * `written`: the parsed files of the tree, which have passed their schemas. `merged`: the merged state. `modeline`: the
 * first line of a new policy file, for editors.
 */
export function changeTree(
  tree: SourceTree,
  { written, merged }: { readonly written: DesiredState; readonly merged: Standing },
  change: Change,
  modeline = '',
): ChangedTree | Refused {
  const policy = textOf(tree, 'policy.yaml');
  const result = changeReleases(
    {
      rollout: written.rollout,
      wire: parse(textOf(tree, ROLLOUT_FILE) ?? '') as WireRollout,
      policy: policy === undefined ? undefined : (parse(policy) as WirePolicy),
      merged: { rollout: merged.state.rollout, percent: intendedPercent(merged) },
      builds: written.builds,
      cohorts: written.cohorts,
    },
    change,
  );
  if (!result.ok) return result;
  const texts = new Map<string, { before: string; after: string }>();
  for (const { file, fields } of result.edits) {
    const standing = textOf(tree, file);
    const before = standing ?? '';
    // Only a policy can be new: an edited build or rollout already exists.
    const after = editFile(file, standing ?? `${modeline}apiVersion: ${API_VERSION}\nkind: Policy\n`, fields);
    if (after !== before) texts.set(file, { before, after });
  }
  const kept = tree.files.filter(({ path }) => !texts.has(path));
  const made = [...texts].map(([path, { after }]) => ({ path, content: Buffer.from(after) }));
  return {
    ok: true,
    title: result.title,
    notes: result.notes,
    texts,
    tree: { ...tree, files: [...kept, ...made] },
  };
}
