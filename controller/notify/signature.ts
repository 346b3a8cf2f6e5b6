/**
 * Signatures by Standard Webhooks 1.0: HMAC-SHA256 over `id.timestamp.body`, so that receivers can detect an old or a
 * changed body. https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
 */
import { createHmac } from 'node:crypto';

/** `sentAtS` is the time of this try in Unix seconds. `id` must not contain a full stop. */
export function signatureHeaders(
  id: string,
  sentAtS: number,
  body: string,
  key: Uint8Array | undefined,
): Readonly<Record<string, string>> {
  const headers = { 'webhook-id': id, 'webhook-timestamp': String(sentAtS) };
  if (key === undefined) return headers;
  const mac = createHmac('sha256', key).update(`${id}.${sentAtS}.${body}`).digest('base64');
  return { ...headers, 'webhook-signature': `v1,${mac}` };
}
