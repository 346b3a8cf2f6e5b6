/** Routes as values: the routers are built from them, and tests compare them with the OpenAPI document. */
import type { Context } from 'koa';
import type { AdminScope, AdminToken } from '../ports/index.ts';
import type { Auth, DeviceIdentity } from './auth.ts';
import { type CatchUp, retryAfterCatchUp } from './catch-up.ts';
import { Refusal } from './problem.ts';
import type { RateLimit } from './rate.ts';

export type Method = 'GET' | 'POST' | 'PUT' | 'DELETE';
/** Which listener serves the route when there are two. Probes are on `both`. */
export type Surface = 'agent' | 'operator' | 'both';

export interface Route {
  readonly method: Method;
  /** In the syntax of @koa/router: `/v1/devices/:device_id`. */
  readonly path: string;
  readonly surface: Surface;
  readonly run: (ctx: Context) => Promise<void> | void;
}

export interface RouteBuilder {
  open(method: Method, path: string, surface: Surface, run: Route['run']): Route;
  device(
    method: Method,
    path: string,
    run: (ctx: Context, device: DeviceIdentity) => Promise<void> | void,
  ): Route;
  admin(
    method: Method,
    path: string,
    scope: AdminScope,
    run: (ctx: Context, admin: AdminToken) => Promise<void> | void,
  ): Route;
}

/** Makes routes that authenticate before anything else. `limit` is per device. */
export const makeRouteBuilder = (auth: Auth, limit: RateLimit, feed: CatchUp): RouteBuilder => ({
  open: (method, path, surface, run) => ({ method, path, surface, run }),
  device: (method, path, run) => ({
    method,
    path,
    surface: 'agent',
    run: async ctx => {
      const device = await retryAfterCatchUp(feed, isSecond => auth.device(ctx.req, path, isSecond));
      const retryAfterS = limit.take(device.deviceId);
      if (retryAfterS > 0)
        throw new Refusal('rate_limited', 'this device sends too many requests', { retryAfterS });
      return run(ctx, device);
    },
  }),
  admin: (method, path, scope, run) => ({
    method,
    path,
    surface: 'operator',
    run: async ctx =>
      run(ctx, await retryAfterCatchUp(feed, isSecond => auth.admin(ctx.req, path, scope, isSecond))),
  }),
});

/** A path parameter. The router has matched it, so it is never missing. */
export const param = (ctx: Context, name: string): string =>
  String((ctx.params as Record<string, unknown>)[name] ?? '');
