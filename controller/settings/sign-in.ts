/** Settings of the OpenID provider at which people sign in. */
import { ROLES, type Role } from '../domain/role.ts';
import { optional, type Parse, secret, setting, text, url } from './spec.ts';

/** Kept exactly as written: a provider's own name may end in `/` and must match to the character. */
const issuer: Parse<string> = value => (url(value.trim()) === undefined ? undefined : value.trim());

/** `operator=on-call; proposer=mobile; viewer=cn=staff,ou=groups`: roles by the name of a group. */
const roles: Parse<ReadonlyMap<string, Role>> = value => {
  const found = new Map<string, Role>();
  for (const part of value.split(';').map(p => p.trim())) {
    if (part === '') continue;
    const [, name, group] = /^(\w+)\s*=\s*(.{1,512})$/u.exec(part) ?? [];
    const role = ROLES.find(r => r === name);
    if (role === undefined || group === undefined || found.has(group)) return undefined;
    found.set(group, role);
  }
  return found.size === 0 ? undefined : found;
};

/** Scopes are words separated by spaces (RFC 6749 §3.3). */
const scopes: Parse<string> = value => {
  const words = value.trim().split(/\s+/);
  const good =
    words.includes('openid') && words.every(word => /^[\x21\x23-\x5b\x5d-\x7e]{1,100}$/.test(word));
  return good ? words.join(' ') : undefined;
};

export const SIGN_IN_SETTINGS = {
  OTA_OIDC_ISSUER: optional(
    issuer,
    'an https URL without query',
    'The OpenID provider at which people sign in to the pages, exactly as it calls itself. Needs OTA_OIDC_CLIENT_ID, OTA_OIDC_ROLES and OTA_OPERATOR_URL; its redirect URI is OTA_OPERATOR_URL/sign-in/callback.',
  ),
  OTA_OIDC_NAME: optional(
    v => (/^\S.{0,39}$/u.test(v.trim()) ? v.trim() : undefined),
    'a name of at most 40 characters',
    'What people call the provider, on the button of the sign-in page. Default: its host.',
  ),
  OTA_OIDC_CLIENT_ID: optional(text, 'a client id', 'The client id that the provider gave this controller.'),
  OTA_OIDC_CLIENT_SECRET: secret(
    'The client secret that goes with it. Without one the controller is a public client, which PKCE alone protects.',
  ),
  OTA_OIDC_SCOPES: setting(
    scopes,
    'openid profile',
    'scopes with spaces between them, openid among them',
    'What the provider is asked for. Some name groups only with a scope of their own, like groups.',
  ),
  OTA_OIDC_GROUPS_CLAIM: setting(
    text,
    'groups',
    'the name of a claim',
    'The claim that names the groups of a person, in the ID token or at the user info endpoint; a name with dots is a path, like realm_access.roles.',
  ),
  OTA_OIDC_ROLES: optional(
    roles,
    'ROLE=GROUP, several with semicolons; the roles are viewer, proposer and operator',
    'What the members of a group may do: viewer looks, proposer also opens pull requests, operator does all. The highest role counts; whoever is in none of the groups has no access.',
  ),
};
