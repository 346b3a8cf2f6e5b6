/** Checks who is signed in, and that a form came from our own pages. */
import { createHash, timingSafeEqual } from 'node:crypto';
import { HOUR_MS } from '../domain/duration.ts';
import type { Sha256 } from '../domain/ids.ts';
import type { AdminToken, KeptSession, PageRequest, Person, SessionBasis } from '../ports/index.ts';
import type { DashboardOptions } from './options.ts';
import { mayLook, type Session, type Viewer, viewerOfPerson, viewerOfToken } from './session.ts';

const SESSION_MS = 8 * HOUR_MS;

interface SignedIn {
  readonly session: Session;
}

export interface Access {
  /** Undefined if nobody is signed in, or the token or role behind the session is no longer valid. */
  of(request: PageRequest): Promise<SignedIn | undefined>;
  /** Begins a session with a new id and ends this browser's old one; returns the value of `Set-Cookie`. */
  begin(request: PageRequest, token: AdminToken, sha256: Sha256): Promise<string>;
  /** The same for a person; `groups`: only those with a role. */
  beginPerson(request: PageRequest, person: Person, groups: readonly string[]): Promise<string>;
  /** The value of `Set-Cookie` that deletes the cookie. */
  end(request: PageRequest): Promise<string>;
  /** Why a POST is rejected; undefined if it comes from our own pages. */
  foreign(request: PageRequest, session: Session | undefined): 'origin' | 'form_token' | undefined;
}

/** The store keeps only this hash, so nobody can use a session id from the database. */
const hashOf = (id: string): Sha256 => createHash('sha256').update(id).digest('hex') as Sha256;

function equal(given: string, wanted: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(wanted)];
  return a.length === b.length && timingSafeEqual(a, b);
}

export function makeAccess(options: DashboardOptions): Access {
  const { ports, nowMs, randomBytes, secure, people } = options;
  const { sessions, admins } = ports;
  // `__Host-`: other hosts, other paths and plain http can neither set nor read it.
  const name = secure ? '__Host-ota-session' : 'ota-session';
  const flags = `Path=/; HttpOnly; SameSite=Lax${secure ? '; Secure' : ''}`;

  function viewerOf(session: KeptSession): Viewer | undefined {
    const { basis } = session;
    if (basis.kind === 'person')
      return people && viewerOfPerson(session, people.provider.issuer, people.roleByGroup);
    const token = admins.find(basis.sha256);
    if (token === undefined || token.revokedAtMs !== undefined || token.expiresAtMs <= nowMs())
      return undefined;
    return mayLook(token) ? viewerOfToken(token) : undefined;
  }

  const idIn = (request: PageRequest): string | undefined => {
    const id = request.cookies.get(name);
    return id !== undefined && id.length <= 128 ? id : undefined;
  };

  async function endOf(request: PageRequest): Promise<void> {
    const id = idIn(request);
    if (id !== undefined) await sessions.end(hashOf(id));
  }

  async function begin(
    request: PageRequest,
    who: { readonly name: string; readonly basis: SessionBasis; readonly untilMs: number },
  ): Promise<string> {
    await endOf(request);
    const expiresAtMs = Math.min(nowMs() + SESSION_MS, who.untilMs);
    const formToken = randomBytes(24).toString('base64url');
    const id = randomBytes(32).toString('base64url');
    await sessions.begin(hashOf(id), { name: who.name, basis: who.basis, formToken, expiresAtMs });
    return `${name}=${id}; Max-Age=${Math.floor((expiresAtMs - nowMs()) / 1000)}; ${flags}`;
  }

  /** If a proxy changes Host, the operator must set the public URL. */
  const ownOrigin = (request: PageRequest): string =>
    options.origin ?? `${secure ? 'https' : 'http'}://${request.header('host') ?? ''}`;

  return {
    of: async request => {
      const id = idIn(request);
      const kept = id === undefined ? undefined : await sessions.find(hashOf(id));
      if (kept === undefined) return undefined;
      const viewer = viewerOf(kept);
      if (viewer === undefined) {
        await endOf(request);
        return undefined;
      }
      return { session: { viewer, formToken: kept.formToken } };
    },
    begin: (request, token, sha256) =>
      begin(request, {
        name: token.name,
        basis: { kind: 'token', sha256 },
        untilMs: token.expiresAtMs,
      }),
    beginPerson: (request, { issuer, subject, name: shown }, groups) =>
      begin(request, {
        name: shown,
        basis: { kind: 'person', issuer, subject, groups },
        untilMs: Number.POSITIVE_INFINITY,
      }),
    end: async request => {
      await endOf(request);
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
