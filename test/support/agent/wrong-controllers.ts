/**
 * Controllers that are wrong in one way each: the real one behind a proxy that turns one thing. The conformance kit is
 * there to catch them, and each of its checks names the one it catches.
 */
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { request } from 'undici';

export interface Asked {
  readonly method: string;
  /** Path and query. */
  readonly target: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

export interface Answered {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
}

/** `ask` turns the request before the real controller sees it, `answer` what it said. */
export interface WrongController {
  readonly ask?: (asked: Asked, token: string) => Asked;
  readonly answer?: (answered: Answered, asked: Asked) => Answered;
}

const UPDATE = /^\/v1\/agent\/update/;
const APK = /\/apk$/;
const RESULT = /^\/v1\/action-result/;
const FINE: Answered = {
  status: 200,
  headers: { 'content-type': 'application/json' },
  body: Buffer.from('{}'),
};

const without = (headers: IncomingHttpHeaders, ...names: string[]): IncomingHttpHeaders =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => !names.includes(name)));
const target = (turn: (target: string) => string): WrongController => ({
  ask: asked => ({ ...asked, target: turn(asked.target) }),
});
const dropping = (route: RegExp, ...names: string[]): WrongController => ({
  ask: asked => (route.test(asked.target) ? { ...asked, headers: without(asked.headers, ...names) } : asked),
});
const authorised = (when: (given: string | undefined, token: string) => boolean): WrongController => ({
  ask: (asked, token) =>
    when(asked.headers.authorization, token)
      ? { ...asked, headers: { ...asked.headers, authorization: `Bearer ${token}` } }
      : asked,
});
const header = (name: string, value: string | undefined): WrongController => ({
  answer: answered => ({ ...answered, headers: { ...answered.headers, [name]: value } }),
});
const manifest = (turn: (fields: Record<string, unknown>) => Record<string, unknown>): WrongController => ({
  answer: (answered, asked) =>
    UPDATE.test(asked.target) && answered.status === 200
      ? {
          ...answered,
          body: Buffer.from(JSON.stringify(turn(JSON.parse(answered.body.toString()) as never))),
        }
      : answered,
});
/** Answers results of this kind with 200, whatever they are. */
const takes = (kind: (asked: Asked, fields: Record<string, unknown>) => boolean): WrongController => ({
  answer: (answered, asked) => (RESULT.test(asked.target) && kind(asked, fieldsOf(asked)) ? FINE : answered),
});
const status = (when: (answered: Answered, asked: Asked) => boolean, code: number): WrongController => ({
  answer: (answered, asked) =>
    when(answered, asked) ? { ...answered, status: code, body: Buffer.alloc(0) } : answered,
});

function fieldsOf({ body }: Asked): Record<string, unknown> {
  try {
    return JSON.parse(body.toString()) as Record<string, unknown>;
  } catch {
    return {};
  }
}

/** Sees each result once, and then knows its request_id. */
function repeats(): (asked: Asked) => boolean {
  const seen = new Set<string>();
  return asked => {
    const { request_id: id, outcome } = fieldsOf(asked);
    const known = seen.has(String(id));
    if (outcome !== 'deferred') seen.add(String(id));
    return known;
  };
}

const problem = (code: number): Answered => ({
  status: code,
  headers: { 'content-type': 'application/problem+json' },
  body: Buffer.from(JSON.stringify({ status: code, code: 'refused' })),
});

export const WRONG_CONTROLLERS: Readonly<Record<string, () => WrongController>> = {
  takes_a_missing_version_for_zero: () =>
    target(to => (UPDATE.test(to) && !to.includes('version_code=') ? `${to}&version_code=0` : to)),
  reads_any_version: () => target(to => to.replace('version_code=4x', 'version_code=4')),
  takes_any_request_id: () => dropping(UPDATE, 'ota-request-id'),
  needs_no_token: () => authorised(given => given === undefined),
  takes_any_token: () => authorised(given => given?.includes('nobody') === true),
  compares_beginnings_of_tokens: () =>
    authorised((given, token) => given?.slice(7, 20) === token.slice(0, 13)),
  holds_without_a_reason: () => header('ota-decision', undefined),
  gives_a_known_hold_again: () => status(answered => answered.status === 304, 204),
  lets_answers_be_cached: () => header('cache-control', 'max-age=3600'),
  tells_no_time: () => header('date', undefined),
  leaves_a_field_out: () => manifest(({ cohort_seed: _, ...fields }) => fields),
  hides_an_offer_behind_304: () =>
    status(({ status: code }, { headers }) => code === 200 && headers['if-none-match'] !== undefined, 304),
  sends_devices_to_another_host: () => manifest(fields => ({ ...fields, url: 'http://127.0.0.2:9/a.apk' })),
  offers_outside_the_cohort: () => manifest(fields => ({ ...fields, staged_rollout_percent: 0 })),
  offers_what_runs: () => target(to => to.replace(/version_code=\d{1,3}&/, 'version_code=0&')),
  serves_apks_to_anybody: () => ({
    ask: (asked, token) =>
      APK.test(asked.target)
        ? { ...asked, headers: { ...asked.headers, authorization: `Bearer ${token}` } }
        : asked,
  }),
  serves_any_build: () => ({
    answer: (answered, asked) => (/no-such-build/.test(asked.target) ? FINE : answered),
  }),
  sends_another_apk: () => ({
    answer: (answered, asked) =>
      APK.test(asked.target) && answered.status === 200
        ? { ...answered, body: Buffer.alloc(answered.body.length, 1) }
        : answered,
  }),
  ignores_ranges: () => dropping(APK, 'range'),
  ignores_if_range: () => dropping(APK, 'if-range'),
  answers_ranges_beyond_the_end: () => status(answered => answered.status === 416, 206),
  takes_results_that_are_not_json: () => takes(({ body }) => body.toString() === '{'),
  takes_results_of_any_type: () => takes(({ headers }) => headers['content-type'] !== 'application/json'),
  takes_results_of_any_size: () => takes(({ body }) => body.length > 100_000),
  takes_results_of_any_build: () => takes((_, fields) => fields.build_id === 'no-such-build-1'),
  takes_any_reason: () => takes((_, fields) => fields.reason === 'mood'),
  takes_unknown_fields: () => takes((_, fields) => 'mood' in fields),
  refuses_a_repeated_result: () => {
    const isKnown = repeats();
    return {
      answer: (answered, asked) => (RESULT.test(asked.target) && isKnown(asked) ? problem(409) : answered),
    };
  },
  takes_a_second_story: () => takes(repeats()),
  ends_an_attempt_at_its_deferral: () => ({
    answer: (answered, asked) => (fieldsOf(asked).outcome === 'deferred' ? problem(409) : answered),
  }),
};

/** A proxy in front of the real controller, on an origin of its own. */
export async function withProxy(
  real: { readonly url: string; readonly token: string },
  wrong: WrongController,
  run: (url: string) => Promise<void>,
): Promise<void> {
  let own = '';
  const server = createServer(async (incoming, outgoing) => {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk as Buffer);
    const { method = 'GET', url = '/', headers } = incoming;
    const asked: Asked = {
      method,
      target: url,
      headers: without(headers, 'host', 'connection'),
      body: Buffer.concat(chunks),
    };
    const turned = wrong.ask?.(asked, real.token) ?? asked;
    const answer = await request(new URL(turned.target, real.url), {
      method: turned.method as 'GET',
      headers: without(turned.headers, 'content-length', 'transfer-encoding'),
      body: turned.body.length === 0 ? null : turned.body,
    });
    const bytes = Buffer.from(await answer.body.arrayBuffer());
    const isJson = String(answer.headers['content-type']).includes('json');
    const body = isJson ? Buffer.from(bytes.toString().replaceAll(new URL(real.url).origin, own)) : bytes;
    const said = { status: answer.statusCode, headers: answer.headers, body };
    const { status: code, headers: out, body: sent } = wrong.answer?.(said, asked) ?? said;
    outgoing.sendDate = false;
    outgoing.statusCode = code;
    for (const [name, value] of Object.entries(out))
      if (
        value !== undefined &&
        !['content-length', 'connection', 'transfer-encoding', 'keep-alive'].includes(name)
      )
        outgoing.setHeader(name, value);
    outgoing.end(sent);
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  own = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  try {
    await run(`${own}/`);
  } finally {
    server.closeAllConnections();
    await new Promise(resolve => server.close(resolve));
  }
}
