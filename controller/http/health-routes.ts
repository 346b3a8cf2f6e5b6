/** Probes, metrics and the webhook. */
import { readBody } from './body.ts';
import type { Http } from './options.ts';
import { Refusal } from './problem.ts';
import type { Doors, Route } from './route.ts';

const text = (value: string | string[] | undefined): string =>
  typeof value === 'string' ? value.slice(0, 256) : '';

export function healthRoutes(http: Http, doors: Doors): Route[] {
  const { settings, metrics, webhook } = http;
  const { picture, reconciler } = http.ports;
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

    doors.open('POST', '/v1/webhooks/github', 'agent', async ctx => {
      if (webhook === undefined)
        throw new Refusal('webhook_off', 'the webhook is off: set OTA_GITHUB_WEBHOOK_SECRET to turn it on');
      const body = await readBody(ctx, settings.webhookMaxBytes);
      const { headers } = ctx.req;
      const result = await webhook({
        deliveryId: text(headers['x-github-delivery']),
        name: text(headers['x-github-event']),
        signature: text(headers['x-hub-signature-256']),
        body,
      });
      if (result === 'bad_signature')
        throw new Refusal(
          'signature_invalid',
          'the signature does not match: check that both sides use the same webhook secret',
        );
      if (result === 'accepted') reconciler.wake();
      ctx.status = 202;
      ctx.body = { result };
    }),
  ];
}
