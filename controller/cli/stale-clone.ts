/** A clone that is behind what the controller has applied shows a plan of the past: said, never a reason to fail. */
import { shortRevision } from './rollout-wire.ts';
import type { ToldRollout } from './told-rollout.ts';
import type { Workspace } from './workspace.ts';

/** Undefined: nothing is missing, or nobody can tell. `name`: the revision that is taken for merged. */
export async function staleClone(
  { repository }: Workspace,
  name: string,
  told: ToldRollout,
): Promise<string | undefined> {
  if (repository === undefined || told.kind === 'unknown') return undefined;
  const { revision } = told.view;
  if (revision === null || !/^[0-9a-f]{40}/.test(revision)) return undefined;
  const has = await repository.contains(await repository.resolve(name), revision);
  const applied = `the controller has applied ${shortRevision(revision)}`;
  if (has === undefined) return `${applied}, which this clone does not have: it is stale, run git pull first`;
  return has
    ? undefined
    : `${applied}, which is not part of ${name} here: run git pull, or is this another branch?`;
}
