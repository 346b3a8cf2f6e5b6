/** One download attempt: resumes the partial file, stops at the first byte too many (SPEC §9). */
import type { Dispatcher } from 'undici';
import { Fault } from '../../controller/domain/fault.ts';
import type { DownloadResult } from '../fact.ts';
import type { Offer } from '../offer.ts';
import type { ApkFile } from '../ports.ts';
import {
  bareExchange,
  type Connection,
  drop,
  exchange,
  header,
  networkCode,
  retryAfterOf,
} from './client.ts';
import { storeUrlRefusal } from './origin.ts';

/** Slowest accepted average rate after the first minute; a slower server is given up on. */
const MIN_BYTES_PER_S = 2_048;
const GRACE_MS = 60_000;

interface DownloadOptions {
  readonly requestId: string;
  readonly signal: AbortSignal;
  readonly monotonicMs: () => number;
  /** Called once, when the first request goes out. */
  readonly onStart: (fromByte: number) => void;
}

type Ended = Exclude<DownloadResult, { kind: 'done' }>;
const broken = (
  reason: Extract<Ended, { kind: 'broken' }>['reason'],
  detail: string,
  retryAfterMs?: number,
): Ended => ({
  kind: 'broken',
  reason,
  detail,
  retryAfterMs,
});
const refused = (reason: Extract<Ended, { kind: 'refused' }>['reason'], detail: string): Ended => ({
  kind: 'refused',
  reason,
  detail,
});

/** Does not reject on network or disk errors; an abort returns `broken`. */
export async function download(
  connection: Connection,
  offer: Offer,
  file: ApkFile,
  options: DownloadOptions,
): Promise<DownloadResult> {
  const startedMs = options.monotonicMs();
  const ms = () => options.monotonicMs() - startedMs;
  let have = await file.size();
  if (have > offer.sizeBytes) {
    await file.truncate();
    have = 0;
  }
  if (have === offer.sizeBytes) return { kind: 'done', bytes: 0, ms: ms() };
  options.onStart(have);
  try {
    const ended = await fetchInto(connection, offer, file, have, options);
    return ended.kind === 'fetched' ? { kind: 'done', bytes: ended.bytes, ms: ms() } : ended;
  } catch (error) {
    if (error instanceof Fault)
      return refused(error.code === 'disk_full' ? 'storage' : 'internal', error.code);
    const code = networkCode(error);
    const reason = /timeout/.test(code)
      ? 'timeout'
      : /other_side_closed|socket|econnreset|aborted|content_length/.test(code)
        ? 'download_truncated'
        : 'download_failed';
    return broken(reason, code);
  } finally {
    await file.close();
  }
}

async function fetchInto(
  connection: Connection,
  offer: Offer,
  file: ApkFile,
  have: number,
  options: DownloadOptions,
): Promise<Ended | { kind: 'fetched'; bytes: number }> {
  const response = await follow(connection, offer, have, options);
  if ('kind' in response) {
    // The partial file does not match the server's APK.
    if (response.kind === 'broken' && response.detail === 'http_416') await file.truncate();
    return response;
  }
  const { statusCode, headers, body } = response;
  let at = have;
  if (statusCode === 206) {
    if (!continues(header(headers, 'content-range'), have, offer.sizeBytes)) {
      await drop(body);
      await file.truncate();
      return broken('download_failed', 'content_range');
    }
  } else if (at > 0) {
    await file.truncate();
    at = 0;
  }
  const announced = header(headers, 'content-length');
  if (announced !== undefined && Number(announced) !== offer.sizeBytes - at) {
    await drop(body);
    return refused('size_mismatch', `announced ${Number(announced) + at} of ${offer.sizeBytes} bytes`);
  }
  return take(body, offer, file, at, options);
}

async function take(
  body: Dispatcher.ResponseData['body'],
  offer: Offer,
  file: ApkFile,
  from: number,
  options: DownloadOptions,
): Promise<Ended | { kind: 'fetched'; bytes: number }> {
  const startedMs = options.monotonicMs();
  let at = from;
  for await (const chunk of body) {
    const bytes = chunk as Buffer;
    if (at + bytes.length > offer.sizeBytes) {
      return refused('size_mismatch', `more than ${offer.sizeBytes} bytes`);
    }
    await file.append(bytes);
    at += bytes.length;
    const spentMs = options.monotonicMs() - startedMs;
    if (spentMs > GRACE_MS && (at - from) / (spentMs / 1000) < MIN_BYTES_PER_S) {
      return broken('timeout', 'too slow');
    }
  }
  if (at < offer.sizeBytes) return broken('download_truncated', `${at} of ${offer.sizeBytes} bytes`);
  return { kind: 'fetched', bytes: at - from };
}

/**
 * Only 200 and 206 carry bytes. A 307 is followed once, to the object store, with the Range and nothing else of ours: its URL
 * opens the APK by itself, and no token leaves the controller's origin.
 */
async function follow(
  connection: Connection,
  offer: Offer,
  have: number,
  { requestId, signal }: DownloadOptions,
): Promise<Ended | Dispatcher.ResponseData> {
  const range: Record<string, string> = have === 0 ? {} : { range: `bytes=${have}-` };
  const identity = { accept: '*/*', 'accept-encoding': 'identity' };
  const response = await exchange(connection, new URL(offer.url), {
    headers: {
      ...identity,
      'ota-request-id': requestId,
      'ota-accept-redirect': '1',
      ...range,
      ...(have === 0 ? {} : { 'if-range': `"${offer.sha256}"` }),
    },
    signal,
  });
  if (response.statusCode !== 307) return bytesOf(response, connection, have);
  await drop(response.body);
  const location = header(response.headers, 'location') ?? '';
  const why = storeUrlRefusal(location);
  if (why !== undefined) return refused('url_refused', `redirect: ${why}`);
  const stored = await bareExchange(connection, new URL(location), { ...identity, ...range }, signal);
  if (stored.statusCode === 200 || stored.statusCode === 206) return bytesOf(stored, connection, have);
  // The URL has expired, or the object is gone: the controller is asked again.
  await drop(stored.body);
  return broken('download_failed', `store_http_${stored.statusCode}`);
}

async function bytesOf(
  response: Dispatcher.ResponseData,
  connection: Connection,
  have: number,
): Promise<Ended | Dispatcher.ResponseData> {
  const { statusCode, headers, body } = response;
  if (statusCode === 200 || (statusCode === 206 && have > 0)) {
    const encoding = header(headers, 'content-encoding');
    if (encoding === undefined || encoding === 'identity') return response;
    await drop(body);
    return refused('size_mismatch', `content-encoding ${encoding.slice(0, 20)}`);
  }
  await drop(body);
  if ([301, 302, 303, 308].includes(statusCode)) return refused('url_refused', `a redirect by ${statusCode}`);
  return refusalOf(statusCode, retryAfterOf(connection, headers), have);
}

function refusalOf(status: number, retryAfterMs: number | undefined, have: number): Ended {
  if (status === 410) return { kind: 'gone', detail: 'http_410' };
  if (status === 429 || status === 503) return { kind: 'busy', status, retryAfterMs };
  if (status === 416 && have > 0) return broken('download_failed', 'http_416');
  return broken('download_failed', `http_${status}`, retryAfterMs);
}

/** `Content-Range: bytes 100-999/1000` must begin where the file ends and match the promised size. */
function continues(contentRange: string | undefined, have: number, sizeBytes: number): boolean {
  const [, from, to, total] = /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15}|\*)$/.exec(contentRange ?? '') ?? [];
  return (
    Number(from) === have && Number(to) === sizeBytes - 1 && (total === '*' || Number(total) === sizeBytes)
  );
}
