/** Serves pages for people: reads the request, sends the answer, and ends a stream with its connection. */
import { Readable } from 'node:stream';
import type { Context } from 'koa';
import type { Page, PageAnswer, PageFace, PageRequest } from '../ports/index.ts';
import { clientAddress } from './address.ts';
import { readBody, requireMediaType, SMALL_BODY } from './body.ts';
import { failureOf } from './failure.ts';
import type { Http } from './options.ts';
import type { Route, RouteBuilder } from './route.ts';

/** A form holds a reason at most. */
const FORM_BYTES = 16_384;
const MOST_COOKIES = 64;

/** `a=1; b=2`; the first of a name counts, as RFC 6265 §5.4 sends the most specific first. */
export function cookiesIn(header: string | undefined): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const part of (header ?? '').split(';').slice(0, MOST_COOKIES)) {
    const at = part.indexOf('=');
    const name = part.slice(0, at).trim();
    if (at > 0 && name !== '' && !found.has(name)) found.set(name, part.slice(at + 1).trim());
  }
  return found;
}

async function formOf(ctx: Context): Promise<URLSearchParams> {
  if (ctx.method !== 'POST') return new URLSearchParams();
  requireMediaType(ctx.req, 'application/x-www-form-urlencoded');
  const body = await readBody(ctx, { maxBytes: FORM_BYTES, ...SMALL_BODY });
  return new URLSearchParams(body.toString('utf8'));
}

async function requestOf(ctx: Context, trustedProxy: boolean): Promise<PageRequest> {
  const gone = new AbortController();
  ctx.res.once('close', () => gone.abort());
  return {
    method: ctx.method === 'POST' ? 'POST' : 'GET',
    target: ctx.url,
    params: ctx.params as Record<string, string>,
    query: new URLSearchParams(ctx.querystring),
    form: await formOf(ctx),
    cookies: cookiesIn(ctx.req.headers.cookie),
    header: name => {
      const value = ctx.req.headers[name];
      return Array.isArray(value) ? value.join(', ') : value;
    },
    address: clientAddress(ctx.req, trustedProxy),
    gone: gone.signal,
  };
}

export function pageRoutes(http: Http, builder: RouteBuilder, { pages, failure }: PageFace): Route[] {
  async function answered(ctx: Context, page: Page): Promise<PageAnswer> {
    const request = await requestOf(ctx, http.settings.trustedProxy);
    try {
      return await page.answer(request);
    } catch (error) {
      // A person reads this, so it is a page and no problem+json.
      const { refusal, unexpected, code } = failureOf(error);
      const message = error instanceof Error ? error.message : 'unknown';
      if (unexpected)
        http.observe({ type: 'ota.http.fail', method: page.method, route: page.path, code, message });
      return failure(refusal.status, code);
    }
  }

  return pages.map(page =>
    builder.open(page.method, page.path, 'operator', async ctx => {
      const { status, headers, body } = await answered(ctx, page);
      ctx.status = status;
      ctx.set(headers);
      if (typeof body === 'string') ctx.body = body;
      else if (body instanceof Uint8Array) ctx.body = Buffer.from(body.buffer, body.byteOffset, body.length);
      else ctx.body = Readable.from(body, { objectMode: true });
    }),
  );
}
