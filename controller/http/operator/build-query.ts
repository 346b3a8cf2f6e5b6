/** `?build=`: the build that an answer is about. */
import type { Context } from 'koa';
import type { Snapshot } from '../../domain/decision.ts';
import { type BuildId, isBuildId } from '../../domain/ids.ts';
import { subjectOf } from '../../domain/progress.ts';
import { Refusal } from '../problem.ts';
import { queryOf } from './page.ts';

export const givenBuild = (ctx: Context): BuildId | undefined =>
  queryOf(ctx, 'build', 'a build id', text => (isBuildId(text) ? text : undefined));

/** Without a parameter it is the build that devices are led to. Refusals `query_invalid`, `not_ready`. */
export function buildAsked(ctx: Context, snapshot: Snapshot | undefined): BuildId {
  const given = givenBuild(ctx);
  if (given !== undefined) return given;
  if (snapshot === undefined)
    throw new Refusal('not_ready', 'no release has been applied yet', { retryAfterS: 10 });
  return subjectOf(snapshot).buildId;
}

/**
 * The version code of a build, undefined unless it is declared now. It identifies the build of a device that names
 * none.
 */
export const versionOf = (snapshot: Snapshot | undefined, buildId: BuildId): number | undefined =>
  snapshot?.state.builds.get(buildId)?.versionCode;
