/** GitHub Deployments, environment `fleet`: mirrors the rollout for GitHub's own pages. */
import type { KeyValueStore } from '../ports/index.ts';
import type { GitHub } from './client.ts';
import { GitHubFault } from './fault.ts';
import { KEEP_MS } from './remembered.ts';
import { clip } from './statuses.ts';

const ENVIRONMENT = 'fleet';

type DeploymentState = 'queued' | 'in_progress' | 'success' | 'failure' | 'inactive';

export interface Deployments {
  /** Sets the deployment of `sha` to `state`; resolves to whether something was sent. */
  put(sha: string, about: string, state: DeploymentState, description: string): Promise<boolean>;
}

interface Known {
  /** Absent while a creation has no answer yet. */
  readonly id?: number;
  readonly state?: DeploymentState;
  /** Requested without an answer: it may or may not exist on GitHub. */
  readonly asked?: DeploymentState;
}

export function makeDeployments(github: GitHub, store: KeyValueStore, nowMs: () => number): Deployments {
  async function find(sha: string): Promise<number | undefined> {
    const login = await github.login();
    const { data } = await github.call('deployment.find', (octokit, at) =>
      octokit.rest.repos.listDeployments({ ...at, sha, environment: ENVIRONMENT, per_page: 100 }),
    );
    return data.filter(d => d.creator?.login === login).at(-1)?.id;
  }

  async function create(sha: string, about: string): Promise<number> {
    const { data } = await github.call('deployment.create', (octokit, at) =>
      octokit.rest.repos.createDeployment({
        ...at,
        ref: sha,
        environment: ENVIRONMENT,
        // Deploy the commit as it is: GitHub must not merge, nor wait for our own statuses.
        auto_merge: false,
        required_contexts: [],
        description: clip(about),
      }),
    );
    if (!('id' in data))
      throw new GitHubFault('github_deployment_refused', 'GitHub merged instead of deploying', {
        retry: 'never',
      });
    return data.id;
  }

  async function standing(deployment_id: number): Promise<string | undefined> {
    const { data } = await github.call('deployment.standing', (octokit, at) =>
      octokit.rest.repos.listDeploymentStatuses({ ...at, deployment_id, per_page: 1 }),
    );
    return data[0]?.state;
  }

  return {
    put: async (sha, about, state, description) => {
      const key = `github:deployment:${sha}`;
      const remember = (known: Known): Promise<void> =>
        store.set(key, JSON.stringify(known), nowMs() + KEEP_MS);
      const stored = await store.get(key);
      const known = stored === undefined ? undefined : (JSON.parse(stored) as Known);
      if (known?.state === state) return false;
      let id = known?.id ?? (known === undefined ? undefined : await find(sha));
      if (id === undefined) {
        await remember({});
        id = await create(sha, about);
        await remember({ id });
      }
      const deployment_id = id;
      if (known?.asked === state && (await standing(deployment_id)) === state) {
        await remember({ id, state });
        return false;
      }
      await remember({ id, asked: state });
      await github.call('deployment.status', (octokit, at) =>
        octokit.rest.repos.createDeploymentStatus({
          ...at,
          deployment_id,
          state,
          description: clip(description),
        }),
      );
      await remember({ id, state });
      return true;
    },
  };
}
