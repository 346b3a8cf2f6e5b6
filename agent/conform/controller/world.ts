/** One device's view of a controller under test: its requests, and the required form of errors. */
import { type Dispatcher, request } from 'undici';
import { type Offer, parseOffer } from '../../offer.ts';
import { must } from '../finding.ts';

interface ControllerUnderTest {
  readonly url: URL;
  readonly token: string;
  readonly deviceId: string;
  readonly sdk: number;
  readonly dispatcher: Dispatcher;
  /** True if reports may be posted; they stay in the controller's store. */
  readonly mayReport: boolean;
}

export interface Answer {
  readonly status: number;
  readonly headers: Dispatcher.ResponseData['headers'];
  readonly body: Buffer;
}

type Headers = Readonly<Record<string, string>>;
const MAX_ANSWER_BYTES = 512 * 1024 * 1024;

export class World {
  readonly under: ControllerUnderTest;
  #offer: Promise<Offer | undefined> | undefined;

  constructor(under: ControllerUnderTest) {
    this.under = under;
  }

  async ask(
    target: string,
    more: { method?: 'GET' | 'POST'; headers?: Headers; body?: string; token?: string | undefined } = {},
  ): Promise<Answer> {
    const token = 'token' in more ? more.token : this.under.token;
    const { method = 'GET', body = null } = more;
    const answer = await request(new URL(target, this.under.url), {
      method,
      body,
      headers: { ...(token === undefined ? {} : { authorization: `Bearer ${token}` }), ...more.headers },
      dispatcher: this.under.dispatcher,
    });
    const chunks: Buffer[] = [];
    let bytes = 0;
    for await (const chunk of answer.body) {
      bytes += (chunk as Buffer).length;
      must(bytes <= MAX_ANSWER_BYTES, 'the answer is larger than 512 MiB');
      chunks.push(chunk as Buffer);
    }
    return { status: answer.statusCode, headers: answer.headers, body: Buffer.concat(chunks) };
  }

  check(query: string, headers: Headers = {}): Promise<Answer> {
    return this.ask(`v1/agent/update?${query}`, { headers });
  }

  /** The offer to this device if nothing is installed; undefined: a hold. */
  offer(): Promise<Offer | undefined> {
    this.#offer ??= this.check(`version_code=0&sdk=${this.under.sdk}`).then(answer => {
      if (answer.status !== 200) return undefined;
      const parsed = parseOffer(answer.body.toString());
      must(parsed.ok, parsed.ok ? '' : `the manifest is not valid: ${parsed.detail}`);
      return parsed.offer;
    });
    return this.#offer;
  }

  report(fields: Readonly<Record<string, unknown>>): Promise<Answer> {
    return this.ask('v1/action-result', {
      method: 'POST',
      body: JSON.stringify(fields),
      headers: { 'content-type': 'application/json' },
    });
  }
}

export const header = (answer: Answer, name: string): string => String(answer.headers[name] ?? '');

/** RFC 9457 with a stable code and no internals. */
export function mustBeProblem(answer: Answer, ...statuses: readonly number[]): void {
  must(statuses.includes(answer.status), `it answered ${answer.status}, not ${statuses.join(' or ')}`);
  must(
    header(answer, 'content-type').startsWith('application/problem+json'),
    `the error has content-type ${header(answer, 'content-type') || '(none)'}`,
  );
  const text = answer.body.toString();
  const problem = JSON.parse(text) as { code?: unknown };
  must(
    typeof problem.code === 'string' && /^[a-z0-9_]+$/.test(problem.code),
    'the problem has no stable code',
  );
  must(!/\bat .*\.[jt]s:\d+/.test(text), 'the problem shows a stack trace');
}
