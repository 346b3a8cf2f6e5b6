/**
 * Creates a branch with one commit on top of a base through GitHub's API. The controller needs neither a work tree nor
 * push access with Git, and a GitHub App signs the commit.
 */
import type { Revision } from '../domain/ids.ts';
import type { GitHub } from './client.ts';
import { GitHubFault } from './fault.ts';

interface BranchContent {
  readonly branch: string;
  readonly base: Revision;
  /** Complete new texts by path in the repository. */
  readonly files: ReadonlyMap<string, string>;
  readonly message: string;
}

/** Creates the branch, or moves one that exists after a lost answer. Returns its commit. */
export async function putBranch(github: GitHub, content: BranchContent): Promise<Revision> {
  const { branch, base, files, message } = content;
  const { data: on } = await github.call('commit', (octokit, at) =>
    octokit.rest.git.getCommit({ ...at, commit_sha: base }),
  );
  const { data: tree } = await github.call('tree.create', (octokit, at) =>
    octokit.rest.git.createTree({
      ...at,
      base_tree: on.tree.sha,
      tree: [...files].map(([path, text]) => ({ path, mode: '100644', type: 'blob', content: text })),
    }),
  );
  const { data: commit } = await github.call('commit.create', (octokit, at) =>
    octokit.rest.git.createCommit({ ...at, message, tree: tree.sha, parents: [base] }),
  );
  const move = (): Promise<unknown> =>
    github.call('ref.update', (octokit, at) =>
      octokit.rest.git.updateRef({ ...at, ref: `heads/${branch}`, sha: commit.sha, force: true }),
    );
  if (await isThere(github, branch)) await move();
  else
    await github
      .call('ref.create', (octokit, at) =>
        octokit.rest.git.createRef({ ...at, ref: `refs/heads/${branch}`, sha: commit.sha }),
      )
      .catch((error: unknown) => {
        // Two people at once, and the other one was first.
        if (error instanceof GitHubFault && error.code === 'github_invalid') return move();
        throw error;
      });
  return commit.sha;
}

async function isThere(github: GitHub, branch: string): Promise<boolean> {
  try {
    await github.call('ref.find', (octokit, at) =>
      octokit.rest.git.getRef({ ...at, ref: `heads/${branch}` }),
    );
    return true;
  } catch (error) {
    if (error instanceof GitHubFault && error.code === 'github_not_found') return false;
    throw error;
  }
}
