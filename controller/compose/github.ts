/** Wires the GitHub console, separately because all of it is optional. */

import type { Snapshot } from '../domain/decision.ts';
import type { Observe } from '../domain/event.ts';
import { Fault } from '../domain/fault.ts';
import { brakeRow } from '../github/brake-pull.ts';
import { type GitHubAuth, makeGitHub } from '../github/client.ts';
import { type GitHubConsole, makeConsole } from '../github/console.ts';
import type { JudgeTree } from '../github/pulls.ts';
import { makeWebhook } from '../github/webhook.ts';
import type {
  AdviceSource,
  Artifacts,
  HaltEffects,
  ProgressSource,
  Source,
  Webhook,
} from '../ports/index.ts';
import type { ContinuityOptions } from '../reconcile/continuity.ts';
import type { Publication } from '../reconcile/publication.ts';
import type { Settings } from '../settings/settings.ts';
import type { Store } from '../store/store.ts';
import type { FormerHaltWatch } from '../watch/former-halts.ts';
import { narrowRollout } from '../yaml/narrow.ts';
import type { Foundation, GitHubPace } from './foundation.ts';

/** The effects of pressing or lifting a halt. Without GitHub there are none, and the halt stays ahead of Git. */
export const haltEffectsOf = ({ OTA_GITHUB_REPO }: Pick<Settings, 'OTA_GITHUB_REPO'>): HaltEffects =>
  OTA_GITHUB_REPO === undefined ? () => [] : halt => [brakeRow(halt)];

const TICK_MS = 1_000;
const FORMER_HALTS_MS = 30_000;

/** Starts the jobs that poll GitHub. */
export function watchGitHub(
  { background }: Foundation,
  github: GitHubConsole,
  formerHalts: FormerHaltWatch,
): void {
  background.every(TICK_MS, 'github', () => github.tick());
  background.every(FORMER_HALTS_MS, 'github', () => formerHalts.look());
}

/** Adds the pull request to the snapshot, so that operators see it as soon as it is open. */
export const noteProposal =
  (publication: Publication): GitHubParts['onProposed'] =>
  (id, pullUrl) =>
    publication.inTurn(async () => {
      const { snapshot } = publication;
      if (snapshot === undefined) return;
      const halts = snapshot.halts.map(h => (h.id === id ? { ...h, pullUrl } : h));
      publication.replace({ ...snapshot, halts });
    });

/** The pace of requests to GitHub; the process uses the defaults. */
export interface GitHubParts {
  readonly judge: JudgeTree;
  readonly artifacts: Pick<Artifacts, 'has'>;
  readonly settings: Settings;
  readonly store: Store;
  readonly source: Source;
  readonly picture: () => Snapshot | undefined;
  readonly progress: ProgressSource;
  readonly gate: AdviceSource;
  readonly parseRollout: ContinuityOptions['parseRollout'];
  readonly onProposed: (haltId: number, pullUrl: string) => Promise<void>;
  readonly nowMs: () => number;
  readonly observe: Observe;
  readonly pace?: GitHubPace | undefined;
}

/** A token or a GitHub App; the settings were checked to hold one of them. */
export function githubAuthOf(settings: Settings): GitHubAuth {
  const { OTA_GITHUB_TOKEN, OTA_GITHUB_APP_ID, OTA_GITHUB_APP_INSTALLATION, OTA_GITHUB_APP_KEY } = settings;
  if (OTA_GITHUB_TOKEN !== undefined) return { kind: 'token', token: OTA_GITHUB_TOKEN.reveal() };
  if (
    OTA_GITHUB_APP_ID === undefined ||
    OTA_GITHUB_APP_INSTALLATION === undefined ||
    OTA_GITHUB_APP_KEY === undefined
  )
    throw new Error('assertion: settings were checked to hold a token or a whole App');
  return {
    kind: 'app',
    appId: OTA_GITHUB_APP_ID,
    installationId: OTA_GITHUB_APP_INSTALLATION,
    privateKey: OTA_GITHUB_APP_KEY.reveal(),
  };
}

/** Undefined without OTA_GITHUB_REPO. Fault `settings_invalid` when the source is not a repository. */
export function consoleOf(parts: GitHubParts): GitHubConsole | undefined {
  const { settings, store, source, nowMs, observe, pace } = parts;
  const [owner, repo] = settings.OTA_GITHUB_REPO?.split('/') ?? [];
  if (owner === undefined || repo === undefined) return undefined;
  if (source.merged === undefined)
    throw new Fault(
      'settings_invalid',
      'OTA_GITHUB_REPO: needs OTA_SOURCE to be that repository, not a plain folder',
      { retry: 'never' },
    );
  const { OTA_GITHUB_URL: baseUrl } = settings;
  return makeConsole({
    ...parts,
    github: makeGitHub({ owner, repo, baseUrl, auth: githubAuthOf(settings), nowMs, observe, ...pace }),
    desired: store.desired,
    store: store.leaderValues,
    askedFor: store.keyValues,
    outbox: store.outbox,
    devices: store.devices,
    outcomes: store.outcomes,
    halts: store.halts,
    narrow: narrowRollout,
    adoption: store.adoption,
    activeWithinMs: settings.OTA_ACTIVE_WINDOW,
    pollMs: settings.OTA_POLL_INTERVAL,
    branch: settings.OTA_SOURCE_BRANCH,
    path: settings.OTA_SOURCE_PATH,
    logins: settings.OTA_GITHUB_LOGINS,
  });
}

/** Undefined without a secret; the route then answers 503. */
export function webhookOf(
  { settings, store, nowMs, observe }: GitHubParts,
  hint: (about: 'source' | 'pulls') => void,
): Webhook | undefined {
  const secret = settings.OTA_GITHUB_WEBHOOK_SECRET?.reveal();
  return secret === undefined
    ? undefined
    : makeWebhook({ secret, store: store.keyValues, nowMs, observe, hint });
}
