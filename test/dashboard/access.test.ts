/** Who sees the pages, over real HTTP and without a browser. */
import { request } from 'undici';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { servesPages, sourceName } from '../../controller/compose/dashboard.ts';
import { makeLive } from '../../controller/dashboard/live.ts';
import { ownPath } from '../../controller/dashboard/sign-in-view.ts';
import type { PageRequest } from '../../controller/ports/index.ts';
import { readSettings } from '../../controller/settings/read.ts';
import { type Pages, withPages } from '../support/pages/pages.ts';
import { SCENES } from '../support/pages/scenes.ts';

interface Got {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
}

async function ask(
  { url }: Pages,
  target: string,
  options: { cookie?: string; form?: Record<string, string>; headers?: Record<string, string> } = {},
): Promise<Got> {
  const { cookie, form, headers = {} } = options;
  const answer = await request(url + target, {
    method: form === undefined ? 'GET' : 'POST',
    headers: {
      ...(cookie !== undefined && { cookie }),
      ...(form !== undefined && { 'content-type': 'application/x-www-form-urlencoded', origin: url }),
      ...headers,
    },
    body: form === undefined ? null : new URLSearchParams(form).toString(),
  });
  return { status: answer.statusCode, headers: answer.headers, text: await answer.body.text() };
}

async function cookieOf(pages: Pages, token: string): Promise<string> {
  const { status, headers } = await ask(pages, '/sign-in', { form: { token, next: '/' } });
  assert.is(status, 303);
  return String(headers['set-cookie']).split(';')[0] ?? '';
}

const formToken = (text: string): string => /name="form_token" value="([^"]+)"/.exec(text)?.[1] ?? '';

test('signed out sees nothing, and the session decides until it ends', () =>
  withPages(SCENES.ramping, async pages => {
    for (const target of ['/', '/?x=1', '/live']) {
      const { status, headers, text } = await ask(pages, target);
      assert.is(status, target === '/live' ? 401 : 303, target);
      assert.not.match(text, /b43/);
      if (target !== '/live') assert.match(String(headers.location), /^\/sign-in(\?next=|$)/);
    }
    const wrong = await ask(pages, '/sign-in', { form: { token: 'ota_admin_no', next: '/' } });
    assert.is(wrong.status, 401);
    assert.is(wrong.headers['set-cookie'], undefined);
    assert.not.match(wrong.text, /ota_admin_no/, 'a token is never echoed');

    const answer = await ask(pages, '/sign-in', { form: { token: pages.tokens.viewer, next: '/' } });
    assert.match(String(answer.headers['set-cookie']), /; HttpOnly; SameSite=Lax$/);
    const cookie = await cookieOf(pages, pages.tokens.viewer);
    const seen = await ask(pages, '/', { cookie });
    assert.is(seen.status, 200);
    assert.match(seen.text, /b43 4\.3\.0 is offered to 10\u00a0% of the fleet/);
    assert.is(seen.headers['cache-control'], 'no-store');
    const policy = String(seen.headers['content-security-policy']);
    assert.ok(policy.includes("default-src 'none'") && !policy.includes('unsafe'));

    const out = { form_token: formToken(seen.text) };
    assert.is((await ask(pages, '/sign-out', { cookie, form: out })).status, 303);
    assert.is((await ask(pages, '/', { cookie })).status, 303);
  }));

test('a form from another site does nothing, with or without the form token', () =>
  withPages(SCENES.completed, async pages => {
    const evil = { origin: 'https://evil.example' };
    const form = { token: pages.tokens.admin, next: '/' };
    assert.is((await ask(pages, '/sign-in', { form, headers: evil })).status, 403);
    assert.is((await ask(pages, '/sign-in', { form, headers: { origin: 'null' } })).status, 403);
    const cookie = await cookieOf(pages, pages.tokens.admin);
    const out = { form_token: formToken((await ask(pages, '/', { cookie })).text) };
    assert.is((await ask(pages, '/sign-out', { cookie, form: out, headers: evil })).status, 403);
    assert.is((await ask(pages, '/sign-out', { cookie, form: {} })).status, 403);
    const wide = { form_token: 'é'.repeat(out.form_token.length) };
    assert.is((await ask(pages, '/sign-out', { cookie, form: wide })).status, 403);
    assert.is((await ask(pages, '/', { cookie })).status, 200, 'still signed in');
  }));

test('a session and its streams end with the token that it was begun with', () =>
  withPages(SCENES.completed, async pages => {
    const cookie = await cookieOf(pages, pages.tokens.viewer);
    const live = await request(`${pages.url}/live`, { headers: { cookie } });
    assert.is(live.headers['content-type'], 'text/event-stream');
    const told = (async () => {
      let text = '';
      for await (const piece of live.body) text += String(piece);
      return text;
    })();
    await pages.controller.store.admins.revoke('viewer', Date.now());
    const text = await told;
    assert.match(text, /^retry: 3000\n\nevent: version\ndata: \w+\n\n/);
    assert.match(text, /event: over\ndata: signed out\n\n$/);
    assert.is((await ask(pages, '/', { cookie })).status, 303);
  }));

test('a session survives a restart, keeps its form token and ends by signing out', () =>
  withPages(SCENES.completed, async pages => {
    const cookie = await cookieOf(pages, pages.tokens.admin);
    const form = { form_token: formToken((await ask(pages, '/', { cookie })).text) };
    await pages.restart();
    const seen = await ask(pages, '/', { cookie });
    assert.is(seen.status, 200);
    assert.is(formToken(seen.text), form.form_token);
    assert.is((await ask(pages, '/sign-out', { cookie, form })).status, 303);
    await pages.restart();
    assert.is((await ask(pages, '/', { cookie })).status, 303, 'what has ended stays so');
  }));

test('streams end when the controller stops, so that nothing waits for them', async () => {
  let told: Promise<unknown> | undefined;
  await withPages(SCENES.completed, async pages => {
    const cookie = await cookieOf(pages, pages.tokens.viewer);
    const live = await request(`${pages.url}/live`, { headers: { cookie } });
    told = live.body.text();
  });
  assert.match(String(await told), /^retry: 3000/);
});

test('a stream ends when the store cannot say who it is for', async () => {
  const live = makeLive({ version: () => '1', isGood: () => Promise.reject(new Error('the disk is gone')) });
  const request = { gone: new AbortController().signal } as PageRequest;
  const told: unknown[] = [];
  for await (const piece of live.answer(request).body as AsyncIterable<string>) told.push(piece);
  assert.equal(told, ['retry: 3000\n\n']);
});

test('a live part of a signed-out person leads to the sign-in form and back to the page', () =>
  withPages(SCENES.completed, async pages => {
    const { status, headers } = await ask(pages, '/?q=1', { headers: { 'hx-request': 'true' } });
    assert.is(status, 200);
    assert.is(headers['hx-redirect'], `/sign-in?next=${encodeURIComponent('/?q=1')}`);
  }));

test('assets are named by their content and kept; any other name is gone', () =>
  withPages({}, async pages => {
    const { text } = await ask(pages, '/sign-in');
    const names = [...text.matchAll(/"(\/assets\/[\w.-]+)"/g)].map(m => m[1] ?? '');
    assert.is(names.length, 5);
    for (const name of names) {
      const asset = await ask(pages, name, { headers: { 'accept-encoding': 'gzip' } });
      assert.is(asset.status, 200, name);
      assert.is(asset.headers['cache-control'], 'public, max-age=31536000, immutable');
      assert.is(asset.headers['content-encoding'], 'gzip');
    }
    assert.is((await ask(pages, '/assets/style.css')).status, 404);
    assert.is((await ask(pages, '/assets/..%2fpage.ts')).status, 404);
  }));

test('after signing in nobody is sent to another site', () => {
  assert.is(ownPath('/devices?q=kiosk'), '/devices?q=kiosk');
  for (const path of [
    null,
    '',
    'devices',
    '//evil.example',
    '/\\evil.example',
    'https://evil.example',
    '/a\nb',
  ])
    assert.is(ownPath(path), '/', String(path));
});

test('no sign-in form appears on a public address unless a setting asks for it', () => {
  const served = (env: Record<string, string>): boolean =>
    servesPages(readSettings({ OTA_PUBLIC_URL: 'https://ota.example', ...env }));
  assert.is(served({}), true);
  assert.is(served({ OTA_HOST: '0.0.0.0' }), false);
  assert.is(served({ OTA_TRUSTED_PROXY: 'on' }), false, 'a proxy makes loopback public');
  assert.is(served({ OTA_HOST: '0.0.0.0', OTA_OPERATOR_PORT: '9090' }), true);
  assert.is(served({ OTA_HOST: '0.0.0.0', OTA_DASHBOARD: 'on' }), true);
  assert.is(served({ OTA_OPERATOR_PORT: '9090', OTA_DASHBOARD: 'off' }), false);
});

test('the source is named without its host', () => {
  assert.is(sourceName('https://github.com/fleet/releases.git'), 'fleet/releases');
  assert.is(sourceName('git@github.com:fleet/releases.git'), 'fleet/releases');
  assert.is(sourceName('file:///srv/git/releases/'), 'releases');
  assert.is(sourceName('releases'), 'releases');
});

test.run();
