/** Webhook deliveries of the Git host. */

/** A delivery as it came, bounded to 1 MiB and not yet trusted. */
interface WebhookDelivery {
  /** `X-GitHub-Delivery`. */
  readonly deliveryId: string;
  /** `X-GitHub-Event`. */
  readonly name: string;
  /** `X-Hub-Signature-256`; empty when the header is missing. */
  readonly signature: string;
  /** The raw bytes the signature is over. */
  readonly body: Buffer;
}

/** Authenticates by HMAC alone and only hints that something may have changed; emits `ota.webhook` itself. */
export type Webhook = (
  delivery: WebhookDelivery,
) => Promise<'accepted' | 'duplicate' | 'ignored' | 'bad_signature'>;
