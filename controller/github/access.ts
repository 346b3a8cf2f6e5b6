/**
 * What the token or App may do in the repository, asked without changing anything. Of an App GitHub tells every permission;
 * of a token only what it refuses to show, and whether its user may write.
 * https://docs.github.com/en/rest/apps/apps#create-an-installation-access-token-for-an-app
 */
import type { GitHub } from './client.ts';
import { GitHubFault } from './fault.ts';

export interface Access {
  /** Who speaks: a login, or `<app>[bot]`. */
  readonly login: string;
  /** Permissions that docs/github.md asks for and that are not there, as GitHub's pages name them. */
  readonly missing: readonly string[];
  /** False: GitHub does not tell of a token whether it may write. */
  readonly isWhole: boolean;
}

const NEEDED = [
  ['contents', 'read', 'contents: read'],
  ['pull_requests', 'write', 'pull requests: write'],
  ['statuses', 'write', 'commit statuses: write'],
  ['deployments', 'write', 'deployments: write'],
] as const;

const REFUSED = new Set(['github_forbidden', 'github_not_found']);

/** Faults of {@link GitHub.call}: without an answer nothing is known. */
export async function accessOf(github: GitHub): Promise<Access> {
  const login = await github.login();
  const given = await github.permissions();
  if (given !== undefined) {
    const missing = NEEDED.filter(([name, need]) => !(given[name] === need || given[name] === 'write'));
    return { login, missing: missing.map(([, , shown]) => shown), isWhole: true };
  }
  const { data } = await github.call('access', (octokit, at) => octokit.rest.repos.get(at));
  const missing = data.permissions?.push === false ? ['write access to the repository'] : [];
  return { login, missing: [...missing, ...(await unreadable(github, data.default_branch))], isWhole: false };
}

/** What the token is not even shown. */
async function unreadable(github: GitHub, branch: string): Promise<string[]> {
  const asked = [
    [
      'contents: read',
      () => github.call('access', (o, at) => o.rest.git.listMatchingRefs({ ...at, ref: `heads/${branch}` })),
    ],
    [
      'pull requests: write',
      () => github.call('access', (o, at) => o.rest.pulls.list({ ...at, per_page: 1 })),
    ],
    [
      'commit statuses: write',
      () =>
        github.call('access', (o, at) =>
          o.rest.repos.listCommitStatusesForRef({ ...at, ref: branch, per_page: 1 }),
        ),
    ],
    [
      'deployments: write',
      () => github.call('access', (o, at) => o.rest.repos.listDeployments({ ...at, per_page: 1 })),
    ],
  ] as const;
  const missing: string[] = [];
  for (const [permission, ask] of asked)
    try {
      await ask();
    } catch (error) {
      if (!(error instanceof GitHubFault) || !REFUSED.has(error.code)) throw error;
      missing.push(permission);
    }
  return missing;
}
