/** A minimal controller with the agent endpoints (SPEC §5) over real HTTP: records requests, misbehaves on demand. */
import { hash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Seen {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

export interface ServedBuild {
  readonly buildId: string;
  readonly versionCode: number;
  readonly apk: Buffer;
  readonly signer: string;
}

/** `default` sends the correct answer. */
export type Answer = (request: Seen, response: ServerResponse) => unknown;

export interface ScriptedController {
  readonly url: string;
  readonly seen: Seen[];
  /** The offer to devices; undefined: hold. */
  offer: ServedBuild | undefined;
  /** Fields of the manifest that are replaced; a value of undefined removes the field. */
  manifest: Record<string, unknown>;
  holdReason: string;
  /** Overrides the answer; returns `default` for the correct one. */
  onCheck: Answer | undefined;
  onApk: Answer | undefined;
  onReport: Answer | undefined;
  /** The answer to `POST /v1/agent/token`; undefined: 404. */
  onRenewal: Answer | undefined;
  /** The valid tokens; without `strict` they are recorded, not checked. */
  tokens: readonly string[];
  dateMs: (() => number) | undefined;
  /** True: requests without a valid token are rejected. False: they are only recorded. */
  strict: boolean;
  reports(): Record<string, unknown>[];
  renewals(): Seen[];
  checks(): Seen[];
  downloads(): Seen[];
  close(): Promise<void>;
}

/** The token that devices of a scripted controller use. */
export const TOKEN = 'test-token-of-the-device';

const read = async (request: IncomingMessage): Promise<string> => {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
};

const problem = (
  response: ServerResponse,
  status: number,
  code: string,
  headers: Record<string, string> = {},
): unknown => {
  response.writeHead(status, { 'content-type': 'application/problem+json', ...headers });
  return response.end(JSON.stringify({ status, code }));
};

export async function startScriptedController(): Promise<ScriptedController> {
  const server = createServer((request, response) => {
    void handle(request, response);
  });
  const finals = new Map<string, string>();
  const served = new Map<string, ServedBuild>();

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<unknown> {
    const url = new URL(request.url ?? '/', 'http://x');
    const seen: Seen = {
      method: request.method ?? '',
      path: url.pathname,
      query: url.searchParams,
      headers: request.headers,
      body: await read(request),
    };
    self.seen.push(seen);
    if (self.dateMs !== undefined) response.setHeader('date', new Date(self.dateMs()).toUTCString());
    if (self.strict && !self.tokens.some(token => seen.headers.authorization === `Bearer ${token}`))
      return problem(response, 401, 'unauthorized');
    const apk = /^\/v1\/agent\/builds\/([^/]+)\/apk$/.exec(seen.path);
    if (seen.path === '/v1/agent/update')
      return run(self.onCheck, seen, response, () => update(seen, response));
    if (apk !== null) return run(self.onApk, seen, response, () => sendApk(apk[1] ?? '', seen, response));
    if (seen.path === '/v1/action-result')
      return run(self.onReport, seen, response, () => takeReport(seen, response));
    if (seen.path === '/v1/agent/push-token') return response.writeHead(204).end();
    if (seen.path === '/v1/agent/token' && seen.method === 'POST')
      return run(self.onRenewal, seen, response, () => problem(response, 404, 'not_found'));
    return problem(response, 404, 'not_found');
  }

  function run(
    answer: Answer | undefined,
    seen: Seen,
    response: ServerResponse,
    otherwise: () => unknown,
  ): unknown {
    return answer === undefined || answer(seen, response) === 'default' ? otherwise() : undefined;
  }

  function update(seen: Seen, response: ServerResponse): unknown {
    const version = seen.query.get('version_code');
    if (version === null || !/^\d+$/.test(version)) return problem(response, 400, 'version_code');
    const build = self.offer;
    response.setHeader('cache-control', 'private, no-store');
    if (build === undefined || build.versionCode === Number(version)) {
      const reason = build === undefined ? self.holdReason : 'up_to_date';
      const status = seen.headers['if-none-match'] === '"none"' ? 304 : 204;
      return response.writeHead(status, { etag: '"none"', 'ota-decision': reason }).end();
    }
    served.set(build.buildId, build);
    response.writeHead(200, { 'content-type': 'application/json' });
    return response.end(JSON.stringify({ ...manifestOf(build, self.url), ...self.manifest }));
  }

  function sendApk(buildId: string, seen: Seen, response: ServerResponse): unknown {
    const build = served.get(buildId);
    if (build === undefined || self.offer === undefined) return problem(response, 410, 'build_not_offered');
    const etag = `"${hash('sha256', build.apk)}"`;
    const range = /^bytes=(\d+)-$/.exec(seen.headers.range ?? '');
    const from = Number(range?.[1] ?? 0);
    const partial = range !== null && seen.headers['if-range'] === etag;
    if (partial && from >= build.apk.length)
      return problem(response, 416, 'range', { 'content-range': `bytes */${build.apk.length}` });
    const body = partial ? build.apk.subarray(from) : build.apk;
    response.writeHead(partial ? 206 : 200, {
      etag,
      'content-length': body.length,
      ...(partial ? { 'content-range': `bytes ${from}-${build.apk.length - 1}/${build.apk.length}` } : {}),
    });
    return response.end(body);
  }

  function takeReport(seen: Seen, response: ServerResponse): unknown {
    let report: { request_id?: string; outcome?: string };
    try {
      report = JSON.parse(seen.body) as typeof report;
    } catch {
      return problem(response, 400, 'body_malformed');
    }
    const { request_id = '', outcome = '' } = report;
    const standing = finals.get(request_id);
    if (standing !== undefined && standing !== outcome) return problem(response, 409, 'outcome_conflict');
    if (outcome !== 'deferred') finals.set(request_id, outcome);
    return response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
  }

  const self: ScriptedController = {
    url: '',
    seen: [],
    offer: undefined,
    manifest: {},
    holdReason: 'outside_cohort',
    onCheck: undefined,
    onApk: undefined,
    onReport: undefined,
    onRenewal: undefined,
    tokens: [TOKEN],
    dateMs: undefined,
    strict: true,
    reports: () =>
      self.seen
        .filter(s => s.path === '/v1/action-result')
        .map(s => JSON.parse(s.body) as Record<string, unknown>),
    renewals: () => self.seen.filter(s => s.path === '/v1/agent/token'),
    checks: () => self.seen.filter(s => s.path === '/v1/agent/update'),
    downloads: () => self.seen.filter(s => s.path.endsWith('/apk')),
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  return Object.assign(self, { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
}

/** The manifest of SPEC §5, every field. */
export function manifestOf(build: ServedBuild, base: string): Record<string, unknown> {
  return {
    build_id: build.buildId,
    version_code: build.versionCode,
    version_name: `${build.versionCode}.0.0`,
    url: `${base}/v1/agent/builds/${build.buildId}/apk`,
    sha256: hash('sha256', build.apk),
    signer_fingerprint: build.signer,
    signer_lineage: [],
    size_bytes: build.apk.length,
    wifi_only: true,
    must_install: false,
    deadline_s: null,
    staged_rollout_percent: 100,
    cohort_seed: '',
    eligible_by: 'rollout',
    force_downgrade: false,
    min_battery_percent: 30,
    poll_interval_s: 21_600,
    revision: 'a'.repeat(40),
  };
}
