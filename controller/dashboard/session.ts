/** The viewer and their permissions, from the token or person behind the session. Pure. */
import { actorOfPerson } from '../domain/actor.ts';
import { type Role, roleOf } from '../domain/role.ts';
import type { AdminToken, KeptSession } from '../ports/index.ts';

/** What a person may do beyond looking. */
export type Ability = 'brake' | 'propose' | 'devices' | 'admin';

export interface Viewer {
  /** Name on the pages. */
  readonly name: string;
  /** Name in the audit: `admin:<token name>`, or `person:<subject> (<name>)`. */
  readonly actor: string;
  readonly role: Role;
  readonly may: ReadonlySet<Ability>;
  /** True if signed in at the OpenID provider. */
  readonly byProvider: boolean;
}

export interface Session {
  readonly viewer: Viewer;
  /** Sent with each form, so that no other site can act in a person's name. */
  readonly formToken: string;
}

const ALL: readonly Ability[] = ['brake', 'propose', 'devices', 'admin'];

const MAY: Readonly<Record<Role, readonly Ability[]>> = {
  viewer: [],
  proposer: ['propose'],
  operator: ALL,
};

/** The lowest role with this permission, for the message to people who lack it. */
export const roleFor = (ability: Ability): Role => (ability === 'propose' ? 'proposer' : 'operator');

/** Looking requires the scope `read`. */
export const mayLook = ({ scopes }: AdminToken): boolean =>
  scopes.includes('read') || scopes.includes('admin');

/** A token's scopes decide its permissions; its role is only a name for the pages. */
export function viewerOfToken({ name, scopes }: AdminToken): Viewer {
  const may = scopes.includes('admin') ? ALL : ALL.filter(a => scopes.some(scope => scope === a));
  const onlyProposes = may.every(ability => ability === 'propose');
  const role = may.length === 0 ? 'viewer' : onlyProposes ? 'proposer' : 'operator';
  return { name, actor: `admin:${name}`, role, may: new Set(may), byProvider: false };
}

/** Uses the present role settings; undefined if none of the person's groups has a role. */
export function viewerOfPerson(
  { name, basis }: KeptSession,
  issuer: string,
  roleByGroup: ReadonlyMap<string, Role>,
): Viewer | undefined {
  if (basis.kind !== 'person' || basis.issuer !== issuer) return undefined;
  const role = roleOf(basis.groups, roleByGroup);
  if (role === undefined) return undefined;
  const actor = actorOfPerson(basis.subject, name);
  return { name, actor, role, may: new Set(MAY[role]), byProvider: true };
}
