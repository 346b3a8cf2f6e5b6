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
    'The OpenID provider for signing in to the pages: exactly the issuer in its metadata. Needs OTA_OIDC_CLIENT_ID, OTA_OIDC_ROLES and OTA_OPERATOR_URL. The redirect URI is OTA_OPERATOR_URL/sign-in/callback.',
  ),
  OTA_OIDC_NAME: optional(
    v => (/^\S.{0,39}$/u.test(v.trim()) ? v.trim() : undefined),
    'a name of at most 40 characters',
    'The name of the provider on the sign-in button. Default: its host.',
  ),
  OTA_OIDC_CLIENT_ID: optional(text, 'a client id', 'The client id of this controller at the provider.'),
  OTA_OIDC_CLIENT_SECRET: secret(
    'The client secret for this client id. Without it the controller is a public client that only PKCE protects.',
  ),
  OTA_OIDC_SCOPES: setting(
    scopes,
    'openid profile',
    'scopes with spaces between them, openid among them',
    'The scopes to request. Some providers send groups only with an extra scope, such as groups.',
  ),
  OTA_OIDC_GROUPS_CLAIM: setting(
    text,
    'groups',
    'the name of a claim',
    'The claim with the groups of a person, in the ID token or from the user info endpoint. A name with dots is a path, such as realm_access.roles.',
  ),
  OTA_OIDC_ROLES: optional(
    roles,
    'ROLE=GROUP, several with semicolons; the roles are viewer, proposer and operator',
    'The role of each group. viewer: can look. proposer: can also open pull requests. operator: can do everything on the pages. The highest role of a person counts. People in none of the groups have no access.',
  ),
};
