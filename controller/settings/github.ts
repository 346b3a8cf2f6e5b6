/** Settings for GitHub. */
import { logins, optional, secret, setting, url, whole } from './spec.ts';

export const GITHUB_SETTINGS = {
  OTA_GITHUB_REPO: optional(
    v => (/^[\w.-]{1,100}\/[\w.-]{1,100}$/.test(v) ? v : undefined),
    'owner/name',
    'The GitHub repository whose pull requests show plans, approvals and progress. Without it GitHub is not used.',
  ),
  OTA_GITHUB_URL: setting(
    url,
    'https://api.github.com',
    'an http(s) URL',
    'The base URL of the GitHub API. For GitHub Enterprise it ends in /api/v3.',
  ),
  OTA_GITHUB_TOKEN: secret(
    'A token that can write contents, pull requests, commit statuses and deployments.',
  ),
  OTA_GITHUB_APP_ID: optional(whole(1, 1e12), 'a number', 'The id of a GitHub App, used instead of a token.'),
  OTA_GITHUB_APP_INSTALLATION: optional(whole(1, 1e12), 'a number', 'The installation id of the GitHub App.'),
  OTA_GITHUB_APP_KEY: secret('The private key (PEM) of the GitHub App.'),
  OTA_GITHUB_LOGINS: setting(
    logins,
    new Map(),
    'NAME=LOGIN or person:SUBJECT=LOGIN, several with commas',
    'The GitHub logins of operators (by the name of their token) and of people (by their subject in the audit trail). Whoever opened a pull request from a page cannot approve it. Without a login here, such a pull request needs one more approval.',
  ),
  OTA_GITHUB_WEBHOOK_SECRET: secret('The secret of the webhook. Without it the webhook route answers 503.'),
};
