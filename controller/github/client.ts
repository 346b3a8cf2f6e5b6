/**
 * The one way to GitHub: Octokit with throttling and retry, a personal token or a GitHub App, github.com or Enterprise.
 * Rate limits and outages become Faults: the outbox waits, not this client.
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
  /** Timeout of one HTTP request. */
  readonly timeoutMs?: number;
  /** Pause between two writes; GitHub asks for at least a second. */
  readonly contentWriteIntervalMs?: number;
  /** Pause before the one retry of a failed read. */
  readonly readRetryMs?: number;
}

export interface GitHub {
  readonly owner: string;
  readonly repo: string;
  /**
   * Runs one request; `action` names it in the log. Throws only GitHubFault; for a rate limit it has the time to retry.
   */
  call<T>(
    action: string,
    exchange: (octokit: Octokit, at: { owner: string; repo: string }) => Promise<T>,
  ): Promise<T>;
  /** The author of our comments: the token's user, or `<app>[bot]`. Cached. */
  login(): Promise<string>;
  /** Permissions of an App installation with GitHub's names (`pull_requests: write`). Undefined for a token. */
  permissions(): Promise<Readonly<Record<string, string>> | undefined>;
  /** Aborts running requests. */
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

/** Writes run one at a time and `intervalMs` apart, across all endpoints. */
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
      // A rate limit becomes a Fault with the time to retry; the outbox waits until then.
      onRateLimit: () => false,
      onSecondaryRateLimit: () => false,
    },
    retry: { doNotRetry: [400, 401, 403, 404, 409, 410, 422, 429, 451], retryAfterBaseValue: readRetryMs },
  });
  octokit.hook.before('request', request => {
    request.headers['x-github-api-version'] = VERSION;
    // A write with a lost answer may have succeeded, so its caller must check before a retry.
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
      // Refreshed: the cached token may be older than a permission that was just granted.
      const how = { type: 'installation', refresh: true } as const;
      return call('permissions', async o => ((await o.auth(how)) as InstallationAuth).permissions);
    },
    stop: () => stopping.abort(),
  };
}
