/** Revisions that were merged and replaced between two polls. They were never read, but their pull requests get a report. */
import type { Revision } from '../domain/ids.ts';
import type { GitHub } from './client.ts';
import { GitHubFault } from './fault.ts';

const PER_PAGE = 100;
/** Older revisions are ignored: nobody waits for them any more. */
const MOST = 25;

interface Commit {
  readonly sha: string;
  readonly parent: string | undefined;
  readonly tree: string;
}

async function commitsBetween(github: GitHub, base: Revision, head: Revision): Promise<Map<string, Commit>> {
  const found = new Map<string, Commit>();
  for (let page = 1; page <= 5; page += 1) {
    const { data } = await github.call('compare', (octokit, at) =>
      octokit.rest.repos.compareCommitsWithBasehead({
        ...at,
        basehead: `${base}...${head}`,
        per_page: PER_PAGE,
        page,
      }),
    );
    for (const c of data.commits)
      found.set(c.sha, { sha: c.sha, parent: c.parents[0]?.sha, tree: c.commit.tree.sha });
    if (data.commits.length < PER_PAGE) break;
  }
  return found;
}

/** The tree of `path` within a root tree; undefined if it does not exist. */
async function subtree(github: GitHub, root: string, path: string): Promise<string | undefined> {
  let tree = root;
  for (const name of path.split('/').filter(part => part !== '')) {
    const tree_sha = tree;
    const { data } = await github.call('tree', (octokit, at) =>
      octokit.rest.git.getTree({ ...at, tree_sha }),
    );
    const entry = data.tree.find(e => e.path === name && e.type === 'tree');
    if (entry?.sha === undefined) return undefined;
    tree = entry.sha;
  }
  return tree;
}

/**
 * First-parent commits strictly between `base` and `head` that changed `path`, newest first.
 * Empty if GitHub no longer knows `base` (a rewritten history).
 */
export async function overtaken(
  github: GitHub,
  base: Revision,
  head: Revision,
  path: string,
): Promise<Revision[]> {
  let commits: Map<string, Commit>;
  try {
    commits = await commitsBetween(github, base, head);
  } catch (error) {
    if (error instanceof GitHubFault && error.code === 'github_not_found') return [];
    throw error;
  }
  const chain: Commit[] = [];
  for (
    let at = commits.get(commits.get(head)?.parent ?? '');
    at !== undefined;
    at = commits.get(at.parent ?? '')
  )
    chain.push(at);
  const recent = chain.slice(0, MOST);
  const oldest = recent.at(-1);
  if (oldest === undefined) return [];
  // The parent of the oldest one: `base`, or the next commit of a chain longer than the limit.
  const trees = await Promise.all(recent.map(c => subtree(github, c.tree, path)));
  // GitHub accepts a commit in place of a tree.
  trees.push(await subtree(github, chain[recent.length]?.tree ?? base, path));
  return recent.filter((_, i) => trees[i] !== trees[i + 1]).map(c => c.sha);
}
