/**
 * Finds out whether a build was halted before: from an open brake pull request, or from the `ota/rollout` status of the
 * revisions that rolled out the build. Both survive the loss of the controller's store.
 */
import type { Rollout } from '../domain/release.ts';
import type { FormerHalt, FormerHalts, RolloutVersion, Source } from '../ports/index.ts';
import { brakeBranches } from './brake-pull.ts';
import type { GitHub } from './client.ts';
import { HALTED } from './revision-progress.ts';

export interface FormerHaltsOptions {
  readonly github: GitHub;
  readonly source: Pick<Source, 'rolloutHistory'>;
  readonly parseRollout: (version: RolloutVersion) => Rollout | undefined | Promise<Rollout | undefined>;
  /** The branch with the desired state. */
  readonly branch: string;
}

/** How many versions of a build's rollout are checked, newest first. */
const DEEPEST = 50;

export function makeFormerHalts({ github, source, parseRollout, branch }: FormerHaltsOptions): FormerHalts {
  async function openBrake(buildId: string): Promise<FormerHalt | undefined> {
    const pulls = await github.call('pull.list', (octokit, at) =>
      octokit.paginate(octokit.rest.pulls.list, { ...at, state: 'open', base: branch, per_page: 100 }),
    );
    const prefix = brakeBranches(buildId);
    const pull = pulls.find(
      p =>
        p.head.ref.startsWith(prefix) &&
        /^\d{17}(-\d+)?$/.test(p.head.ref.slice(prefix.length)) &&
        p.head.user?.login === p.base.user?.login,
    );
    return (
      pull && { reason: `pull request #${pull.number} of the brake is open`, atMs: momentIn(pull.head.ref) }
    );
  }

  async function isHalted(revision: string): Promise<boolean> {
    const { data } = await github.call('status.find', (octokit, at) =>
      octokit.rest.repos.listCommitStatusesForRef({ ...at, ref: revision, per_page: 100 }),
    );
    // GitHub lists the newest first.
    return data.find(status => status.context === 'ota/rollout')?.description?.startsWith(HALTED) ?? false;
  }

  async function haltedRevision(buildId: string, from: string): Promise<string | undefined> {
    if (await isHalted(from)) return from;
    let seen = 0;
    for await (const version of source.rolloutHistory(from)) {
      const rollout = await parseRollout(version);
      // A version that does not parse was never applied, but a later one may have been.
      if (rollout !== undefined && rollout.current !== buildId) return undefined;
      if (version.revision !== from && (await isHalted(version.revision))) return version.revision;
      seen += 1;
      if (seen === DEEPEST) return undefined;
    }
    return undefined;
  }

  return {
    haltOf: async (buildId, revision) => {
      const brake = await openBrake(buildId);
      if (brake !== undefined) return brake;
      const halted = await haltedRevision(buildId, revision);
      return halted === undefined
        ? undefined
        : { reason: `its status at ${halted.slice(0, 12)} says that it was halted`, atMs: undefined };
    },
  };
}

/** The time of the halt in the branch name: `…-20261126070000123`. */
function momentIn(ref: string): number | undefined {
  const digits = /(\d{17})(?:-\d+)?$/.exec(ref)?.[1];
  if (digits === undefined) return undefined;
  const at = Date.parse(
    digits.replace(/^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d{3})$/, '$1-$2-$3T$4:$5:$6.$7Z'),
  );
  return Number.isNaN(at) ? undefined : at;
}
