/** Other services: FCM, GitHub and its webhook, the OpenID provider. */
import { timeText } from '../plan/words.ts';
import { failing, fine, type HealthCheck, type HealthFacts, off, warning } from './facts.ts';

const PUSH_CURES: Readonly<Record<string, string>> = {
  network_error: 'allow https to fcm.googleapis.com and oauth2.googleapis.com, or set a proxy',
  timeout: 'allow https to fcm.googleapis.com and oauth2.googleapis.com, or set a proxy',
  invalid_credential: 'make a new key of the service account and set OTA_FCM_CREDENTIALS to its file',
  registration_token_not_registered: 'FCM knows no such project: check project_id in OTA_FCM_CREDENTIALS',
  mismatched_credential:
    'the service account belongs to another project: use the one of the agent’s Firebase project',
};

export function pushOf({ push }: HealthFacts): HealthCheck {
  if (push.kind === 'off')
    return off(
      'push',
      'nudges are off; devices learn of updates by polling',
      'to nudge, set OTA_FCM_CREDENTIALS',
    );
  return push.kind === 'fine'
    ? fine('push', push.text)
    : failing(
        'push',
        `${push.text} [${push.code}]`,
        PUSH_CURES[push.code] ??
          'enable the Firebase Cloud Messaging API in the project and give the service account the role cloudmessaging.messages.create',
      );
}

const GITHUB_CURES: Readonly<Record<string, string>> = {
  github_unauthorized: 'OTA_GITHUB_TOKEN or the App’s key is wrong or expired: make a new one',
  github_not_found: 'check OTA_GITHUB_REPO, and that the token or App was given this repository',
  github_forbidden: 'give the token or App the permissions of docs/github.md',
  github_rate_limit: 'wait; if it happens again, give the controller its own token or App',
  github_secondary_limit: 'wait; if it happens again, give the controller its own token or App',
};

export function githubOf({ github }: HealthFacts): HealthCheck {
  if (github.kind === 'off')
    return off('github', 'nothing is reported on pull requests', 'to use them, set OTA_GITHUB_REPO');
  if (github.kind === 'failed')
    return failing(
      'github',
      `${github.text} [${github.code}]`,
      GITHUB_CURES[github.code] ??
        'check the network and https://www.githubstatus.com; effects wait in the outbox',
    );
  const missing = github.missing ?? [];
  return missing.length === 0
    ? fine('github', github.text)
    : failing(
        'github',
        `${github.text}, without ${missing.join(', ')}`,
        'give the token or App these permissions; docs/github.md says what each is for',
      );
}

export function webhookOf({ webhook, github }: HealthFacts): HealthCheck {
  const { isSet, takenAtMs, refusedAtMs } = webhook;
  if (!isSet)
    return off(
      'webhook',
      'not set up: merges are noticed by polling',
      github.kind === 'off' ? undefined : 'to hear of a merge at once, set OTA_GITHUB_WEBHOOK_SECRET',
    );
  if (refusedAtMs !== undefined && refusedAtMs > (takenAtMs ?? 0))
    return failing(
      'webhook',
      `the newest delivery, at ${timeText(refusedAtMs)}, had a wrong signature`,
      'OTA_GITHUB_WEBHOOK_SECRET and the secret of the webhook must be the same',
    );
  return takenAtMs === undefined
    ? warning(
        'webhook',
        'no delivery has come yet',
        'let GitHub send to /v1/webhooks/github; the webhook’s recent deliveries on GitHub show why one failed',
      )
    : fine('webhook', `the newest delivery came at ${timeText(takenAtMs)}`);
}

export function objectStoreOf({ objectStore }: HealthFacts): HealthCheck {
  if (objectStore.kind === 'off') return off('object_store', 'APKs are stored in a folder on disk');
  if (objectStore.kind === 'fine') return fine('object_store', objectStore.text);
  return failing(
    'object_store',
    `${objectStore.text} [${objectStore.code}]`,
    'until it is back, devices are served from copies on this host; uploads and APKs without a copy wait',
  );
}

export function signInOf({ signIn }: HealthFacts): HealthCheck {
  if (signIn.kind === 'off')
    return off(
      'sign_in',
      'people sign in with operators’ tokens',
      'to use your own accounts, set OTA_OIDC_ISSUER',
    );
  if (signIn.kind === 'fine') return fine('sign_in', signIn.text);
  return failing(
    'sign_in',
    `${signIn.text} [${signIn.code}]`,
    signIn.code === 'provider_invalid'
      ? 'OTA_OIDC_ISSUER must be the issuer exactly as the provider’s /.well-known/openid-configuration names it'
      : 'check the network to OTA_OIDC_ISSUER; until it answers, sign in with an operator’s token',
  );
}
