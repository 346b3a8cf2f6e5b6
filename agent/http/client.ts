/** The agent's side of SPEC §5 over undici: bounded answers, no redirects, the token in one header only. */
import { type Dispatcher, request } from 'undici';
import { HOLD_REASONS } from '../../controller/domain/decision.ts';
import { parsePollInterval, parseRetryAfter, pollPaceOf } from '../backoff.ts';
import type { ServerTime } from '../clock.ts';
import type { CheckAnswer, ReportResult } from '../fact.ts';
import { MAX_MANIFEST_BYTES, parseOffer } from '../offer.ts';
import type { Credentials } from '../ports.ts';
import type { Installed } from '../readings.ts';
import type { AgentReport, Ask } from '../state.ts';
import { urlRefusal } from './origin.ts';

export interface Connection {
  readonly controller: URL;
  readonly credentials: Pick<Credentials, 'token'>;
  readonly dispatcher: Dispatcher | undefined;
  readonly time: ServerTime;
  readonly userAgent: string;
  readonly headersTimeoutMs: number;
  /** Longest silence within a body. */
  readonly stallTimeoutMs: number;
}

export type Headers = Dispatcher.ResponseData['headers'];

export const header = (headers: Headers, name: string): string | undefined => {
  const value = headers[name];
  return Array.isArray(value) ? value[0] : value;
};

/** One request: does not follow redirects, takes the `Date` header, and returns the body unread. */
export async function exchange(
  connection: Connection,
  url: URL,
  options: {
    method?: 'GET' | 'POST' | 'PUT';
    headers?: Record<string, string>;
    body?: string;
    signal?: AbortSignal | undefined;
  },
): Promise<Dispatcher.ResponseData> {
  const response = await request(url, {
    method: options.method ?? 'GET',
    headers: {
      authorization: `Bearer ${connection.credentials.token()}`,
      'user-agent': connection.userAgent,
      ...(options.body === undefined ? {} : { 'content-type': 'application/json' }),
      ...options.headers,
    },
    body: options.body ?? null,
    signal: options.signal ?? null,
    headersTimeout: connection.headersTimeoutMs,
    bodyTimeout: connection.stallTimeoutMs,
    ...(connection.dispatcher === undefined ? {} : { dispatcher: connection.dispatcher }),
  });
  connection.time.hear(header(response.headers, 'date'));
  return response;
}

/** A request to the object store. It carries no token and nothing that names this device. */
export const bareExchange = (
  connection: Connection,
  url: URL,
  headers: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<Dispatcher.ResponseData> =>
  request(url, {
    headers,
    signal,
    headersTimeout: connection.headersTimeoutMs,
    bodyTimeout: connection.stallTimeoutMs,
    ...(connection.dispatcher === undefined ? {} : { dispatcher: connection.dispatcher }),
  });

/** Reads at most `limit` bytes; undefined when there are more. */
export async function boundedText(
  body: Dispatcher.ResponseData['body'],
  limit: number,
): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += (chunk as Buffer).length;
    if (bytes > limit) return undefined;
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** Discards an unused body: a short one keeps the connection open, a long one closes it. */
export async function drop(body: Dispatcher.ResponseData['body']): Promise<void> {
  // The status is already known and the body is not needed, so its errors are ignored.
  await body.dump({ limit: 16_384, signal: AbortSignal.timeout(5_000) }).catch(() => undefined);
}

/** The error code of a failed request: the codes of undici and of the system are stable. */
export function networkCode(error: unknown): string {
  if (error instanceof Error) {
    const cause = error.cause instanceof Error && 'code' in error.cause ? error.cause.code : undefined;
    const code = 'code' in error ? error.code : cause;
    if (typeof code === 'string') return code.toLowerCase();
  }
  return 'network';
}

export const retryAfterOf = (connection: Connection, headers: Headers): number | undefined =>
  parseRetryAfter(header(headers, 'retry-after'), connection.time.nowMs());

/** `GET /v1/agent/update`. Does not reject on network errors. */
export async function check(
  connection: Connection,
  ask: Pick<Ask, 'requestId'>,
  installed: Installed,
  etag: string | undefined,
  signal?: AbortSignal,
): Promise<{ answer: CheckAnswer; renewToken: boolean }> {
  const url = new URL('v1/agent/update', connection.controller);
  url.searchParams.set('version_code', String(installed.versionCode));
  if (installed.buildId !== undefined) url.searchParams.set('build_id', installed.buildId);
  url.searchParams.set('sdk', String(installed.sdk));
  if (installed.signer !== undefined) url.searchParams.set('signer', installed.signer);
  try {
    const response = await exchange(connection, url, {
      headers: {
        accept: 'application/json',
        'ota-request-id': ask.requestId,
        ...(etag === undefined ? {} : { 'if-none-match': etag }),
      },
      signal,
    });
    const renewToken = header(response.headers, 'ota-token') === 'renew';
    return { answer: await answerOf(connection, response), renewToken };
  } catch (error) {
    const code = networkCode(error);
    return { answer: { kind: 'failed', code, retryAfterMs: undefined }, renewToken: false };
  }
}

async function answerOf(connection: Connection, response: Dispatcher.ResponseData): Promise<CheckAnswer> {
  const { statusCode, headers, body } = response;
  const text = await boundedText(body, MAX_MANIFEST_BYTES);
  if (statusCode === 204 || statusCode === 304) {
    const named = header(headers, 'ota-decision');
    return {
      kind: 'hold',
      reason: HOLD_REASONS.find(r => r === named) ?? 'none',
      etag: header(headers, 'etag'),
      pace: parsePollInterval(header(headers, 'ota-poll-interval')),
    };
  }
  if (statusCode !== 200)
    return { kind: 'failed', code: `http_${statusCode}`, retryAfterMs: retryAfterOf(connection, headers) };
  if (text === undefined)
    return { kind: 'invalid', reason: 'manifest_invalid', detail: 'too large', buildId: undefined };
  const parsed = parseOffer(text);
  if (!parsed.ok)
    return { kind: 'invalid', reason: 'manifest_invalid', detail: parsed.detail, buildId: parsed.buildId };
  const refusal = urlRefusal(parsed.offer.url, connection.controller);
  if (refusal !== undefined)
    return { kind: 'invalid', reason: 'url_refused', detail: refusal, buildId: parsed.offer.buildId };
  const hinted = parsePollInterval(header(headers, 'ota-poll-interval'));
  return {
    kind: 'offer',
    offer: parsed.offer,
    pace: pollPaceOf(parsed.offer.pollIntervalMs, hinted?.jitterMs),
  };
}

/** Statuses after which it is useless to send the same report again. */
const REPORT_REFUSED = new Set([400, 404, 409, 410, 413, 415, 422]);

/** `POST /v1/action-result`. Does not reject on network errors. */
export async function report(
  connection: Connection,
  entry: AgentReport,
  signal?: AbortSignal,
): Promise<ReportResult> {
  const body = JSON.stringify({
    request_id: entry.requestId,
    build_id: entry.buildId,
    outcome: entry.outcome,
    reason: entry.reason,
    detail: entry.detail,
    version_code: entry.versionCode,
    timings_ms: Object.keys(entry.timingsMs).length === 0 ? undefined : entry.timingsMs,
  });
  try {
    const url = new URL('v1/action-result', connection.controller);
    const response = await exchange(connection, url, {
      method: 'POST',
      body,
      signal,
      headers: { 'ota-request-id': entry.requestId },
    });
    await drop(response.body);
    const { statusCode } = response;
    if (statusCode >= 200 && statusCode < 300) return { kind: 'accepted' };
    if (REPORT_REFUSED.has(statusCode)) return { kind: 'refused', detail: `http_${statusCode}` };
    return {
      kind: 'failed',
      detail: `http_${statusCode}`,
      retryAfterMs: retryAfterOf(connection, response.headers),
    };
  } catch (error) {
    return { kind: 'failed', detail: networkCode(error), retryAfterMs: undefined };
  }
}

/** `PUT /v1/agent/push-token`: returns the status or the network's error code. */
export async function putPushToken(
  connection: Connection,
  fcmToken: string,
  signal?: AbortSignal,
): Promise<{ ok: boolean; code: string }> {
  try {
    const url = new URL('v1/agent/push-token', connection.controller);
    const response = await exchange(connection, url, {
      method: 'PUT',
      body: JSON.stringify({ fcm_token: fcmToken }),
      signal,
    });
    await drop(response.body);
    return {
      ok: response.statusCode >= 200 && response.statusCode < 300,
      code: `http_${response.statusCode}`,
    };
  } catch (error) {
    return { ok: false, code: networkCode(error) };
  }
}
