/** The OpenID provider, if one is configured. */
import { makeProvider } from '../identity/provider.ts';
import type { IdentityProvider } from '../ports/index.ts';
import type { Foundation } from './foundation.ts';

export function providerOf({
  settings,
  nowMs,
}: Pick<Foundation, 'settings' | 'nowMs'>): IdentityProvider | undefined {
  const { OTA_OIDC_ISSUER: issuer, OTA_OIDC_CLIENT_ID: clientId, OTA_OPERATOR_URL: url } = settings;
  if (issuer === undefined || clientId === undefined || url === undefined) return undefined;
  return makeProvider({
    issuer,
    name: settings.OTA_OIDC_NAME,
    clientId,
    clientSecret: settings.OTA_OIDC_CLIENT_SECRET?.reveal(),
    scopes: settings.OTA_OIDC_SCOPES,
    groupsClaim: settings.OTA_OIDC_GROUPS_CLAIM,
    origin: new URL(url).origin,
    nowMs,
  });
}
