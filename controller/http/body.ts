/** Request bodies: the size is limited before reading, and JSON is checked against its schema before use. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Context } from 'koa';
import getRawBody from 'raw-body';
import type { Schemas } from '../../schemas/api.d.ts';
import type { Contract, SchemaName } from './contract.ts';
import { Refusal } from './problem.ts';

const megabytes = (bytes: number): string =>
  bytes >= 1_048_576 ? `${Math.floor(bytes / 1_048_576)} MiB` : `${bytes} bytes`;

const tooLarge = (maxBytes: number): Refusal =>
  new Refusal('body_too_large', `the body is larger than ${megabytes(maxBytes)}`);

/** Lower-case media type without parameters. */
export const mediaType = (req: IncomingMessage): string =>
  (req.headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase() ?? '';

export function needMediaType(req: IncomingMessage, ...allowed: readonly string[]): string {
  const given = mediaType(req);
  if (!allowed.includes(given))
    throw new Refusal('media_type_unsupported', `send Content-Type: ${allowed.join(' or ')}`, {
      headers: { Accept: allowed.join(', ') },
    });
  return given;
}

/** Refuses a declared length over the limit before any of the body is read. */
export function needLengthWithin(req: IncomingMessage, maxBytes: number): void {
  const declared = req.headers['content-length'];
  if (declared !== undefined && Number(declared) > maxBytes) throw tooLarge(maxBytes);
}

/** Sends `100 Continue` to a client that waits for it. Only a route that wants the body does this. */
export function askForBody(req: IncomingMessage, res: ServerResponse): void {
  if (req.headers.expect?.toLowerCase() === '100-continue') res.writeContinue();
}

/**
 * The body piece by piece. Stopping early keeps the connection open, so that a refusal can still be sent.
 * Refusal `body_aborted` when the client disconnects.
 */
export async function* bodyPieces(req: IncomingMessage): AsyncGenerator<Buffer> {
  try {
    for await (const piece of req.iterator({ destroyOnReturn: false })) yield piece as Buffer;
  } catch (cause) {
    if (!req.complete) throw new Refusal('body_aborted', 'the body ended early', { cause });
    throw cause;
  }
}

/** Whether the error is from Node's HTTP parser: the client sent bytes that are not HTTP. */
export const isBrokenHttp = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && String(error.code).startsWith('HPE_');

export async function readBody(ctx: Context, maxBytes: number): Promise<Buffer> {
  const { req, res } = ctx;
  needLengthWithin(req, maxBytes);
  askForBody(req, res);
  try {
    return await getRawBody(req, { limit: maxBytes, length: req.headers['content-length'] ?? null });
  } catch (cause) {
    const type = typeof cause === 'object' && cause !== null && 'type' in cause ? cause.type : undefined;
    if (type === 'entity.too.large') throw tooLarge(maxBytes);
    if (isBrokenHttp(cause) || type === 'request.aborted' || type === 'request.size.invalid')
      throw new Refusal('body_aborted', 'the body ended early', { cause });
    throw cause;
  }
}

/** The whole body as JSON; Refusals 415, 413, `json_malformed`. An empty body is undefined where `optional`. */
export async function readJson(ctx: Context, maxBytes: number, optional = false): Promise<unknown> {
  const none = ctx.req.headers['content-length'] === '0' || ctx.req.headers['content-type'] === undefined;
  if (optional && none && ctx.req.headers['transfer-encoding'] === undefined) return undefined;
  needMediaType(ctx.req, 'application/json');
  const body = await readBody(ctx, maxBytes);
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body)) as unknown;
  } catch (cause) {
    // The parser's own text quotes the body, which may hold a secret.
    throw new Refusal('json_malformed', 'the body is not JSON in UTF-8', { cause });
  }
}

/** JSON that fits a schema of the OpenAPI document. Refusal `body_invalid` lists the mistakes. */
export async function readChecked<N extends SchemaName>(
  ctx: Context,
  contract: Contract,
  schema: N,
  maxBytes: number,
): Promise<Schemas[N]> {
  return contract.check(schema, await readJson(ctx, maxBytes));
}
