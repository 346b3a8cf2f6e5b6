/** Fetches with a bound on the answer: what a provider sends is held in memory before it is checked. */

import type { CustomFetchOptions } from 'openid-client';

/** Metadata, keys and tokens of real providers take some kilobytes; a person in thousands of groups some hundred. */
const MOST_BYTES = 1_048_576;

export class AnswerTooLarge extends Error {
  override readonly name = 'AnswerTooLarge';
}

/** As `fetch`; throws {@link AnswerTooLarge}. */
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
