/** Request bodies: bounded before they are read, JSON before it is believed, schema-checked before it is used. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Context } from 'koa';
import getRawBody from 'raw-body';
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

/** A declared length beyond the limit is refused before a byte is asked for. */
export function needLengthWithin(req: IncomingMessage, maxBytes: number): void {
  const declared = req.headers['content-length'];
  if (declared !== undefined && Number(declared) > maxBytes) throw tooLarge(maxBytes);
}

/** Clients that wait for `100 Continue` are told to go on only by the route that wants the body. */
export function askForBody(req: IncomingMessage, res: ServerResponse): void {
  if (req.headers.expect?.toLowerCase() === '100-continue') res.writeContinue();
}

/**
 * A body piece by piece. Whoever stops early leaves the connection whole, so that the refusal can still be answered;
 * a client that goes away is a Refusal `body_aborted`.
 */
export async function* bodyPieces(req: IncomingMessage): AsyncGenerator<Buffer> {
  try {
    for await (const piece of req.iterator({ destroyOnReturn: false })) yield piece as Buffer;
  } catch (cause) {
    if (!req.complete) throw new Refusal('body_aborted', 'the body ended early', { cause });
    throw cause;
  }
}

/** What Node's parser throws at bytes that are no HTTP. */
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

/** JSON of a shape that the OpenAPI document names; Refusal `body_invalid` lists what is wrong. */
export async function readChecked<T>(
  ctx: Context,
  contract: Contract,
  schema: SchemaName,
  maxBytes: number,
): Promise<T> {
  return contract.check<T>(schema, await readJson(ctx, maxBytes));
}
