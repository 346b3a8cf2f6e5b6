/** One sign-in at the provider, bound to a browser by a short-lived cookie; nothing is stored on the server. */
import type { PageRequest, SignInSecrets } from '../ports/index.ts';
import type { DashboardOptions } from './options.ts';
import { ownPath } from './sign-in-view.ts';

/** How long a person may take at the provider. */
const FLOW_MS = 600_000;

interface Flow {
  readonly secrets: SignInSecrets;
  /** The path on our pages that the person wanted. */
  readonly next: string;
}

interface Flows {
  /** New secrets, and the value of `Set-Cookie` that contains them. */
  begin(next: string): { readonly flow: Flow; readonly cookie: string };
  /** Undefined if this browser began no sign-in, or too long ago. */
  of(request: PageRequest): Flow | undefined;
  /** The value of `Set-Cookie` that deletes it: each is used once. */
  readonly over: string;
}

const SECRET = /^[A-Za-z0-9_-]{43}$/;

export function makeFlows({
  nowMs,
  randomBytes,
  secure,
}: Pick<DashboardOptions, 'nowMs' | 'randomBytes' | 'secure'>): Flows {
  const name = secure ? '__Host-ota-sign-in' : 'ota-sign-in';
  // Lax: the browser returns from the provider by a link, and Strict would not send the cookie then.
  const flags = `Path=/; HttpOnly; SameSite=Lax${secure ? '; Secure' : ''}`;
  const secret = (): string => randomBytes(32).toString('base64url');

  return {
    begin: next => {
      const flow = { secrets: { state: secret(), nonce: secret(), codeVerifier: secret() }, next };
      const { state, nonce, codeVerifier } = flow.secrets;
      const path = Buffer.from(next).toString('base64url');
      const value = [state, nonce, codeVerifier, nowMs() + FLOW_MS, path].join('.');
      return { flow, cookie: `${name}=${value}; Max-Age=${FLOW_MS / 1000}; ${flags}` };
    },
    of: request => {
      const [state, nonce, codeVerifier, untilMs, path] = (request.cookies.get(name) ?? '').split('.');
      const leftMs = Number(untilMs) - nowMs();
      if (!(leftMs > 0 && leftMs <= FLOW_MS)) return undefined;
      if (!isSecret(state) || !isSecret(nonce) || !isSecret(codeVerifier)) return undefined;
      const next = ownPath(Buffer.from(path ?? '', 'base64url').toString());
      return { secrets: { state, nonce, codeVerifier }, next };
    },
    over: `${name}=; Max-Age=0; ${flags}`,
  };
}

const isSecret = (text: string | undefined): text is string => text !== undefined && SECRET.test(text);
