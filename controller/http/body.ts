/** Request bodies: size and time are limited while reading, and JSON is checked against its schema before use. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Context } from 'koa';
import type { Schemas } from '../../schemas/api.d.ts';
import type { BodySchema } from './body-schemas.ts';
import type { Contract } from './contract.ts';
import { Refusal } from './problem.ts';

/** How fast a body must come. A body that breaks a limit is a Refusal `body_timeout`. */
export interface Pace {
  /** The longest time without a byte. */
  readonly stallMs: number;
  /** The longest time for the whole body. If undefined, the body may take as long as it keeps coming. */
  readonly totalMs?: number;
  /** The lowest average rate, checked once `stallMs` has passed. */
  readonly leastBytesPerS?: number;
  /** Ends the reading with the signal's reason. */
  readonly signal?: AbortSignal;
}

interface BodyLimits extends Pace {
  readonly maxBytes: number;
}

/** For JSON and other small bodies. */
export const SMALL_BODY: Pace = { stallMs: 10_000, totalMs: 30_000 };
/** For uploads: at 4 KB/s, the slowest rate allowed, 50 MB take less than four hours. */
export const UPLOAD: Pace = { stallMs: 60_000, leastBytesPerS: 4_096 };

const megabytes = (bytes: number): string =>
  bytes >= 1_048_576 ? `${Math.floor(bytes / 1_048_576)} MiB` : `${bytes} bytes`;

const tooLarge = (maxBytes: number): Refusal =>
  new Refusal('body_too_large', `the body is larger than ${megabytes(maxBytes)}`);

/** Lower-case media type without parameters. */
const mediaType = (req: IncomingMessage): string =>
  (req.headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase() ?? '';

export function requireMediaType(req: IncomingMessage, ...allowed: readonly string[]): string {
  const given = mediaType(req);
  if (!allowed.includes(given))
    throw new Refusal('media_type_unsupported', `send Content-Type: ${allowed.join(' or ')}`, {
      headers: { Accept: allowed.join(', ') },
    });
  return given;
}

/** Refuses a declared length over the limit before any of the body is read. */
export function requireLengthWithin(req: IncomingMessage, maxBytes: number): void {
  const declared = req.headers['content-length'];
  if (declared !== undefined && Number(declared) > maxBytes) throw tooLarge(maxBytes);
}

/** Sends `100 Continue` to a client that waits for it. Only a route that wants the body does this. */
export function askForBody(req: IncomingMessage, res: ServerResponse): void {
  if (req.headers.expect?.toLowerCase() === '100-continue') res.writeContinue();
}

/** Whether the request announces a body, even an empty one. */
export const hasBody = (req: IncomingMessage): boolean =>
  req.headers['content-length'] !== undefined || req.headers['transfer-encoding'] !== undefined;

/**
 * The body piece by piece. Stopping early keeps the connection open, so that a refusal can still be sent.
 * Refusals `body_aborted` when the client disconnects, `body_timeout` when it is too slow.
 */
export async function* bodyPieces(req: IncomingMessage, pace: Pace): AsyncGenerator<Buffer> {
  const pieces = req.iterator({ destroyOnReturn: false });
  const startedMs = performance.now();
  let bytes = 0;
  for (;;) {
    const piece = await nextPiece(req, pieces, pace, performance.now() - startedMs);
    if (piece === undefined) return;
    bytes += piece.length;
    const elapsedMs = performance.now() - startedMs;
    const { leastBytesPerS = 0, stallMs } = pace;
    if (elapsedMs > stallMs && bytes < (leastBytesPerS * elapsedMs) / 1000)
      throw tooSlow(`the body comes slower than ${leastBytesPerS} bytes a second`);
    yield piece;
  }
}

const tooSlow = (detail: string): Refusal => new Refusal('body_timeout', detail);

function nextPiece(
  req: IncomingMessage,
  pieces: AsyncIterableIterator<unknown>,
  { stallMs, totalMs = Number.POSITIVE_INFINITY, signal }: Pace,
  elapsedMs: number,
): Promise<Buffer | undefined> {
  return new Promise((resolve, reject) => {
    const end = (settle: () => void): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', stop);
      settle();
    };
    const stop = (): void => end(() => reject(signal?.reason as Error));
    const leftMs = Math.max(0, Math.min(stallMs, totalMs - elapsedMs));
    const timer = setTimeout(
      () => end(() => reject(tooSlow(`the body did not arrive within ${Math.round(leftMs / 1000)} s`))),
      leftMs,
    );
    signal?.addEventListener('abort', stop);
    if (signal?.aborted === true) stop();
    pieces.next().then(
      ({ done, value }) => end(() => resolve(done === true ? undefined : (value as Buffer))),
      (cause: unknown) =>
        end(() =>
          reject(
            !req.complete || isBrokenHttp(cause)
              ? new Refusal('body_aborted', 'the body ended early', { cause })
              : cause,
          ),
        ),
    );
  });
}

/** Whether the error is from Node's HTTP parser: the client sent bytes that are not HTTP. */
export const isBrokenHttp = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && String(error.code).startsWith('HPE_');

/** The whole body. Refusals `body_too_large`, `body_aborted`, `body_timeout`. */
export async function readBody(ctx: Context, limits: BodyLimits): Promise<Buffer> {
  const { req, res } = ctx;
  requireLengthWithin(req, limits.maxBytes);
  askForBody(req, res);
  const pieces: Buffer[] = [];
  let bytes = 0;
  for await (const piece of bodyPieces(req, limits)) {
    bytes += piece.length;
    if (bytes > limits.maxBytes) throw tooLarge(limits.maxBytes);
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
}

/** The whole body as JSON; Refusals 415, 413, `json_malformed`. An empty body is undefined where `optional`. */
export async function readJson(ctx: Context, maxBytes: number, optional = false): Promise<unknown> {
  const none = ctx.req.headers['content-length'] === '0' || ctx.req.headers['content-type'] === undefined;
  if (optional && none && ctx.req.headers['transfer-encoding'] === undefined) return undefined;
  requireMediaType(ctx.req, 'application/json');
  return parseJson(await readBody(ctx, { maxBytes, ...SMALL_BODY }));
}

/** JSON in UTF-8; Refusal `json_malformed`. */
export function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) as unknown;
  } catch (cause) {
    // The parser's own text quotes the body, which may hold a secret.
    throw new Refusal('json_malformed', 'the body is not JSON in UTF-8', { cause });
  }
}

/** JSON that fits a schema of the OpenAPI document. Refusal `body_invalid` lists the mistakes. */
export async function readChecked<N extends BodySchema>(
  ctx: Context,
  contract: Contract,
  schema: N,
  maxBytes: number,
): Promise<Schemas[N]> {
  return contract.check(schema, await readJson(ctx, maxBytes));
}
