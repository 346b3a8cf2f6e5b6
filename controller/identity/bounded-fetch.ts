/** Fetch with a size limit, because a provider's answer is in memory before it is checked. */

import type { CustomFetchOptions } from 'openid-client';

/** Real metadata, keys and tokens take some kilobytes; a person in thousands of groups takes some hundred kilobytes. */
const MOST_BYTES = 1_048_576;

export class AnswerTooLarge extends Error {
  override readonly name = 'AnswerTooLarge';
}

/** Like `fetch`; throws {@link AnswerTooLarge}. */
export async function boundedFetch(url: string, options: CustomFetchOptions): Promise<Response> {
  const answer = await fetch(url, { ...options, body: options.body ?? null });
  const { status, statusText, headers } = answer;
  if (answer.body === null) return answer;
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  // Breaking out of the loop cancels the rest of the body.
  for await (const piece of answer.body) {
    bytes += piece.byteLength;
    if (bytes > MOST_BYTES) throw new AnswerTooLarge(`the answer is larger than ${MOST_BYTES} bytes`);
    pieces.push(piece);
  }
  return new Response(bytes === 0 ? null : Buffer.concat(pieces), { status, statusText, headers });
}
