/** One route as a value: the table of them builds the routers and is held against the OpenAPI document. */
import type { Context } from 'koa';
import type { AdminScope, AdminToken } from '../ports/index.ts';
import type { Auth, DeviceIdentity } from './auth.ts';
import { Refusal } from './problem.ts';
import type { RateLimit } from './rate.ts';

export type Method = 'GET' | 'POST' | 'PUT' | 'DELETE';
/** Which listener serves it when there are two; `both`: probes. */
export type Surface = 'agent' | 'operator' | 'both';

export interface Route {
  readonly method: Method;
  /** As @koa/router takes it: `/v1/devices/:device_id`. */
  readonly path: string;
  readonly surface: Surface;
  readonly run: (ctx: Context) => Promise<void> | void;
}

export interface Doors {
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

/** Routes that let in only who they should; `limit` is per device. */
export const makeDoors = (auth: Auth, limit: RateLimit): Doors => ({
  open: (method, path, surface, run) => ({ method, path, surface, run }),
  device: (method, path, run) => ({
    method,
    path,
    surface: 'agent',
    run: ctx => {
      const device = auth.device(ctx.req, path);
      const retryAfterS = limit.take(device.deviceId);
      if (retryAfterS > 0) throw new Refusal('rate_limited', 'this device asks too often', { retryAfterS });
      return run(ctx, device);
    },
  }),
  admin: (method, path, scope, run) => ({
    method,
    path,
    surface: 'operator',
    run: async ctx => run(ctx, await auth.admin(ctx.req, path, scope)),
  }),
});

/** A path parameter; the router has matched it, so it is there. */
export const param = (ctx: Context, name: string): string =>
  String((ctx.params as Record<string, unknown>)[name] ?? '');
