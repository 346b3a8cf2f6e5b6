/**
 * The one way to GitHub: Octokit with throttling and retry, a personal token or a GitHub App, github.com or Enterprise.
 * Limits and outages become Faults: the outbox waits, not this client.
 */
import { createAppAuth } from '@octokit/auth-app';
import { retry } from '@octokit/plugin-retry';
import { throttling } from '@octokit/plugin-throttling';
import { Octokit } from '@octokit/rest';
import Bottleneck from 'bottleneck';
import type { Observe } from '../domain/event.ts';
import { faultCode } from '../domain/fault.ts';
import { toFault } from './fault.ts';

export type GitHubAuth =
  | { readonly kind: 'token'; readonly token: string }
  | {
      readonly kind: 'app';
      readonly appId: number;
      readonly installationId: number;
      readonly privateKey: string;
    };

export interface GitHubOptions {
  readonly owner: string;
  readonly repo: string;
  /** `https://api.github.com`, or `https://HOST/api/v3` of GitHub Enterprise. */
  readonly baseUrl: string;
  readonly auth: GitHubAuth;
  readonly nowMs: () => number;
  readonly observe: Observe;
  /** Of one HTTP exchange. */
  readonly timeoutMs?: number;
  /** Between two writes; GitHub asks for at least a second. */
  readonly contentWriteIntervalMs?: number;
  /** First pause before a failed read is tried once more. */
  readonly readRetryMs?: number;
}

export interface GitHub {
  readonly owner: string;
  readonly repo: string;
  /**
   * Runs one exchange; `action` names it in the log. Throws GitHubFault only: a limit carries the time to come back.
   */
  call<T>(
    action: string,
    exchange: (octokit: Octokit, at: { owner: string; repo: string }) => Promise<T>,
  ): Promise<T>;
  /** Who our comments are by: the token's user, or `<app>[bot]`. Asked once. */
  login(): Promise<string>;
  /** Of an App: what its installation may do, by GitHub's names (`pull_requests: write`). Undefined for a token. */
  permissions(): Promise<Readonly<Record<string, string>> | undefined>;
  /** Ends what is under way. */
  stop(): void;
}

interface InstallationAuth {
  readonly permissions: Readonly<Record<string, string>>;
}

const PLUGGED = Octokit.plugin(throttling, retry);
const QUIET = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const VERSION = '2022-11-28';

function authOptions(auth: GitHubAuth) {
  if (auth.kind === 'token') return { auth: auth.token };
  const { appId, installationId, privateKey } = auth;
  return { authStrategy: createAppAuth, auth: { appId, installationId, privateKey } };
}

/** Content writes one at a time and `intervalMs` apart, whatever endpoint they go to. */
const pace = (intervalMs: number): Bottleneck.Group =>
  new Bottleneck.Group({ maxConcurrent: 1, minTime: intervalMs });

export function makeGitHub(options: GitHubOptions): GitHub {
  const {
    owner,
    repo,
    auth,
    nowMs,
    observe,
    timeoutMs = 15_000,
    contentWriteIntervalMs = 1_000,
    readRetryMs = 1_000,
  } = options;
  const stopping = new AbortController();
  const secrets = auth.kind === 'token' ? [auth.token] : [auth.privateKey];
  const writes = pace(contentWriteIntervalMs);
  const octokit = new PLUGGED({
    ...authOptions(auth),
    baseUrl: options.baseUrl,
    userAgent: 'nexmdm-ota',
    log: QUIET,
    request: {
      fetch: (url: string, init: RequestInit) =>
        fetch(url, { ...init, signal: AbortSignal.any([stopping.signal, AbortSignal.timeout(timeoutMs)]) }),
    },
    throttle: {
      id: `${owner}/${repo}`,
      write: writes,
      notifications: pace(0),
      // A limit becomes a Fault that says when to try again; the outbox waits until then.
      onRateLimit: () => false,
      onSecondaryRateLimit: () => false,
    },
    retry: { doNotRetry: [400, 401, 403, 404, 409, 410, 422, 429, 451], retryAfterBaseValue: readRetryMs },
  });
  octokit.hook.before('request', request => {
    request.headers['x-github-api-version'] = VERSION;
    // A write whose answer was lost may have been carried out. Its caller must look before it tries again.
    request.request.retries = request.method === 'GET' ? 1 : 0;
  });

  let known: Promise<string> | undefined;
  async function call<T>(
    action: string,
    exchange: (octokit: Octokit, at: { owner: string; repo: string }) => Promise<T>,
  ): Promise<T> {
    try {
      const result = await exchange(octokit, { owner, repo });
      observe({ type: 'ota.github', action, result: 'ok', code: undefined });
      return result;
    } catch (error) {
      const fault = toFault(error, nowMs(), secrets);
      observe({
        type: 'ota.github',
        action,
        result: fault.retry === 'backoff' ? 'retry' : 'fail',
        code: faultCode(fault),
      });
      throw fault;
    }
  }

  const askLogin = (): Promise<string> =>
    call('login', async o =>
      auth.kind === 'token'
        ? (await o.rest.users.getAuthenticated()).data.login
        : `${(await o.rest.apps.getAuthenticated()).data?.slug ?? 'app'}[bot]`,
    );

  return {
    owner,
    repo,
    call,
    login: () => {
      known ??= askLogin().catch(error => {
        known = undefined;
        throw error;
      });
      return known;
    },
    permissions: async () => {
      if (auth.kind === 'token') return undefined;
      // Asked anew: the token at hand may be older than what somebody has just granted.
      const how = { type: 'installation', refresh: true } as const;
      return call('permissions', async o => ((await o.auth(how)) as InstallationAuth).permissions);
    },
    stop: () => stopping.abort(),
  };
}
