/**
 * The client of the controller's operator routes (SPEC §6). Every failure becomes a Fault that says what was tried and
 * what to check. The token is sent in one header and used nowhere else.
 */
import { Readable } from 'node:stream';
import type { Dispatcher } from 'undici';
import { Fault } from '../domain/fault.ts';
import { isPrivateUrl } from '../domain/loopback.ts';
import type { Io } from './io.ts';
import { unreachable } from './unreachable.ts';

const TIMEOUT_MS = 15_000;
const MAX_ANSWER_BYTES = 64 * 1024 * 1024;
const DEFAULT_URL = 'http://127.0.0.1:8080';

export interface Call {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Starts with `/v1/`; parameters go into `query`. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | null | undefined>>;
  readonly json?: unknown;
  readonly body?: { readonly bytes: AsyncIterable<Buffer>; readonly type: string; readonly length?: number };
  readonly headers?: Readonly<Record<string, string>>;
  /** How long to wait for the start of the answer. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** Parsed JSON; undefined for an empty answer. */
  readonly json: unknown;
}

export interface Client {
  readonly url: string;
  /** Resolves for 2xx; everything else is a Fault with the controller's own code. */
  call(call: Call): Promise<Answer>;
}

/** Faults: `url_invalid`, `url_insecure`, `token_missing`. Nothing is sent yet. */
export function controllerClient(io: Pick<Io, 'controller'>): Client {
  const base = checkedUrl(io.controller.url ?? DEFAULT_URL);
  const token = io.controller.token?.trim();
  if (token === undefined || token === '')
    throw new Fault(
      'token_missing',
      'OTA_ADMIN_TOKEN is not set\n  set it to an admin token: export OTA_ADMIN_TOKEN=…, or name a file with the token: ota context add',
      { retry: 'never' },
    );
  if (!/^[\x21-\x7e]{1,4096}$/.test(token))
    throw new Fault('token_missing', 'OTA_ADMIN_TOKEN has characters that a token cannot have', {
      retry: 'never',
    });
  const url = base.href.replace(/\/$/, '');
  return { url, call: call => send(url, token, call) };
}

/** `name` is the caller's name for the URL, used in errors. Faults `url_invalid`, `url_insecure`. */
export function checkedUrl(text: string, name = 'OTA_URL'): URL {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw new Fault(
      'url_invalid',
      `${name} is not a URL\n  expected something like ${DEFAULT_URL} or https://ota.example.com`,
      { retry: 'never' },
    );
  }
  if (
    !/^https?:$/.test(url.protocol) ||
    url.username !== '' ||
    url.password !== '' ||
    url.search !== '' ||
    url.hash !== ''
  )
    throw new Fault('url_invalid', `${name} must be http(s)://host[:port] without user, query or fragment`, {
      retry: 'never',
    });
  if (!isPrivateUrl(url))
    throw new Fault(
      'url_insecure',
      `${name} is plain http to ${url.host}: others could read the admin token on the way\n  use https, or a tunnel to the controller's loopback port`,
      { retry: 'never' },
    );
  return url;
}

async function send(base: string, token: string, call: Call): Promise<Answer> {
  const method = call.method ?? 'GET';
  const target = new URL(base + call.path);
  for (const [name, value] of Object.entries(call.query ?? {}))
    if (value !== undefined && value !== null) target.searchParams.set(name, String(value));
  const timeoutMs = call.timeoutMs ?? TIMEOUT_MS;
  // Loaded only when needed, because loading it takes longer than the whole work of a verb without a controller.
  const { request } = await import('./request.ts');
  let response: Dispatcher.ResponseData;
  try {
    response = await request(target, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        accept: 'application/json, application/problem+json',
        'user-agent': 'ota-cli',
        ...(call.json === undefined ? {} : { 'content-type': 'application/json' }),
        ...(call.body === undefined ? {} : { 'content-type': call.body.type }),
        ...(call.body?.length === undefined ? {} : { 'content-length': String(call.body.length) }),
        ...call.headers,
      },
      body:
        call.body !== undefined
          ? Readable.from(call.body.bytes)
          : call.json === undefined
            ? null
            : JSON.stringify(call.json),
      headersTimeout: timeoutMs,
      bodyTimeout: timeoutMs,
      ...(call.signal === undefined ? {} : { signal: call.signal }),
    });
  } catch (cause) {
    throw unreachable(base, method, call.path, cause);
  }
  const text = await readBounded(response.body, base, method, call.path);
  return judge(base, call.path, response.statusCode, response.headers, text);
}

async function readBounded(
  body: AsyncIterable<Buffer>,
  base: string,
  method: string,
  path: string,
): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of body) {
      size += chunk.length;
      if (size > MAX_ANSWER_BYTES) break;
      chunks.push(chunk);
    }
  } catch (cause) {
    throw unreachable(base, method, path, cause);
  }
  if (size > MAX_ANSWER_BYTES)
    throw new Fault('answer_invalid', `${base} answered ${path} with more than ${MAX_ANSWER_BYTES} bytes`, {
      retry: 'never',
    });
  return Buffer.concat(chunks).toString('utf8');
}

function judge(base: string, path: string, status: number, headers: Answer['headers'], text: string): Answer {
  const type = String(headers['content-type'] ?? '');
  const isJson = /^application\/(problem\+)?json\b/.test(type);
  const json = isJson && text !== '' ? parse(text, base, path) : undefined;
  if (status >= 200 && status < 300) {
    if (!isJson && text !== '') throw notOurs(base, path, status, type);
    return { status, headers, json };
  }
  if (json === undefined || typeof json !== 'object' || json === null)
    throw notOurs(base, path, status, type);
  throw refusal(json as Record<string, unknown>, status, headers);
}

function parse(text: string, base: string, path: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new Fault('answer_invalid', `${base} answered ${path} with broken JSON`, { retry: 'never', cause });
  }
}

const notOurs = (base: string, path: string, status: number, type: string): Fault =>
  new Fault(
    'answer_invalid',
    `${base} answered ${path} with HTTP ${status} and ${type === '' ? 'no content type' : type}, so it is not a controller\n  check OTA_URL: it must be the operator port (OTA_OPERATOR_PORT)`,
    { retry: 'never' },
  );

const HINTS: Readonly<Record<number, string>> = {
  401: 'check that OTA_ADMIN_TOKEN belongs to this controller and is neither expired nor revoked',
  403: 'this token lacks the scope; see: ota token list',
  413: 'the controller sets a limit on the size',
};

/** problem+json (RFC 9457) as one readable sentence with its stable code. */
function refusal(problem: Record<string, unknown>, status: number, headers: Answer['headers']): Fault {
  const text = (key: string): string | undefined =>
    typeof problem[key] === 'string' ? problem[key] : undefined;
  const code = text('code') ?? `http_${status}`;
  const sentence = text('detail') ?? text('title') ?? `the controller answered HTTP ${status}`;
  const wait = headers['retry-after'];
  const hint = wait === undefined ? HINTS[status] : `try again in ${String(wait)} s`;
  const lines = [...detailsOf(problem.errors), ...(hint === undefined ? [] : [hint])];
  return new Fault(code, [`${sentence} (HTTP ${status})`, ...lines].join('\n  '), {
    retry: status === 429 || status >= 500 ? 'backoff' : 'never',
  });
}

const SHOWN = 5;

/** The `errors` member of our own problems: `[{row?, path, message}]`. */
function detailsOf(errors: unknown): string[] {
  if (!Array.isArray(errors)) return [];
  const lines = (errors as { row?: unknown; path?: unknown; message?: unknown }[])
    .slice(0, SHOWN)
    .map(
      e =>
        `${e.row === undefined ? '' : `row ${String(e.row)}: `}${String(e.path ?? '')} ${String(e.message ?? '')}`,
    );
  return errors.length > SHOWN ? [...lines, `and ${errors.length - SHOWN} more`] : lines;
}
