/** People who sign in at a provider: oidc-provider on loopback, over real HTTP and without a browser. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { withPeople } from '../support/identity/pages.ts';
import { formAction, makeVisitor, signInAtProvider, type Visitor } from '../support/identity/visitor.ts';
import { SCENE_MS } from '../support/pages/scene.ts';
import { SCENES } from '../support/pages/scenes.ts';

/** Where the provider sends the browser back to, not yet visited. */
async function callbackOf(visitor: Visitor, url: string, login: string): Promise<string> {
  const asked = await visitor.go(`${url}/sign-in/provider?next=/`);
  let seen = await visitor.step(formAction(asked), { prompt: 'login', login, password: 'any' });
  while (seen.location?.startsWith(`${url}/sign-in/callback`) !== true) {
    if (seen.location === undefined) throw new Error(`the provider stopped at ${seen.url}: ${seen.text}`);
    seen = await visitor.step(seen.location);
  }
  return seen.location;
}

const formToken = (text: string): string => /name="form_token" value="([^"]+)"/.exec(text)?.[1] ?? '';

test('a person signs in with the role of their groups and lands where they wanted to go', () =>
  withPeople(SCENES.ramping, async pages => {
    const visitor = makeVisitor();
    const seen = await signInAtProvider(visitor, pages.url, 'auth0|ann', '/devices?q=kiosk');
    assert.is(seen.status, 200, seen.text);
    assert.is(seen.url, `${pages.url}/devices?q=kiosk`);
    assert.match(seen.text, /Ann Álvarez <span class="qq">operator<\/span>/);
    const [row] = await pages.controller.store.audit.list({ limit: 1, action: 'session.begin' });
    assert.is(row?.actor, 'person:auth0|ann (Ann Álvarez)');
    assert.is(row?.subject, 'operator');
  }));

test('the highest role of all groups counts; one group need not be a list; thousands of groups work', () =>
  withPeople(SCENES.completed, async ({ url }) => {
    for (const [login, role] of [
      ['bob', 'proposer'],
      ['eve', 'viewer'],
      ['crowd', 'proposer'],
    ] as const) {
      const seen = await signInAtProvider(makeVisitor(), url, login);
      assert.match(seen.text, new RegExp(`<span class="qq">${role}</span>`), login);
    }
  }));

test('groups from the user info endpoint count too', () =>
  withPeople(
    SCENES.completed,
    async ({ url }) => {
      const seen = await signInAtProvider(makeVisitor(), url, 'bob');
      assert.match(seen.text, /Bob <span class="qq">proposer/);
    },
    { userInfoOnly: true },
  ));

test('a person without a known group is told so and gets no session', () =>
  withPeople(SCENES.completed, async pages => {
    for (const login of ['nobody', 'plain']) {
      const visitor = makeVisitor();
      const seen = await signInAtProvider(visitor, pages.url, login);
      assert.is(seen.status, 403);
      assert.match(seen.text, /You have no access here/);
      assert.is(visitor.cookie(pages.url, 'ota-session'), undefined);
      assert.match((await visitor.go(pages.url)).url, /\/sign-in$/);
    }
    assert.match(pages.log.join(''), /sign_in_no_role/);
  }));

test('a viewer has no buttons, a proposer no brake, and a form sent by hand is refused in plain words', () =>
  withPeople(SCENES.ramping, async ({ url, controller }) => {
    const viewer = makeVisitor();
    const now = await signInAtProvider(viewer, url, 'eve');
    assert.not.match(now.text, /action="\/brake"|action="\/resume"|href="\/change\/|action="\/change\//);
    const form_token = formToken(now.text);
    for (const action of ['/brake', '/resume', '/change/rollback', '/change/promote']) {
      const { status, text } = await viewer.go(url + action, { form_token, reason: 'why' });
      assert.is(status, 403, action);
      assert.match(text, /You are a viewer here, and this takes the role (operator|proposer)\./);
    }
    const proposer = makeVisitor();
    const theirs = await signInAtProvider(proposer, url, 'bob');
    assert.match(theirs.text, /href="\/change\/rollback"/);
    assert.not.match(theirs.text, /action="\/brake"/);
    const brake = await proposer.go(`${url}/brake`, { form_token: formToken(theirs.text) });
    assert.is(brake.status, 403);
    assert.is(controller.reconcile.snapshot?.halts.length, 0, 'nothing was braked');
  }));

test('an operator brakes, and the audit names them by subject and name', () =>
  withPeople(SCENES.ramping, async ({ url, controller }) => {
    const visitor = makeVisitor();
    const now = await signInAtProvider(visitor, url, 'auth0|ann');
    const braked = await visitor.go(`${url}/brake`, { form_token: formToken(now.text) });
    assert.is(braked.status, 200);
    assert.is(controller.reconcile.snapshot?.halts[0]?.by, 'person:auth0|ann (Ann Álvarez)');
  }));

test('a hostile name is shown as one short line, escaped everywhere', () =>
  withPeople(SCENES.completed, async ({ url, controller }) => {
    const seen = await signInAtProvider(makeVisitor(), url, 'hostile');
    assert.match(seen.text, /&lt;img src=x onerror=/);
    assert.not.match(seen.text, /<img/);
    const [row] = await controller.store.audit.list({ limit: 1, action: 'session.begin' });
    assert.not.match(row?.actor ?? '', /[\n\u202e]/);
    assert.ok((row?.actor.length ?? 0) < 130);
  }));

test('signing in again begins another session and ends the one before: a planted cookie is worth nothing', () =>
  withPeople(SCENES.completed, async ({ url }) => {
    const visitor = makeVisitor();
    visitor.setCookie(url, 'ota-session', 'planted');
    await signInAtProvider(visitor, url, 'eve');
    const first = visitor.cookie(url, 'ota-session') ?? '';
    assert.is.not(first, 'planted');
    await visitor.go(`${url}/sign-in/provider?next=/`);
    assert.is.not(visitor.cookie(url, 'ota-session'), first);
    const old = makeVisitor();
    old.setCookie(url, 'ota-session', first);
    assert.match((await old.go(url)).url, /\/sign-in$/, 'the first one is over');
  }));

test('the return from the provider works once, and only in the browser that left', () =>
  withPeople(SCENES.completed, async ({ url }) => {
    const [ann, mallory] = [makeVisitor(), makeVisitor()];
    const callback = await callbackOf(mallory, url, 'bob');
    const planted = await ann.go(callback);
    assert.is(planted.status, 400, 'Mallory cannot sign Ann in as Mallory');
    assert.match(planted.text, /did not begin in this browser/);
    await ann.step(`${url}/sign-in/provider?next=/`);
    assert.is((await ann.go(callback)).status, 403, 'nor when she has set out herself');
    assert.is(ann.cookie(url, 'ota-session'), undefined);
    const flow = mallory.cookie(url, 'ota-sign-in') ?? '';
    assert.is((await mallory.go(callback)).status, 200);
    assert.is((await mallory.go(callback)).status, 400, 'a second time');
    const replay = makeVisitor();
    replay.setCookie(url, 'ota-sign-in', flow);
    const stale = await replay.go(callback);
    assert.is(stale.status, 403, 'nor with all that the first browser had');
    assert.match(stale.text, /says that this sign-in was used before or took too long/);
  }));

test('a sign-in that takes longer than ten minutes must begin again', () =>
  withPeople(SCENES.completed, async ({ url }) => {
    const visitor = makeVisitor();
    const callback = await callbackOf(visitor, url, 'bob');
    const [state, nonce, verifier, untilMs, next] = (visitor.cookie(url, 'ota-sign-in') ?? '').split('.');
    for (const late of [SCENE_MS, Number(untilMs) + 1, Number.NaN]) {
      visitor.setCookie(url, 'ota-sign-in', [state, nonce, verifier, late, next].join('.'));
      assert.is((await visitor.go(callback)).status, 400);
    }
    assert.is(visitor.cookie(url, 'ota-session'), undefined);
  }));

test('a sign-in never redirects to another site and is never begun by one', () =>
  withPeople(SCENES.completed, async ({ url }) => {
    for (const next of ['//evil.example', 'https://evil.example', '/\\evil.example']) {
      const seen = await signInAtProvider(makeVisitor(), url, 'eve', next);
      assert.is(seen.url, `${url}/`, next);
    }
    const visitor = makeVisitor();
    const callback = await callbackOf(visitor, url, 'eve');
    const [state, nonce, verifier, untilMs] = (visitor.cookie(url, 'ota-sign-in') ?? '').split('.');
    const path = Buffer.from('//evil.example').toString('base64url');
    visitor.setCookie(url, 'ota-sign-in', [state, nonce, verifier, untilMs, path].join('.'));
    assert.is((await visitor.step(callback)).location, `${url}/`, 'a cookie is a stranger’s too');
    const foreign = await makeVisitor().step(`${url}/sign-in/provider?next=/`, undefined, {
      'sec-fetch-site': 'cross-site',
    });
    assert.is(foreign.location, `${url}/sign-in`);
    assert.equal(foreign.cookies, []);
  }));

test('cookies are http-only and Lax, and over https bound to the host', () =>
  withPeople(SCENES.completed, async (pages, openId) => {
    const begun = await makeVisitor().step(`${pages.url}/sign-in/provider?next=/`);
    assert.match(begun.cookies[0] ?? '', /^ota-sign-in=[^;]+; Max-Age=600; Path=\/; HttpOnly; SameSite=Lax$/);
    const asked = new URL(begun.location ?? '');
    assert.is(asked.origin, openId.issuer);
    assert.is(asked.searchParams.get('redirect_uri'), `${pages.url}/sign-in/callback`, 'never from Host');
    await pages.restart({ OTA_OPERATOR_URL: 'https://ota.example' });
    const secure = await makeVisitor().step(`${pages.url}/sign-in/provider?next=/`);
    assert.match(
      secure.cookies[0] ?? '',
      /^__Host-ota-sign-in=[^;]+; Max-Age=600; Path=\/; HttpOnly; SameSite=Lax; Secure$/,
    );
    assert.match(secure.location ?? '', /redirect_uri=https%3A%2F%2Fota\.example%2Fsign-in%2Fcallback/);
  }));

test('signing out ends the session here and offers to end it at the provider too', () =>
  withPeople(SCENES.completed, async ({ url }, { issuer }) => {
    const visitor = makeVisitor();
    const now = await signInAtProvider(visitor, url, 'eve');
    const session = visitor.cookie(url, 'ota-session') ?? '';
    const out = await visitor.go(`${url}/sign-out`, { form_token: formToken(now.text) });
    assert.match(out.text, /You are signed out/);
    assert.match(out.text, new RegExp(`href="${issuer}/session/end\\?`));
    visitor.setCookie(url, 'ota-session', session);
    assert.match((await visitor.go(url)).url, /\/sign-in$/);
  }));

test('a person’s session survives a restart and ends when they lose their role or the provider is removed', () =>
  withPeople(SCENES.completed, async pages => {
    const visitor = makeVisitor();
    await signInAtProvider(visitor, pages.url, 'bob');
    const other = makeVisitor();
    await signInAtProvider(other, pages.url, 'eve');
    await pages.restart();
    assert.match((await visitor.go(pages.url)).text, /Bob <span class="qq">proposer/);
    await pages.restart({ OTA_OIDC_ROLES: 'viewer=mobile' });
    assert.match((await visitor.go(pages.url)).text, /Bob <span class="qq">viewer/, 'the role of today');
    await pages.restart({ OTA_OIDC_ROLES: 'operator=on-call' });
    assert.match((await visitor.go(pages.url)).url, /\/sign-in$/);
    await pages.restart({ OTA_OIDC_ISSUER: 'https://other.example' });
    assert.match((await other.go(pages.url)).url, /\/sign-in$/, 'the same subject there is somebody else');
  }));

test('a provider that is down does not prevent a start; sign-in and health report it, and it is asked again', () =>
  withPeople(SCENES.completed, async (pages, openId) => {
    await openId.stop();
    await pages.restart();
    const visitor = makeVisitor();
    const down = await visitor.go(`${pages.url}/sign-in/provider?next=/`);
    assert.is(down.status, 503);
    assert.match(down.text, /does not answer\. Try again in a minute, or sign in with an operator’s token/);
    assert.match(down.text, /<details class="or" open>/, 'the other door is open');
    const health = await visitor.go(`${pages.url}/sign-in`, { token: pages.tokens.admin, next: '/health' });
    assert.match(health.text, /Sign-in: does not work/);
    await openId.start();
    const back = await signInAtProvider(makeVisitor(), pages.url, 'eve');
    assert.match(back.text, /Eve <span class="qq">viewer/);
  }));

test.run();
