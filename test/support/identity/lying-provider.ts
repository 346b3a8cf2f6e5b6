/** A provider on loopback that says whatever a test wants: for what no honest provider does. */
import { generateKeyPairSync, sign } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Lies {
  /** Over the metadata that an honest one publishes. */
  readonly metadata?: Readonly<Record<string, unknown>>;
  /** Over the claims of an honest ID token. */
  readonly claims?: Readonly<Record<string, unknown>>;
  /** The ID token as it is sent; default: signed with the published key. */
  readonly token?: (signed: string) => string;
  /** Instead of the answer of the token endpoint. */
  readonly tokenAnswer?: { readonly status: number; readonly body: string; readonly type?: string };
}

export interface Liar {
  readonly issuer: string;
  /** What was asked of it: method, path and body. */
  readonly asked: readonly string[];
}

export const LIAR_CLIENT = 'ota';

const KEYS = generateKeyPairSync('rsa', { modulusLength: 2048 });
const base64url = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

function signed(claims: unknown): string {
  const content = `${base64url({ alg: 'RS256', kid: 'k', typ: 'JWT' })}.${base64url(claims)}`;
  return `${content}.${sign('sha256', Buffer.from(content), KEYS.privateKey).toString('base64url')}`;
}

/** The nonce of the ID token is always `nonce`, unless `claims` says another. */
export async function withLiar(lies: Lies, use: (liar: Liar) => Promise<void>): Promise<void> {
  const asked: string[] = [];
  const server = createServer(async (req, res) => {
    let body = '';
    for await (const piece of req) body += String(piece);
    asked.push(`${req.method} ${req.url} ${body}`);
    const json = (status: number, value: string, type = 'application/json'): void =>
      void res.writeHead(status, { 'content-type': type }).end(value);
    if (req.url === '/.well-known/openid-configuration') return json(200, JSON.stringify(metadata()));
    if (req.url === '/jwks') {
      const jwk = { ...KEYS.publicKey.export({ format: 'jwk' }), kid: 'k', alg: 'RS256', use: 'sig' };
      return json(200, JSON.stringify({ keys: [jwk] }));
    }
    const { tokenAnswer } = lies;
    if (tokenAnswer !== undefined) return json(tokenAnswer.status, tokenAnswer.body, tokenAnswer.type);
    const honest = signed({ ...claims(), ...lies.claims });
    const id_token = lies.token?.(honest) ?? honest;
    json(200, JSON.stringify({ access_token: 'access', token_type: 'Bearer', id_token }));
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const metadata = () => ({
    issuer,
    authorization_endpoint: `${issuer}/auth`,
    token_endpoint: `${issuer}/token`,
    jwks_uri: `${issuer}/jwks`,
    response_types_supported: ['code'],
    id_token_signing_alg_values_supported: ['RS256'],
    authorization_response_iss_parameter_supported: true,
    ...lies.metadata,
  });
  const claims = () => {
    const nowS = Math.floor(Date.now() / 1000);
    return {
      iss: issuer,
      sub: 'ann',
      aud: LIAR_CLIENT,
      nonce: 'nonce',
      iat: nowS,
      exp: nowS + 300,
      groups: ['a'],
    };
  };
  try {
    await use({ issuer, asked });
  } finally {
    server.closeAllConnections();
    await new Promise(resolve => server.close(resolve));
  }
}
