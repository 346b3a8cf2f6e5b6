/** Webhook deliveries of the Git host. */

/** A delivery as received: at most 1 MiB, and not yet trusted. */
interface WebhookDelivery {
  /** `X-GitHub-Delivery`. */
  readonly deliveryId: string;
  /** `X-GitHub-Event`. */
  readonly name: string;
  /** `X-Hub-Signature-256`; empty when the header is missing. */
  readonly signature: string;
  /** The raw bytes that were signed. */
  readonly body: Buffer;
}

/** Authenticates by HMAC. A valid delivery is only a hint that something may have changed. Emits `ota.webhook` itself. */
export type Webhook = (
  delivery: WebhookDelivery,
) => Promise<'accepted' | 'duplicate' | 'ignored' | 'bad_signature'>;
