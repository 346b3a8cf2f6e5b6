/** `POST /v1/agent/token`: a new token and the nudge key of its generation (SPEC §5). */
import { boundedText, type Connection, exchange, networkCode } from './client.ts';

const MAX_ANSWER_BYTES = 16 * 1024;

type NewCredentials =
  | { readonly ok: true; readonly token: string; readonly nudgeKey: Buffer }
  | { readonly ok: false; readonly code: string };

const no = (code: string): NewCredentials => ({ ok: false, code });

/** Does not reject on network errors. */
export async function askForToken(connection: Connection, signal?: AbortSignal): Promise<NewCredentials> {
  try {
    const url = new URL('v1/agent/token', connection.controller);
    const { statusCode, body } = await exchange(connection, url, { method: 'POST', signal });
    const text = await boundedText(body, MAX_ANSWER_BYTES);
    return statusCode === 200 ? parsed(text) : no(`http_${statusCode}`);
  } catch (error) {
    return no(networkCode(error));
  }
}

/** Accepts only a token together with a 32-byte key: with half of it the device would be locked out. */
function parsed(text: string | undefined): NewCredentials {
  let value: unknown;
  try {
    value = JSON.parse(text ?? '');
  } catch {
    return no('answer_malformed');
  }
  if (value === null || typeof value !== 'object') return no('answer_malformed');
  const { token, nudge_key: key } = value as { token?: unknown; nudge_key?: unknown };
  if (typeof token !== 'string' || !/^[\x21-\x7e]{1,512}$/.test(token)) return no('answer_malformed');
  const nudgeKey = typeof key === 'string' ? Buffer.from(key, 'base64') : Buffer.alloc(0);
  return nudgeKey.length === 32 ? { ok: true, token, nudgeKey } : no('answer_malformed');
}
