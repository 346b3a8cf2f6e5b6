/** The HTTP face: every route behind Koa with one exit for errors, and the update check ahead of it. */
import { randomBytes } from 'node:crypto';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import Router from '@koa/router';
import Koa, { type Context } from 'koa';
import { downloadRoute } from './agent/download.ts';
import { agentRoutes } from './agent/routes.ts';
import { makeUpdateCheck, strictTransport, UPDATE_ROUTE, type UpdateCheck } from './agent/update.ts';
import { makeAuth } from './auth.ts';
import { isBrokenHttp } from './body.ts';
import { makeContract } from './contract.ts';
import { makeDeviceTokens } from './device-token.ts';
import { failureOf } from './failure.ts';
import { healthRoutes } from './health-routes.ts';
import { artifactRoutes } from './operator/artifact-routes.ts';
import { brakeRoutes } from './operator/brake-routes.ts';
import { bulkRoute } from './operator/bulk-route.ts';
import { clockRoute } from './operator/clock-route.ts';
import { deviceListRoute } from './operator/device-list-route.ts';
import { deviceRoutes } from './operator/device-routes.ts';
import { examineRoute } from './operator/examine-route.ts';
import { explainRoute } from './operator/explain-route.ts';
import { historyRoutes } from './operator/history-routes.ts';
import { importRoute } from './operator/import-route.ts';
import { notifyRoute } from './operator/notify-route.ts';
import { releaseRoutes } from './operator/release-routes.ts';
import { tokenRoutes } from './operator/token-routes.ts';
import { HTTP_DEFAULTS, type Http, type HttpOptions } from './options.ts';
import { pageRoutes } from './page-routes.ts';
import { PROBLEM_TYPE, problemBody, Refusal } from './problem.ts';
import { makeRateLimit } from './rate.ts';
import { makeRouteBuilder, type Route, type Surface } from './route.ts';
import { makeTarget } from './target.ts';
import { webhookRoute } from './webhook-route.ts';

export interface HttpFace {
  /** Everything on one listener. */
  readonly all: RequestListener;
  /** Agent routes and the webhook, for when operators have a listener of their own. */
  readonly agent: RequestListener;
  /** Operator routes, metrics and probes. */
  readonly operator: RequestListener;
  readonly routes: readonly Route[];
}

const LINGER_MS = 5_000;

export function createHttp(options: HttpOptions): HttpFace {
  const http: Http = {
    ...options,
    settings: { ...HTTP_DEFAULTS, ...options.settings },
    monotonicMs: options.monotonicMs ?? (() => performance.now()),
    randomBytes: options.randomBytes ?? randomBytes,
  };
  const tokens = makeDeviceTokens(http.tokenKeys);
  const auth = makeAuth({ ...http, ...http.ports, tokens });
  const limit = makeRateLimit({ perMinute: http.settings.requestsPerMinute, monotonicMs: http.monotonicMs });
  const builder = makeRouteBuilder(auth, limit, http.ports.feed);
  const contract = makeContract();
  const check = makeUpdateCheck(http, auth);
  const routes: readonly Route[] = [
    updateRoute(check, http.monotonicMs),
    downloadRoute(http, builder),
    ...agentRoutes(http, builder, contract, tokens),
    deviceListRoute(http, builder),
    bulkRoute(http, builder, contract),
    ...deviceRoutes(http, builder, contract, tokens),
    importRoute(http, builder, contract, tokens),
    explainRoute(http, builder),
    ...artifactRoutes(http, builder),
    examineRoute(http, builder, contract),
    ...releaseRoutes(http, builder, contract),
    ...historyRoutes(http, builder),
    ...tokenRoutes(http, builder, contract),
    clockRoute(http, builder),
    ...brakeRoutes(http, builder, contract),
    notifyRoute(http, builder, contract),
    ...healthRoutes(http, builder),
    webhookRoute(http, builder),
    ...(http.pages === undefined ? [] : pageRoutes(http, builder, http.pages(auth.show))),
  ];
  const served = (...surfaces: Surface[]) =>
    koaFor(
      http,
      routes.filter(route => surfaces.includes(route.surface)),
    );
  const target = makeTarget(http.settings.publicUrl);
  const entered = (koa: RequestListener, ahead: boolean): RequestListener => {
    const isCheck = ahead && http.settings.fastCheck ? check.handle : () => false;
    return (req, res) => {
      req.url = target(req.url ?? '');
      if (!isCheck(req, res)) koa(req, res);
    };
  };
  return {
    all: entered(served('agent', 'operator', 'both'), true),
    agent: entered(served('agent', 'both'), true),
    operator: entered(served('operator', 'both'), false),
    routes,
  };
}

/** The ordinary route of the update check: the same answer, by way of Koa. */
function updateRoute(check: UpdateCheck, monotonicMs: () => number): Route {
  return {
    method: 'GET',
    path: UPDATE_ROUTE,
    surface: 'agent',
    run: async ctx => {
      const startedMs = monotonicMs();
      const given = await check.answer(ctx.req);
      ctx.status = given.status;
      for (let i = 0; i < given.headers.length; i += 2)
        ctx.set(given.headers[i] ?? '', given.headers[i + 1] ?? '');
      if (given.body !== undefined) ctx.body = given.body;
      ctx.res.once('close', () => check.record(given, ctx.method, startedMs));
    },
  };
}

function koaFor(http: Http, routes: readonly Route[]): RequestListener {
  const router = new Router({ strict: true, sensitive: true });
  for (const route of routes) router.register(route.path, [route.method], ctx => route.run(ctx as Context));
  const app = new Koa();
  app.silent = true;
  // Only a body stream that broke after the headers were sent ends here; all other errors reach `exit`.
  app.on('error', (error: unknown, ctx?: Context) => {
    if (!isBrokenHttp(error)) report(http, error, ctx?.req);
  });
  app.use(exit(http)).use(router.routes()).use(router.allowedMethods());
  const callback = app.callback();
  return (req, res) => void callback(req, res);
}

const routeOf = (ctx: Context): string =>
  typeof ctx._matchedRoute === 'string' ? ctx._matchedRoute : 'unmatched';

/** The only place that answers errors: an error becomes a problem, every request is counted, no stack is sent. */
function exit(http: Http): Koa.Middleware {
  const { observe, monotonicMs, settings } = http;
  const [hsts, maxAge] = strictTransport(settings.hstsMaxAgeS);
  return async (ctx, next) => {
    const startedMs = monotonicMs();
    if (hsts !== undefined && maxAge !== undefined) ctx.set(hsts, maxAge);
    try {
      needKnownExpectation(ctx);
      await next();
      if (ctx.respond !== false) needAnswer(ctx);
    } catch (error) {
      const { refusal, unexpected } = failureOf(error);
      if (unexpected) report(http, error, ctx.req, routeOf(ctx));
      answerProblem(ctx, refusal);
      if (hsts !== undefined && maxAge !== undefined && !ctx.res.headersSent) ctx.set(hsts, maxAge);
    }
    leaveUnread(ctx.req, ctx.res);
    const route = routeOf(ctx);
    const status = ctx.res.headersSent ? ctx.res.statusCode : ctx.status;
    if (route !== UPDATE_ROUTE)
      observe({ type: 'ota.http', method: ctx.method, route, status, ms: monotonicMs() - startedMs });
  };
}

function report(http: Http, error: unknown, req: IncomingMessage | undefined, route = 'unmatched'): void {
  const { code, refusal } = failureOf(error);
  const cause = refusal.cause ?? error;
  const message = cause instanceof Error ? cause.message : 'unknown';
  http.observe({ type: 'ota.http.fail', method: req?.method ?? '', route, code, message });
}

function needKnownExpectation(ctx: Context): void {
  const { expect } = ctx.req.headers;
  if (expect !== undefined && expect.toLowerCase() !== '100-continue')
    throw new Refusal('expectation_failed', 'the only Expect that is supported is 100-continue');
}

function needAnswer(ctx: Context): void {
  if (ctx.status === 405 || ctx.status === 501)
    throw new Refusal(
      'method_not_allowed',
      `this path does not support ${ctx.method.slice(0, 16)}; see Allow`,
      {
        headers: { Allow: String(ctx.response.get('Allow')) },
      },
    );
  if (ctx.status === 404 && ctx.body == null) throw new Refusal('route_unknown', 'this path does not exist');
}

function answerProblem(ctx: Context, refusal: Refusal): void {
  if (ctx.res.headersSent) {
    ctx.respond = false;
    ctx.res.destroy();
    return;
  }
  ctx.respond = true;
  for (const name of ctx.res.getHeaderNames()) if (name !== 'connection') ctx.remove(name);
  ctx.status = refusal.status;
  ctx.set({ ...refusal.headers, 'Content-Type': PROBLEM_TYPE, 'Cache-Control': 'no-store' });
  ctx.body = problemBody(refusal);
}

/**
 * The rest of a refused body is not read. The answer says `Connection: close`, and our side of the connection is
 * closed. The whole connection is closed some seconds later, when even a slow client has had time to read the answer.
 */
function leaveUnread(req: IncomingMessage, res: ServerResponse): void {
  if (req.complete || res.destroyed) return;
  if (!res.headersSent) res.setHeader('Connection', 'close');
  // Marks the body as consumed: otherwise Node itself would read and drop the rest of it.
  req.read(0);
  req.pause();
  const { socket } = req;
  // Node would destroy the socket at the last byte of the answer, and the reset could overtake the answer.
  socket.destroySoon = () => void socket.end();
  res.once('finish', () => {
    const timer = setTimeout(() => socket.destroy(), LINGER_MS);
    socket.once('close', () => clearTimeout(timer));
  });
}
