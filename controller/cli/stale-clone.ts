/** Warns if the clone is behind the revision that the controller has applied, because its plan is outdated. Never fails. */

import type { RolloutAnswer } from './rollout-answer.ts';
import { shortRevision } from './rollout-wire.ts';
import type { Workspace } from './workspace.ts';

/** The warning; undefined if nothing is missing or it is not known. `name`: the revision used as the merged one. */
export async function staleClone(
  { repository }: Workspace,
  name: string,
  answer: RolloutAnswer,
): Promise<string | undefined> {
  if (repository === undefined || answer.kind === 'unknown') return undefined;
  const { revision } = answer.view;
  if (revision === null || !/^[0-9a-f]{40}/.test(revision)) return undefined;
  const has = await repository.contains(await repository.resolve(name), revision);
  const applied = `the controller has applied ${shortRevision(revision)}`;
  if (has === undefined) return `${applied}, which this clone does not have: run git pull first`;
  return has
    ? undefined
    : `${applied}, which is not part of ${name} here: run git pull, or check that this is the right branch`;
}
