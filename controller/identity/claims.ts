/** Makes a provider's claims about a person safe to store and show. Pure; every value is untrusted. */
import type { Person } from '../ports/index.ts';

const SUBJECT = /^[\x21-\x7e]{1,255}$/;
const NAME_CHARS = 100;
/** A group's name, or an LDAP distinguished name. */
const GROUP_CHARS = 512;
/** More groups than any provider puts into a token. */
const MOST_GROUPS = 10_000;

export type Claims = Readonly<Record<string, unknown>>;

/**
 * `groupsClaim` is the name of a claim. If no claim has this exact name, dots make it a path, as in Keycloak's
 * `realm_access.roles`. Undefined: there is no usable subject.
 */
export function personOf(claims: Claims, issuer: string, groupsClaim: string): Person | undefined {
  const { sub: subject } = claims;
  if (typeof subject !== 'string' || !SUBJECT.test(subject)) return undefined;
  return {
    issuer,
    subject,
    name: nameIn(claims.name) ?? nameIn(claims.preferred_username) ?? subject.slice(0, NAME_CHARS),
    groups: groupsIn(claims, groupsClaim) ?? [],
  };
}

/** Undefined: the claim does not exist. */
export function groupsIn(claims: Claims, groupsClaim: string): string[] | undefined {
  const value = claimAt(claims, groupsClaim);
  if (value === undefined || value === null) return undefined;
  const given: readonly unknown[] = Array.isArray(value) ? value.slice(0, MOST_GROUPS) : [value];
  return given.filter(
    (group): group is string => typeof group === 'string' && group !== '' && group.length <= GROUP_CHARS,
  );
}

function claimAt(claims: Claims, name: string): unknown {
  if (Object.hasOwn(claims, name)) return claims[name];
  return name
    .split('.')
    .reduce<unknown>((at, key) => (isRecord(at) && Object.hasOwn(at, key) ? at[key] : undefined), claims);
}

const isRecord = (value: unknown): value is Claims => typeof value === 'object' && value !== null;

/** One line, because it also goes into commit messages. Characters that break or reorder lines become spaces. */
function nameIn(value: unknown): string | undefined {
  if (typeof value !== 'string') return undefined;
  const line = value
    .slice(0, 4 * NAME_CHARS)
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu, ' ')
    .replace(/\s+/g, ' ')
    .trim();
  return line === '' ? undefined : Array.from(line).slice(0, NAME_CHARS).join('');
}
