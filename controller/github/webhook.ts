/**
 * GitHub's webhook: authenticated by HMAC-SHA256, accepted once per delivery id, and only a hint to look.
 * https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries
 */
import { Webhooks } from '@octokit/webhooks';
import { DAY_MS } from '../domain/duration.ts';
import type { Observe } from '../domain/event.ts';
import type { KeyValueStore, Webhook } from '../ports/index.ts';

interface WebhookOptions {
  readonly secret: string;
  readonly store: KeyValueStore;
  readonly nowMs: () => number;
  readonly observe: Observe;
  /** `source`: the branch may have moved; `pulls`: a pull request or its reviews may have changed. */
  readonly hint: (about: 'source' | 'pulls') => void;
}

const MAX_BYTES = 1 << 20;
const SIGNATURE = /^sha256=[0-9a-f]{64}$/;
const DELIVERY = /^[A-Za-z0-9-]{8,64}$/;
/** A delivery can be repeated by hand up to three days later, with the same id. */
const SEEN_MS = 3 * DAY_MS;

const ABOUT: Readonly<Record<string, 'source' | 'pulls'>> = {
  push: 'source',
  pull_request: 'pulls',
  pull_request_review: 'pulls',
  // GitHub also sends a push for the queue's branch; this event concerns only the queue.
  merge_group: 'pulls',
};

export function makeWebhook({ secret, store, nowMs, observe, hint }: WebhookOptions): Webhook {
  const webhooks = new Webhooks({ secret });
  return async ({ deliveryId, name, signature, body }) => {
    if (body.length > MAX_BYTES || !SIGNATURE.test(signature) || !DELIVERY.test(deliveryId))
      return 'bad_signature';
    if (!(await webhooks.verify(body.toString('utf8'), signature))) return 'bad_signature';
    const about = Object.hasOwn(ABOUT, name) ? ABOUT[name] : undefined;
    const first = await store.claim(`github:delivery:${deliveryId}`, name.slice(0, 64), nowMs() + SEEN_MS);
    const result = !first ? 'duplicate' : about === undefined ? 'ignored' : 'accepted';
    observe({ type: 'ota.webhook', deliveryId, name: name.slice(0, 64), result });
    if (result === 'accepted' && about !== undefined) {
      hint(about);
      // A merge closes a pull request and moves the branch, so the first of the two hints is enough.
      if (about === 'pulls') hint('source');
    }
    return result;
  };
}
