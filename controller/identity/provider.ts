/**
 * An OpenID provider through openid-client: authorization code with PKCE, state and nonce. It is contacted when a person
 * signs in, never at the start of the controller. Its tokens are not stored.
 */
import type { ClientAuth, Configuration } from 'openid-client';
import { HOUR_MS } from '../domain/duration.ts';
import { Fault } from '../domain/fault.ts';
import { isPrivateUrl } from '../domain/loopback.ts';
import type { IdentityProvider, SignInResult, SignInSecrets } from '../ports/index.ts';
import { boundedFetch } from './bounded-fetch.ts';
import { type Claims, groupsIn, personOf } from './claims.ts';
import { metadataFault, refusalOf } from './refusal.ts';

type OpenId = typeof import('openid-client');

interface ProviderOptions {
  readonly issuer: string;
  /** Display name; undefined: its host is shown. */
  readonly name: string | undefined;
  readonly clientId: string;
  /** Undefined for a public client, protected by PKCE alone. */
  readonly clientSecret: string | undefined;
  /** Separated by spaces; must contain `openid`. */
  readonly scopes: string;
  /** The claim with a person's groups. */
  readonly groupsClaim: string;
  /** `https://ota.example`: the address of the pages for browsers. */
  readonly origin: string;
  readonly nowMs: () => number;
}

const CALLBACK_PATH = '/sign-in/callback';

const TIMEOUT_S = 10;
/** Tolerance for the provider's clock. */
const CLOCK_TOLERANCE_S = 60;
/** How long the provider's metadata is cached. */
const METADATA_MS = HOUR_MS;
/** Anybody can make us contact the provider, so this limits parallel requests. */
const MOST_AT_ONCE = 32;

export function makeProvider(options: ProviderOptions): IdentityProvider {
  const { issuer, scopes, groupsClaim, nowMs } = options;
  const redirectUri = `${options.origin}${CALLBACK_PATH}`;
  let known: { readonly atMs: number; readonly config: Promise<Configuration> } | undefined;
  let asking = 0;

  /** One shared request for all waiting sign-ins. A failure is not cached, so the next sign-in tries again. */
  function configured(): Promise<Configuration> {
    if (known !== undefined && Math.abs(nowMs() - known.atMs) < METADATA_MS) return known.config;
    const config = discover(options);
    const asked = { atMs: nowMs(), config };
    known = asked;
    config.catch(() => {
      if (known === asked) known = undefined;
    });
    return config;
  }

  async function finish(answer: URLSearchParams, secrets: SignInSecrets): Promise<SignInResult> {
    const config = await configured();
    const { authorizationCodeGrant } = await import('openid-client');
    try {
      const tokens = await authorizationCodeGrant(config, new URL(`?${answer}`, redirectUri), {
        pkceCodeVerifier: secrets.codeVerifier,
        expectedState: secrets.state,
        expectedNonce: secrets.nonce,
        idTokenExpected: true,
      });
      const claims: Claims = { ...tokens.claims() };
      const all =
        groupsIn(claims, groupsClaim) === undefined
          ? await withUserInfo(config, tokens.access_token, claims)
          : claims;
      const person = personOf(all, issuer, groupsClaim);
      return person === undefined
        ? { kind: 'refused', why: 'invalid', detail: 'subject' }
        : { kind: 'person', person };
    } catch (error) {
      return refusalOf(error, options.issuer);
    }
  }

  return {
    issuer,
    name: options.name ?? new URL(issuer).host,
    begin: async ({ state, nonce, codeVerifier }) => {
      const config = await configured();
      const { buildAuthorizationUrl, calculatePKCECodeChallenge } = await import('openid-client');
      const url = buildAuthorizationUrl(config, {
        redirect_uri: redirectUri,
        scope: scopes,
        state,
        nonce,
        code_challenge: await calculatePKCECodeChallenge(codeVerifier),
        code_challenge_method: 'S256',
      });
      return url.href;
    },
    finish: async (answer, secrets) => {
      if (asking >= MOST_AT_ONCE)
        throw new Fault('provider_busy', 'too many people sign in at this moment', { retry: 'backoff' });
      asking += 1;
      try {
        return await finish(answer, secrets);
      } finally {
        asking -= 1;
      }
    },
    check: async () => {
      const config = await discover(options);
      known = { atMs: nowMs(), config: Promise.resolve(config) };
    },
    endSessionUrl: async () => {
      const config = await configured();
      if (config.serverMetadata().end_session_endpoint === undefined) return undefined;
      const { buildEndSessionUrl } = await import('openid-client');
      return buildEndSessionUrl(config, { post_logout_redirect_uri: `${options.origin}/sign-in` }).href;
    },
  };
}

async function discover({ issuer, clientId, clientSecret }: ProviderOptions): Promise<Configuration> {
  const client = await import('openid-client');
  const server = new URL(issuer);
  const found = await client
    .discovery(
      server,
      clientId,
      { [client.clockTolerance]: CLOCK_TOLERANCE_S },
      clientSecret === undefined ? client.None() : secretAuth(client, clientSecret),
      {
        timeout: TIMEOUT_S,
        [client.customFetch]: boundedFetch,
        execute: [
          // Also verifies the signature, although the token comes over TLS: a proxy may intercept TLS.
          client.enableNonRepudiationChecks,
          // Settings reject plain http except for loopback.
          ...(server.protocol === 'http:' ? [client.allowInsecureRequests] : []),
        ],
      },
    )
    .catch(error => {
      throw metadataFault(issuer, error);
    });
  const { authorization_endpoint, token_endpoint, end_session_endpoint } = found.serverMetadata();
  // Browsers are redirected to these, so other schemes and plain http are rejected.
  const endpoints = [authorization_endpoint, token_endpoint, end_session_endpoint ?? issuer];
  if (!endpoints.every(url => url !== undefined && URL.canParse(url) && isPrivateUrl(new URL(url))))
    throw new Fault('provider_invalid', `${server.host} publishes no usable endpoints`, { retry: 'backoff' });
  return found;
}

/** The client authentication that the provider supports; the default is the header (OpenID Connect Discovery 1.0 §3). */
function secretAuth(
  { ClientSecretBasic, ClientSecretPost }: Pick<OpenId, 'ClientSecretBasic' | 'ClientSecretPost'>,
  secret: string,
): ClientAuth {
  const [inHeader, inBody] = [ClientSecretBasic(secret), ClientSecretPost(secret)];
  return (server, ...rest) => {
    const taken = server.token_endpoint_auth_methods_supported ?? ['client_secret_basic'];
    const auth = taken.includes('client_secret_basic') ? inHeader : inBody;
    return auth(server, ...rest);
  };
}

/** Many providers return groups only from their user info endpoint. Its subject must match the token's. */
async function withUserInfo(config: Configuration, accessToken: string, claims: Claims): Promise<Claims> {
  if (config.serverMetadata().userinfo_endpoint === undefined || typeof claims.sub !== 'string')
    return claims;
  const { fetchUserInfo } = await import('openid-client');
  return { ...(await fetchUserInfo(config, accessToken, claims.sub)), ...claims };
}
