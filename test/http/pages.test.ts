/** Pages as HTTP serves them: what they are given, what is refused before, and what becomes of one that fails. */

import { request } from 'undici';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Fault } from '../../controller/domain/fault.ts';
import { cookiesIn } from '../../controller/http/page-routes.ts';
import type { Page, PageAnswer, PageRequest, ShowToken } from '../../controller/ports/index.ts';
import { eventually, type TestServer, withServer } from '../support/http.ts';

const answer = (body: PageAnswer['body']): PageAnswer => ({
  status: 200,
  headers: { 'Content-Type': 'text/html; charset=utf-8' },
  body,
});

interface Seen {
  readonly requests: PageRequest[];
  show: ShowToken | undefined;
  ended: number;
}

const withTestPages = (use: (server: TestServer, seen: Seen) => Promise<void>): Promise<void> => {
  const seen: Seen = { requests: [], show: undefined, ended: 0 };
  const noted = (of: PageRequest): PageAnswer => {
    seen.requests.push(of);
    return answer('<p>fine</p>');
  };
  const pages: Page[] = [
    { method: 'GET', path: '/look/:what', answer: noted },
    { method: 'POST', path: '/act', answer: noted },
    {
      method: 'GET',
      path: '/broken',
      answer: () => {
        throw new Fault('store_io', 'the disk is gone', { retry: 'backoff' });
      },
    },
    { method: 'GET', path: '/stream', answer: ({ gone }) => answer(ticks(gone, () => (seen.ended += 1))) },
  ];
  const failure = (status: number, code: string): PageAnswer => ({ ...answer(`<p>${code}</p>`), status });
  return withServer(
    {
      pages: show => {
        seen.show = show;
        return { pages, failure };
      },
    },
    server => use(server, seen),
  );
};

async function* ticks(gone: AbortSignal, ended: () => void): AsyncGenerator<string> {
  yield 'first';
  await new Promise(resolve => gone.addEventListener('abort', resolve));
  ended();
}

const ask = async (server: TestServer, target: string, more: Parameters<typeof request>[1] = {}) => {
  const got = await request(server.url + target, more);
  return { status: got.statusCode, headers: got.headers, text: await got.body.text() };
};

test('a page is given its parameters, query, cookies and form', () =>
  withTestPages(async (server, { requests }) => {
    await ask(server, '/look/b%2042?x=1&x=2', { headers: { cookie: 'a=1; b=c=d; a=2' } });
    const [look] = requests;
    assert.is(look?.params.what, 'b 42');
    assert.equal(look?.query.getAll('x'), ['1', '2']);
    assert.equal(
      [...(look?.cookies ?? [])],
      [
        ['a', '1'],
        ['b', 'c=d'],
      ],
    );
    assert.is(look?.target, '/look/b%2042?x=1&x=2');
    assert.is(look?.address, '127.0.0.1');
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    await ask(server, '/act', { method: 'POST', headers, body: 'reason=a+%26+b' });
    assert.is(requests[1]?.form.get('reason'), 'a & b');
  }));

test('a form that is too large, or is none, does not reach its page', () =>
  withTestPages(async (server, { requests }) => {
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    const large = await ask(server, '/act', { method: 'POST', headers, body: 'x'.repeat(16_385) });
    assert.is(large.status, 413);
    const json = await ask(server, '/act', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{}',
    });
    assert.is(json.status, 415);
    assert.equal(requests, []);
  }));

test('a page that fails is told as a page, and logged with its cause', () =>
  withTestPages(async server => {
    const { status, text } = await ask(server, '/broken');
    assert.equal([status, text], [503, '<p>store_io</p>']);
    assert.equal(
      server.of('ota.http.fail').map(e => [e.route, e.code, e.message]),
      [['/broken', 'store_io', 'the disk is gone']],
    );
  }));

test('a stream ends with the connection that it goes to', () =>
  withTestPages(async (server, seen) => {
    const end = new AbortController();
    const got = await request(`${server.url}/stream`, { signal: end.signal });
    for await (const piece of got.body) {
      assert.is(String(piece), 'first');
      break;
    }
    end.abort();
    await eventually(() => seen.ended === 1);
    assert.is(seen.ended, 1);
  }));

test('a token that a person shows is checked, and failures are limited by address', () =>
  withTestPages(async (server, { show }) => {
    const good = await server.admin('read');
    assert.is(show?.(good, '10.0.0.1').kind, 'good');
    for (let n = 0; n < 60; n += 1) assert.is(show?.('ota_admin_wrong', '10.0.0.9').kind, 'refused');
    assert.is(show?.('ota_admin_wrong', '10.0.0.9').kind, 'wait');
    assert.is(show?.(good, '10.0.0.9').kind, 'good', 'a right token is never held back');
    assert.is(
      server.of('ota.auth.fail').every(e => !JSON.stringify(e).includes('wrong')),
      true,
    );
  }));

test('cookies are read as RFC 6265 sends them, and not without end', () => {
  assert.equal([...cookiesIn(undefined)], []);
  assert.equal([...cookiesIn('a=; =b; c')], [['a', '']]);
  assert.is(cookiesIn(Array.from({ length: 200 }, (_, n) => `c${n}=1`).join('; ')).size, 64);
});

test.run();
