/** A real OpenID provider on loopback: whatever login is typed signs in as the account of that name. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import Provider from 'oidc-provider';

export interface Account {
  readonly name?: unknown;
  readonly groups?: unknown;
}

export interface OpenId {
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret: string;
  /** Ends it; `start` at the same address again. */
  stop(): Promise<void>;
  start(): Promise<void>;
}

const CLIENT = { clientId: 'ota', clientSecret: 'a secret of forty characters for our tests' };

/** `origin`: where the pages are. `accounts` by subject. */
export async function withOpenId(
  origin: string,
  accounts: Readonly<Record<string, Account>>,
  use: (openId: OpenId) => Promise<void>,
  more: { readonly userInfoOnly?: boolean } = {},
): Promise<void> {
  let server = createServer();
  await listening(server, 0);
  const { port } = server.address() as AddressInfo;
  const issuer = `http://127.0.0.1:${port}`;
  const provider = providerAt(issuer, origin, accounts, more.userInfoOnly === true);
  const handle = provider.callback();
  server.on('request', (req, res) => void handle(req, res));
  const stop = async (): Promise<void> => {
    server.closeAllConnections();
    await new Promise<unknown>(resolve => server.close(resolve));
  };
  try {
    await use({
      issuer,
      ...CLIENT,
      stop,
      start: async () => {
        server = createServer((req, res) => void handle(req, res));
        await listening(server, port);
      },
    });
  } finally {
    await stop();
  }
}

const listening = (server: Server, port: number): Promise<unknown> =>
  new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => resolve(undefined));
  });

function providerAt(
  issuer: string,
  origin: string,
  accounts: Readonly<Record<string, Account>>,
  userInfoOnly: boolean,
): Provider {
  return new Provider(issuer, {
    clients: [
      {
        client_id: CLIENT.clientId,
        client_secret: CLIENT.clientSecret,
        redirect_uris: [`${origin}/sign-in/callback`],
        post_logout_redirect_uris: [`${origin}/sign-in`],
      },
    ],
    scopes: ['openid', 'profile'],
    claims: { openid: ['sub'], profile: ['name', 'groups'] },
    conformIdTokenClaims: userInfoOnly,
    features: { devInteractions: { enabled: true } },
    cookies: { keys: ['signs the cookies of the provider'] },
    findAccount: (_ctx, id) => {
      const account = accounts[id];
      return account && { accountId: id, claims: async () => ({ sub: id, ...account }) };
    },
    // Nobody is asked whether the controller may know who they are.
    loadExistingGrant: async ctx => {
      const { oidc } = ctx;
      const grant = new oidc.provider.Grant({
        clientId: oidc.client?.clientId ?? '',
        accountId: oidc.session?.accountId ?? '',
      });
      grant.addOIDCScope('openid profile');
      await grant.save();
      return grant;
    },
  });
}
