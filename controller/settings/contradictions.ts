/**
 * Finds mistakes in settings whose texts are each valid: contradictions between settings, and values that cannot work.
 */
import { isPrivateUrl } from '../domain/loopback.ts';
import { wrongDatabaseUrl } from './database-url.ts';
import type { Settings } from './settings.ts';

const WILDCARDS = ['0.0.0.0', '::'];

/** Download URLs are built from OTA_PUBLIC_URL. If agents refuse that URL, all updates stop without any error. */
function* wrongPublicUrl(s: Settings): Generator<string> {
  if (s.OTA_PUBLIC_URL === undefined) {
    if (s.OTA_TRUSTED_PROXY)
      yield 'OTA_PUBLIC_URL: required with OTA_TRUSTED_PROXY: set the URL at which devices reach the proxy';
    else if (s.OTA_TLS_CERT !== undefined && WILDCARDS.includes(s.OTA_HOST))
      yield `OTA_PUBLIC_URL: required when OTA_HOST is ${s.OTA_HOST}: devices cannot reach that address`;
    return;
  }
  if (!isPrivateUrl(new URL(s.OTA_PUBLIC_URL)))
    yield 'OTA_PUBLIC_URL: must be https: agents accept plain http from loopback only';
}

function* wrongDatabase(s: Settings): Generator<string> {
  const wrong = s.OTA_DATABASE === undefined ? undefined : wrongDatabaseUrl(s.OTA_DATABASE.reveal());
  if (wrong !== undefined) yield `OTA_DATABASE: ${wrong}`;
}

function* wrongRedirect(s: Settings): Generator<string> {
  if (!s.OTA_ARTIFACT_REDIRECT) return;
  if (s.OTA_ARTIFACTS?.kind !== 'bucket')
    yield 'OTA_ARTIFACT_REDIRECT: requires OTA_ARTIFACTS to name a bucket';
  else if (s.OTA_ARTIFACTS_ENDPOINT !== undefined && !isPrivateUrl(new URL(s.OTA_ARTIFACTS_ENDPOINT)))
    yield 'OTA_ARTIFACT_REDIRECT: requires OTA_ARTIFACTS_ENDPOINT to be https: agents accept plain http from loopback only';
}

/** The provider sends people back to a URL that it knows. That URL must come from settings, never from `Host`. */
function* wrongProvider(s: Settings): Generator<string> {
  const set = [s.OTA_OIDC_ISSUER, s.OTA_OIDC_CLIENT_ID, s.OTA_OIDC_ROLES].filter(v => v !== undefined).length;
  if (set !== 0 && set !== 3)
    yield 'OTA_OIDC_ISSUER, OTA_OIDC_CLIENT_ID and OTA_OIDC_ROLES: set all three or none';
  if (set === 0 && s.OTA_OIDC_CLIENT_SECRET !== undefined)
    yield 'OTA_OIDC_CLIENT_SECRET: requires OTA_OIDC_ISSUER';
  if (s.OTA_OIDC_ISSUER === undefined) return;
  if (!isPrivateUrl(new URL(s.OTA_OIDC_ISSUER)))
    yield 'OTA_OIDC_ISSUER: must be https: plain http is taken from loopback only';
  if (s.OTA_OPERATOR_URL === undefined)
    yield 'OTA_OPERATOR_URL: required with OTA_OIDC_ISSUER: set the URL at which people reach the pages';
  else if (!isPrivateUrl(new URL(s.OTA_OPERATOR_URL)))
    yield 'OTA_OPERATOR_URL: must be https with OTA_OIDC_ISSUER, or http on loopback';
}

export function contradictions(s: Settings): string[] {
  const out: string[] = [...wrongPublicUrl(s), ...wrongDatabase(s), ...wrongRedirect(s), ...wrongProvider(s)];
  if ((s.OTA_TLS_CERT === undefined) !== (s.OTA_TLS_KEY === undefined))
    out.push('OTA_TLS_CERT and OTA_TLS_KEY: set both or neither');
  const app = [s.OTA_GITHUB_APP_ID, s.OTA_GITHUB_APP_INSTALLATION, s.OTA_GITHUB_APP_KEY].filter(
    v => v !== undefined,
  ).length;
  if (app !== 0 && app !== 3)
    out.push('OTA_GITHUB_APP_ID, OTA_GITHUB_APP_INSTALLATION and OTA_GITHUB_APP_KEY: set all three or none');
  if (app === 3 && s.OTA_GITHUB_TOKEN !== undefined)
    out.push('OTA_GITHUB_TOKEN and OTA_GITHUB_APP_ID: set one of them, not both');
  if (s.OTA_GITHUB_REPO !== undefined && app === 0 && s.OTA_GITHUB_TOKEN === undefined)
    out.push('OTA_GITHUB_REPO: requires OTA_GITHUB_TOKEN or a GitHub App');
  return out;
}
