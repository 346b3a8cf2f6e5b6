/**
 * Signatures by Standard Webhooks 1.0: HMAC-SHA256 over `id.timestamp.body`, so that neither an old nor a changed body
 * passes. https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
 */
import { createHmac } from 'node:crypto';

/** `sentAtS`: of this try, Unix seconds. `id` must hold no full stop. */
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
