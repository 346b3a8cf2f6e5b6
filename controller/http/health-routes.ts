/** Probes and metrics. */
import type { Http } from './options.ts';
import { Refusal } from './problem.ts';
import type { Doors, Route } from './route.ts';

export function healthRoutes(http: Http, doors: Doors): Route[] {
  const { settings, metrics } = http;
  const { picture } = http.ports;
  const scrape: Route['run'] = async ctx => {
    const { contentType, body } = await metrics();
    ctx.set('Content-Type', contentType);
    ctx.body = body;
  };

  return [
    doors.open('GET', '/healthz', 'both', ctx => {
      ctx.body = { status: 'ok' };
    }),

    // Ready means that update checks are answered. A source that is down does not change that.
    doors.open('GET', '/readyz', 'both', ctx => {
      const { snapshot } = picture;
      if (snapshot === undefined)
        throw new Refusal('not_ready', 'no release has been applied yet', { retryAfterS: 5 });
      ctx.body = { status: 'ready', revision: snapshot.revision };
    }),

    settings.openMetrics
      ? doors.open('GET', '/metrics', 'operator', scrape)
      : doors.admin('GET', '/metrics', 'metrics', scrape),
  ];
}
