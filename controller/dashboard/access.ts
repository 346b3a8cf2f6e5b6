/** Who is signed in, and whether a form came from one of our own pages. */
import { createHash, timingSafeEqual } from 'node:crypto';
import { HOUR_MS } from '../domain/duration.ts';
import type { Sha256 } from '../domain/ids.ts';
import type { Ability, AdminToken, PageRequest, Session, Viewer } from '../ports/index.ts';
import type { DashboardOptions } from './options.ts';

export const SESSION_MS = 8 * HOUR_MS;

export interface SignedIn {
  readonly id: string;
  readonly session: Session;
}

export interface Access {
  /** Undefined: nobody, or the token that the session stands on is not good any more. */
  of(request: PageRequest): Promise<SignedIn | undefined>;
  /** Begins a session; the value of `Set-Cookie`. */
  begin(token: AdminToken, sha256: Sha256): Promise<string>;
  /** The value of `Set-Cookie` that forgets. */
  end(request: PageRequest): Promise<string>;
  /** Why a POST is not taken; undefined for one from our own pages. */
  foreign(request: PageRequest, session: Session | undefined): 'origin' | 'form_token' | undefined;
}

/** `read` is needed to look at all. */
export const mayLook = ({ scopes }: AdminToken): boolean =>
  scopes.includes('read') || scopes.includes('admin');

function viewerOf({ name, scopes }: AdminToken, sha256: Sha256): Viewer {
  const all: readonly Ability[] = ['brake', 'propose', 'devices', 'admin'];
  const some = all.filter(ability => scopes.some(scope => scope === ability));
  return {
    name,
    actor: `admin:${name}`,
    may: new Set(scopes.includes('admin') ? all : some),
    tokenSha256: sha256,
  };
}

/** The store keeps this and never the id: who reads the database cannot act as anybody. */
const hashOf = (id: string): Sha256 => createHash('sha256').update(id).digest('hex') as Sha256;

function equal(given: string, wanted: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(wanted)];
  return a.length === b.length && timingSafeEqual(a, b);
}

export function makeAccess(options: DashboardOptions): Access {
  const { ports, nowMs, randomBytes, secure } = options;
  const { sessions, admins } = ports;
  // `__Host-`: no other host, path or plain http can set or read it.
  const name = secure ? '__Host-ota-session' : 'ota-session';
  const flags = `Path=/; HttpOnly; SameSite=Lax${secure ? '; Secure' : ''}`;

  const isGood = (sha256: Sha256): boolean => {
    const token = admins.find(sha256);
    return (
      token !== undefined && token.revokedAtMs === undefined && token.expiresAtMs > nowMs() && mayLook(token)
    );
  };

  /** A proxy may have changed Host; then the operator's URL must be set. */
  const ownOrigin = (request: PageRequest): string =>
    options.origin ?? `${secure ? 'https' : 'http'}://${request.header('host') ?? ''}`;

  return {
    of: async request => {
      const id = request.cookies.get(name);
      if (id === undefined || id.length > 128) return undefined;
      const session = await sessions.find(hashOf(id));
      if (session === undefined) return undefined;
      if (isGood(session.viewer.tokenSha256)) return { id, session };
      await sessions.end(hashOf(id));
      return undefined;
    },
    begin: async (token, sha256) => {
      const expiresAtMs = Math.min(nowMs() + SESSION_MS, token.expiresAtMs);
      const formToken = randomBytes(24).toString('base64url');
      const id = randomBytes(32).toString('base64url');
      await sessions.begin(hashOf(id), { viewer: viewerOf(token, sha256), formToken, expiresAtMs });
      return `${name}=${id}; Max-Age=${Math.floor((expiresAtMs - nowMs()) / 1000)}; ${flags}`;
    },
    end: async request => {
      const id = request.cookies.get(name);
      if (id !== undefined) await sessions.end(hashOf(id));
      return `${name}=; Max-Age=0; ${flags}`;
    },
    foreign: (request, session) => {
      const origin = request.header('origin');
      const ours =
        origin === undefined
          ? request.header('sec-fetch-site') === 'same-origin'
          : origin === ownOrigin(request);
      if (!ours) return 'origin';
      if (session === undefined) return undefined;
      return equal(request.form.get('form_token') ?? '', session.formToken) ? undefined : 'form_token';
    },
  };
}
