/** Probes, metrics, and what an operator sees of the controller's surroundings. */
import type * as Api from '../../schemas/api.d.ts';
import { worstOf } from '../domain/health/index.ts';
import type { Http } from './options.ts';
import { Refusal } from './problem.ts';
import type { Route, RouteBuilder } from './route.ts';

export function healthRoutes(http: Http, builder: RouteBuilder): Route[] {
  const { settings, metrics } = http;
  const { picture, database } = http.ports;
  const scrape: Route['run'] = async ctx => {
    const { contentType, body } = await metrics();
    ctx.set('Content-Type', contentType);
    ctx.body = body;
  };

  return [
    builder.open('GET', '/healthz', 'both', ctx => {
      ctx.body = { status: 'ok' };
    }),

    // Ready means that update checks are answered. This stays true while a source or a database is down. Otherwise a
    // proxy would remove all controllers, and devices would get no answer.
    builder.open('GET', '/readyz', 'both', ctx => {
      const { snapshot } = picture;
      if (snapshot === undefined)
        throw new Refusal('not_ready', 'no release has been applied yet', { retryAfterS: 5 });
      const status = database === undefined || database.reachable ? 'ready' : 'degraded';
      ctx.body = { status, revision: snapshot.revision };
    }),

    builder.admin('GET', '/v1/health', 'read', async ctx => {
      const checks = await http.ports.health.look();
      const view: Api.HealthReport = {
        version: http.version,
        state: worstOf(checks),
        checks: checks.map(({ part, state, text, cure }) => ({ part, state, text, cure: cure ?? null })),
      };
      ctx.body = view;
    }),

    settings.openMetrics
      ? builder.open('GET', '/metrics', 'operator', scrape)
      : builder.admin('GET', '/metrics', 'metrics', scrape),
  ];
}
