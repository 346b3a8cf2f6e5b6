/** What no honest provider answers, and what a stranger does with the way back: nobody is signed in by it. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { faultCode } from '../../controller/domain/fault.ts';
import { makeProvider } from '../../controller/identity/provider.ts';
import type { IdentityProvider, SignInResult } from '../../controller/ports/index.ts';
import { LIAR_CLIENT, type Liar, type Lies, withLiar } from '../support/identity/lying-provider.ts';

const SECRETS = { state: 'state', nonce: 'nonce', codeVerifier: 'v'.repeat(43) };
const ORIGIN = 'https://ota.example';

const providerOf = (issuer: string, nowMs = () => 0): IdentityProvider =>
  makeProvider({
    issuer,
    name: undefined,
    clientId: LIAR_CLIENT,
    clientSecret: 'secret',
    scopes: 'openid profile',
    groupsClaim: 'groups',
    origin: ORIGIN,
    nowMs,
  });

const back = (issuer: string, more: Readonly<Record<string, string>> = {}): URLSearchParams =>
  new URLSearchParams({ code: 'code', state: 'state', iss: issuer, ...more });

async function finished(
  lies: Lies,
  answer: (liar: Liar) => URLSearchParams = ({ issuer }) => back(issuer),
): Promise<SignInResult & { readonly asked: readonly string[] }> {
  let result: (SignInResult & { readonly asked: readonly string[] }) | undefined;
  await withLiar(lies, async liar => {
    result = { ...(await providerOf(liar.issuer).finish(answer(liar), SECRETS)), asked: [...liar.asked] };
  });
  if (result === undefined) throw new Error('nothing was answered');
  return result;
}

const nowS = (): number => Math.floor(Date.now() / 1000);

test('an honest answer names the person; the secret and the verifier go to the token endpoint alone', async () => {
  const { asked, ...result } = await finished({});
  assert.is(result.kind, 'person');
  const token = asked.find(line => line.startsWith('POST /token'));
  assert.match(token ?? '', /code_verifier=v{43}/);
  assert.match(token ?? '', /redirect_uri=https%3A%2F%2Fota\.example%2Fsign-in%2Fcallback/);
});

const refused: readonly (readonly [
  what: string,
  why: string,
  lies: Lies,
  answer?: (liar: Liar) => URLSearchParams,
])[] = [
  ['a token for another client', 'invalid', { claims: { aud: 'other' } }],
  ['a token of another issuer', 'invalid', { claims: { iss: 'https://evil.example' } }],
  ['the nonce of another sign-in', 'invalid', { claims: { nonce: 'other' } }],
  ['a token without a nonce', 'invalid', { claims: { nonce: undefined } }],
  ['a token that another key signed', 'invalid', { token: t => `${t.slice(0, -8)}AAAAAAAA` }],
  [
    'a token that nobody signed',
    'invalid',
    { token: t => `${Buffer.from('{"alg":"none"}').toString('base64url')}.${t.split('.')[1]}.` },
  ],
  ['a token of two megabytes', 'invalid', { claims: { groups: ['x'.repeat(2_000_000)] } }],
  ['a subject with a space, which could imitate another actor', 'invalid', { claims: { sub: 'a (b)' } }],
  ['a subject of a megabyte', 'invalid', { claims: { sub: 's'.repeat(500_000) } }],
  ['a token that is over for two minutes', 'clock', { claims: { exp: nowS() - 120, iat: nowS() - 400 } }],
  ['another state', 'invalid', {}, ({ issuer }) => back(issuer, { state: 'other' })],
  ['the answer of another provider (mix-up)', 'invalid', {}, () => back('https://evil.example')],
  [
    'an answer that hides its issuer',
    'invalid',
    {},
    () => new URLSearchParams({ code: 'c', state: 'state' }),
  ],
  [
    'a person who pressed Cancel',
    'denied',
    {},
    ({ issuer }) => new URLSearchParams({ error: 'access_denied', state: 'state', iss: issuer }),
  ],
  [
    'a code that was used before',
    'stale',
    { tokenAnswer: { status: 400, body: '{"error":"invalid_grant"}' } },
  ],
  ['our secret is wrong', 'client', { tokenAnswer: { status: 401, body: '{"error":"invalid_client"}' } }],
  ['markup as an error', 'denied', { tokenAnswer: { status: 400, body: '{"error":"<b>x</b>"}' } }],
  ['a page instead of JSON', 'invalid', { tokenAnswer: { status: 200, body: '<html>', type: 'text/html' } }],
];

for (const [what, why, lies, answer] of refused)
  test(`refused: ${what}`, async () => {
    const result = await finished(lies, answer);
    assert.is(result.kind, 'refused');
    if (result.kind === 'refused') {
      assert.is(result.why, why);
      assert.match(result.detail ?? 'none', /^\w+$/, 'no text of the provider');
    }
  });

test('a state that is not ours is refused before the code goes anywhere', async () => {
  const { asked } = await finished({}, ({ issuer }) => back(issuer, { state: 'other' }));
  assert.not.ok(asked.some(line => line.includes('/token')));
});

test('a clock that is half a minute off is no trouble', async () => {
  const { kind } = await finished({ claims: { exp: nowS() - 30, iat: nowS() - 90 } });
  assert.is(kind, 'person');
});

const unusable: readonly (readonly [what: string, metadata: Readonly<Record<string, unknown>>])[] = [
  ['names another issuer', { issuer: 'https://evil.example' }],
  ['leads browsers to another scheme', { authorization_endpoint: 'javascript:alert(1)' }],
  ['leads browsers into the clear', { authorization_endpoint: 'http://login.example/auth' }],
  ['ends sessions with a script', { end_session_endpoint: 'javascript:alert(1)' }],
  ['is of two megabytes', { more: 'x'.repeat(2_000_000) }],
];

for (const [what, metadata] of unusable)
  test(`no good: metadata that ${what}`, () =>
    withLiar({ metadata }, async ({ issuer }) => {
      const provider = providerOf(issuer);
      assert.is(await provider.begin(SECRETS).catch(faultCode), 'provider_invalid');
      assert.is(await provider.check().catch(faultCode), 'provider_invalid');
    }));

test('a provider that answers 503 or not at all is unreachable, and is asked again by the next sign-in', async () => {
  const answer = { status: 503, body: 'down', type: 'text/plain' };
  await withLiar({ tokenAnswer: answer }, async ({ issuer }) => {
    const result = providerOf(issuer).finish(back(issuer), SECRETS);
    assert.is(await result.catch(faultCode), 'provider_unreachable');
  });
  const provider = providerOf('http://127.0.0.1:1');
  assert.is(await provider.begin(SECRETS).catch(faultCode), 'provider_unreachable');
  assert.is(await provider.begin(SECRETS).catch(faultCode), 'provider_unreachable');
});

test('a crowd of strangers with invented codes does not make us ask without end', () =>
  withLiar({}, async ({ issuer }) => {
    const provider = providerOf(issuer);
    const ask = () => provider.finish(back(issuer), SECRETS).then(({ kind }) => kind, faultCode);
    const told = await Promise.all(Array.from({ length: 40 }, ask));
    assert.is(told.filter(kind => kind === 'provider_busy').length, 8);
    assert.is(await ask(), 'person', 'and afterwards all is as before');
  }));

test('what it publishes is asked once an hour', () =>
  withLiar({}, async ({ issuer, asked }) => {
    let nowMs = 0;
    const provider = providerOf(issuer, () => nowMs);
    const url = new URL(await provider.begin(SECRETS));
    assert.is(url.searchParams.get('code_challenge_method'), 'S256');
    assert.is.not(url.searchParams.get('code_challenge'), SECRETS.codeVerifier);
    assert.is(url.searchParams.get('redirect_uri'), `${ORIGIN}/sign-in/callback`);
    await Promise.all([provider.begin(SECRETS), provider.begin(SECRETS)]);
    assert.is(asked.length, 1);
    nowMs = 3_600_000;
    await provider.begin(SECRETS);
    assert.is(asked.length, 2);
    assert.is(await provider.endSessionUrl(), undefined, 'it offers none');
  }));

test.run();
