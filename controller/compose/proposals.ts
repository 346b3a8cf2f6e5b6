/** How the command line opens pull requests: with the controller's own GitHub settings, if there are any. */

import { makeGitHub } from '../github/client.ts';
import { makeProposals } from '../github/proposals.ts';
import type { Proposals } from '../ports/index.ts';
import { readSettings } from '../settings/read.ts';
import type { GitHubPace } from './foundation.ts';
import { githubAuthOf } from './github.ts';

/** The origin of Git itself. Only github.com serves its API from a different host. */
function gitOrigin(apiUrl: string): string {
  const { origin } = new URL(apiUrl);
  return origin === 'https://api.github.com' ? 'https://github.com' : origin;
}

/** Without OTA_GITHUB_REPO, branches are pushed with the operator's own Git credentials and no pull request is opened. */
export function proposalsOf(
  environment: Readonly<Record<string, string | undefined>>,
  nowMs: () => number,
  pace?: GitHubPace,
): Proposals {
  const settings = readSettings(environment);
  const [owner, repo] = settings.OTA_GITHUB_REPO?.split('/') ?? [];
  const branch = environment.OTA_SOURCE_BRANCH === undefined ? undefined : settings.OTA_SOURCE_BRANCH;
  if (owner === undefined || repo === undefined)
    return makeProposals({ environment, branch, github: undefined });
  const auth = githubAuthOf(settings);
  const baseUrl = settings.OTA_GITHUB_URL;
  return makeProposals({
    environment,
    branch,
    credentials: auth.kind === 'token' ? { origin: gitOrigin(baseUrl), token: auth.token } : undefined,
    github: makeGitHub({ owner, repo, baseUrl, auth, nowMs, observe: () => undefined, ...pace }),
  });
}
