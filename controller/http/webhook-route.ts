/**
 * `POST /v1/webhooks/github` is authenticated by its HMAC alone, so even a stranger's body must be read before it can
 * be refused. The headers are checked first, and all bodies together get little memory and little time.
 */
import { clientAddress } from './address.ts';
import { readBody } from './body.ts';
import { makeBodyShare } from './body-share.ts';
import type { Http } from './options.ts';
import { Refusal } from './problem.ts';
import type { Route, RouteBuilder } from './route.ts';

const SIGNATURE = /^sha256=[0-9a-f]{64}$/i;
/** GitHub sends a few deliveries at once; each takes one round trip. */
const BODIES_PER_ADDRESS = 8;

const text = (value: string | string[] | undefined): string =>
  typeof value === 'string' ? value.slice(0, 256) : '';

export function webhookRoute(http: Http, builder: RouteBuilder): Route {
  const { settings, webhook } = http;
  const { reconciler } = http.ports;
  const share = makeBodyShare({ maxBytes: settings.webhookTotalBytes, perAddress: BODIES_PER_ADDRESS });

  return builder.open('POST', '/v1/webhooks/github', 'agent', async ctx => {
    if (webhook === undefined)
      throw new Refusal('webhook_off', 'the webhook is off: set OTA_GITHUB_WEBHOOK_SECRET to turn it on');
    const { headers } = ctx.req;
    const signature = text(headers['x-hub-signature-256']);
    if (!SIGNATURE.test(signature))
      throw new Refusal('signature_invalid', 'X-Hub-Signature-256 is missing or malformed');
    const maxBytes = settings.webhookMaxBytes;
    const declared = headers['content-length'] === undefined ? maxBytes : Number(headers['content-length']);
    const place = share.enter(clientAddress(ctx.req, settings.trustedProxy), Math.min(declared, maxBytes));
    try {
      const body = await readBody(ctx, { maxBytes, ...settings.webhookPace, signal: place.signal });
      const result = await webhook({
        deliveryId: text(headers['x-github-delivery']),
        name: text(headers['x-github-event']),
        signature,
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
    } finally {
      place.leave();
    }
  });
}
