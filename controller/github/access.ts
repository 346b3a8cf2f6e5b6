/**
 * The permissions of the token or App in the repository, found out without changing anything. GitHub lists all permissions
 * of an App. For a token it only shows whether its user may write, and it rejects reads that are not allowed.
 * https://docs.github.com/en/rest/apps/apps#create-an-installation-access-token-for-an-app
 */
import type { GitHub } from './client.ts';
import { GitHubFault } from './fault.ts';

export interface Access {
  /** Our own identity: a login, or `<app>[bot]`. */
  readonly login: string;
  /** Missing permissions among those that docs/github.md requires, with GitHub's names. */
  readonly missing: readonly string[];
  /** False for a token: GitHub does not show all its write permissions. */
  readonly isWhole: boolean;
}

const NEEDED = [
  ['contents', 'read', 'contents: read'],
  ['pull_requests', 'write', 'pull requests: write'],
  ['statuses', 'write', 'commit statuses: write'],
  ['deployments', 'write', 'deployments: write'],
] as const;

const REFUSED = new Set(['github_forbidden', 'github_not_found']);

/** Throws the Faults of {@link GitHub.call} if GitHub does not answer. */
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

/** Permissions that the token lacks even for reading. */
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
