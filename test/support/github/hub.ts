/**
 * A GitHub of our own on loopback: the real Octokit and the real Git talk to it. Every request and every answer is
 * held to GitHub's published OpenAPI description and to the documented limits; faults come on demand.
 */
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type Answer, OPERATIONS, problem } from './answers.ts';
import { makeBare } from './bare.ts';
import { serveGit } from './git-remote.ts';
import { type Json, judgeRequest, judgeResponse, match } from './openapi.ts';
import { HubState } from './state.ts';

/** `lost`: carried out, but the answer never arrives in one piece. */
export type FaultKind =
  | 'secondary'
  | 'rate'
  | 'invalid'
  | 'server'
  | 'hang'
  | 'lost'
  | 'drop'
  | 'unauthorized'
  | 'forbidden';

export interface FaultRule {
  readonly kind: FaultKind;
  /** Operation id, `issues/create-comment`; every operation when left out. */
  readonly operation?: string;
  /** How often; for ever when left out. */
  times?: number;
  readonly retryAfterS?: number;
}

export interface Recorded {
  readonly method: string;
  readonly path: string;
  readonly operation: string;
  readonly status: number;
  readonly body: Json | undefined;
  /** Monotonic arrival, ms. */
  readonly atMs: number;
}

export interface Hub {
  readonly state: HubState;
  /** Base URL for Octokit; `prefix` as on GitHub Enterprise. */
  readonly apiUrl: string;
  /** Clone URL without credentials. */
  readonly cloneUrl: string;
  readonly token: string;
  readonly requests: Recorded[];
  /** What broke the contract or a documented limit: must stay empty. */
  readonly violations: string[];
  /** Everything but GET. */
  writes(): Recorded[];
  fail(rule: FaultRule): void;
  heal(): void;
}

export interface HubOptions {
  readonly nowMs?: () => number;
  /** Least time between two writes before it is a violation. */
  readonly writeIntervalMs?: number;
  /** Path in front of every API route, `/api/v3` on Enterprise. */
  readonly prefix?: string;
}

export const TOKEN = `ghp_${'Zq7'.repeat(12)}`;
const INSTALLATION_TOKEN = `ghs_${'Kx9'.repeat(12)}`;
const MAX_BODY = 1 << 20;

async function readBody(request: IncomingMessage): Promise<Json | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_BODY) throw new Error('request body over 1 MiB');
    chunks.push(chunk);
  }
  return size === 0 ? undefined : (JSON.parse(Buffer.concat(chunks).toString('utf8')) as Json);
}

function loginOf(request: IncomingMessage): string | undefined {
  const [scheme = '', value = ''] = (request.headers.authorization ?? '').split(' ');
  if (!/^(token|bearer)$/i.test(scheme)) return undefined;
  if (value === TOKEN) return 'ota-bot';
  if (value === INSTALLATION_TOKEN || value.split('.').length === 3) return 'ota-console[bot]';
  return undefined;
}

export async function withHub<T>(use: (hub: Hub) => Promise<T>, options: HubOptions = {}): Promise<T> {
  const { nowMs = () => Date.now(), writeIntervalMs = 0, prefix = '' } = options;
  const root = mkdtempSync(path.join(tmpdir(), 'hub-'));
  const state = new HubState(makeBare(path.join(root, 'acme', 'fleet.git'), 'main', nowMs), nowMs);
  const requests: Recorded[] = [];
  const violations: string[] = [];
  const rules: FaultRule[] = [];
  let lastWriteMs = Number.NEGATIVE_INFINITY;

  function faultFor(operation: string): FaultRule | undefined {
    const index = rules.findIndex(r => r.operation === undefined || r.operation === operation);
    const rule = rules[index];
    if (rule?.times !== undefined && --rule.times <= 0) rules.splice(index, 1);
    return rule;
  }

  function send(response: ServerResponse, answer: Answer, headers: Record<string, string> = {}): void {
    response.writeHead(answer.status, {
      'content-type': 'application/json; charset=utf-8',
      'x-ratelimit-limit': '5000',
      'x-ratelimit-remaining': '4990',
      'x-ratelimit-reset': String(Math.floor(nowMs() / 1000) + 3600),
      ...headers,
    });
    response.end(answer.body === undefined ? undefined : JSON.stringify(answer.body));
  }

  function sendFault(response: ServerResponse, { kind, retryAfterS = 60 }: FaultRule): void {
    if (kind === 'hang') return;
    if (kind === 'drop' || kind === 'lost') response.destroy();
    else if (kind === 'secondary')
      send(response, problem(403, 'You have exceeded a secondary rate limit. Please wait a few minutes.'), {
        'retry-after': String(retryAfterS),
      });
    else if (kind === 'rate')
      send(response, problem(403, 'API rate limit exceeded for user ID 1.'), {
        'x-ratelimit-remaining': '0',
        'x-ratelimit-reset': String(Math.floor(nowMs() / 1000) + retryAfterS),
      });
    else if (kind === 'unauthorized') send(response, problem(401, 'Bad credentials'));
    else if (kind === 'forbidden') send(response, problem(403, 'Resource not accessible by integration'));
    else if (kind === 'invalid') send(response, problem(422, 'Validation Failed'));
    else send(response, { status: 502, body: { message: 'Server Error' } });
  }

  async function api(request: IncomingMessage, response: ServerResponse, url: URL): Promise<void> {
    const atMs = performance.now();
    const method = request.method ?? 'GET';
    const pathname = url.pathname.slice(prefix.length);
    const matched = match(method, pathname);
    const operation = matched?.operationId ?? 'unknown';
    const body = await readBody(request);
    const record = (status: number): void => {
      requests.push({ method, path: pathname, operation, status, body, atMs });
    };
    if (JSON.stringify(body ?? '').includes(TOKEN) || url.href.includes(TOKEN))
      violations.push(`${operation}: the token was sent as data`);
    const login = loginOf(request);
    if (login === undefined) {
      record(401);
      return send(response, problem(401, 'Bad credentials'));
    }
    const perform = OPERATIONS[operation];
    if (operation === 'apps/create-installation-access-token') {
      record(201);
      return send(response, {
        status: 201,
        body: {
          token: INSTALLATION_TOKEN,
          expires_at: '2099-01-01T00:00:00Z',
          permissions: state.granted,
          repository_selection: 'selected',
        },
      });
    }
    if (matched === undefined || perform === undefined) {
      violations.push(`${method} ${pathname}: not an operation the console needs`);
      record(404);
      return send(response, problem(404, 'Not Found'));
    }
    const wrong = judgeRequest(matched, url.searchParams, body);
    violations.push(...wrong.map(w => `${operation}: ${w}`));
    if (method !== 'GET') {
      if (atMs - lastWriteMs < writeIntervalMs)
        violations.push(`${operation}: a write ${Math.round(atMs - lastWriteMs)} ms after the last`);
      lastWriteMs = atMs;
    }
    const fault = faultFor(operation);
    if (fault !== undefined && fault.kind !== 'lost') {
      record(0);
      return sendFault(response, fault);
    }
    const mine =
      matched.params.owner === undefined ||
      (matched.params.owner === state.owner && matched.params.repo === state.repo);
    const answer =
      wrong.length > 0
        ? problem(422, wrong.join('; '))
        : !mine
          ? problem(404, 'Not Found')
          : perform(state, {
              login,
              params: matched.params,
              query: url.searchParams,
              body: (body ?? {}) as Record<string, Json>,
            });
    violations.push(...judgeResponse(matched, answer.status, answer.body).map(w => `stand-in: ${w}`));
    record(answer.status);
    if (fault !== undefined) return sendFault(response, fault);
    respond(request, response, url, answer);
  }

  function respond(request: IncomingMessage, response: ServerResponse, url: URL, answer: Answer): void {
    const headers: Record<string, string> = {};
    if (request.method === 'GET' && answer.status === 200) {
      headers.etag = `W/"${createHash('sha256').update(JSON.stringify(answer.body)).digest('hex')}"`;
      if (request.headers['if-none-match'] === headers.etag) {
        send(response, { status: 304 }, headers);
        return;
      }
      const [size, page] = [
        Number(url.searchParams.get('per_page') ?? 30),
        Number(url.searchParams.get('page') ?? 1),
      ];
      if (answer.total !== undefined && page * size < answer.total) {
        const next = new URL(url);
        next.searchParams.set('page', String(page + 1));
        headers.link = `<${next.href}>; rel="next"`;
      }
    }
    send(response, answer, headers);
  }

  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', `http://${request.headers.host ?? 'localhost'}`);
    if (url.pathname.includes('.git/')) {
      if (rules.some(r => r.operation === undefined)) return void response.destroy();
      return serveGit(request, response, {
        root,
        authorised: (_user, password) => password === TOKEN,
        onPushed: () => state.syncPullRefs(),
      });
    }
    api(request, response, url).catch(error => {
      violations.push(`stand-in: ${error instanceof Error ? error.message : String(error)}`);
      response.destroy();
    });
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  try {
    return await use({
      state,
      apiUrl: origin + prefix,
      cloneUrl: `${origin}/acme/fleet.git`,
      token: TOKEN,
      requests,
      violations,
      writes: () => requests.filter(r => r.method !== 'GET'),
      fail: rule => void rules.push(rule),
      heal: () => void rules.splice(0),
    });
  } finally {
    server.closeAllConnections();
    await new Promise(resolve => server.close(resolve));
    rmSync(root, { recursive: true, force: true });
  }
}
