/** Makes and connects every part of a controller; nothing runs yet. */
import { makeAdmission } from '../artifacts/admission.ts';
import { makeFleetSdks } from '../artifacts/fleet-sdks.ts';
import type { ObjectStore } from '../artifacts/object-store.ts';
import { judge } from '../domain/judging/judge.ts';
import type { GitHubConsole } from '../github/console.ts';
import type { Notifications } from '../notify/notifications.ts';
import type { Outbox } from '../outbox/drain.ts';
import type {
  Artifacts,
  BuildExaminer,
  Changes,
  HealthSource,
  IdentityProvider,
  Notifier,
  PastSource,
  Picture,
  Source,
} from '../ports/index.ts';
import type { Reconcile } from '../reconcile/loop.ts';
import { makePublication, type Publication } from '../reconcile/publication.ts';
import { makeLauncher } from '../source/git/launcher.ts';
import type { RunGit } from '../source/git/process.ts';
import type { ArtifactWatch } from '../watch/artifacts.ts';
import type { CertificateWatch } from '../watch/certificate.ts';
import type { DatabaseWatch } from '../watch/database.ts';
import type { FormerHaltWatch } from '../watch/former-halts.ts';
import { apartParser } from '../yaml/parse-apart.ts';
import { openArtifacts } from './artifacts.ts';
import { changesOf } from './changes.ts';
import { databaseOf } from './database.ts';
import { reconcileOf, retrospectOf } from './desired.ts';
import { type Keys, sourceOf } from './edges.ts';
import type { Foundation } from './foundation.ts';
import { consoleOf, type GitHubParts, noteProposal, webhookOf } from './github.ts';
import { healthSource, type WatchedWebhook, watchWebhook } from './health.ts';
import { providerOf } from './identity.ts';
import { type Leading, makeLeading, reconcilerOf } from './leading.ts';
import { notificationsOf, notifierOf } from './notifications.ts';
import { nudgesOf, outboxOf } from './nudges.ts';
import { readingsOf } from './readings.ts';
import { examinerOf } from './stored-apks.ts';
import { artifactWatchOf, formerHaltsOf, type Watches, watchesOf } from './watches.ts';

export interface Parts {
  readonly source: Source;
  readonly artifacts: Artifacts;
  /** Undefined if APKs are in a folder. */
  readonly objectStore: ObjectStore | undefined;
  readonly examiner: BuildExaminer;
  readonly publication: Publication;
  /** The state that answers come from: the publication, unless the database could not be reached for too long. */
  readonly picture: Picture;
  /** Undefined with SQLite. */
  readonly database: DatabaseWatch | undefined;
  readonly watches: Watches;
  readonly formerHalts: FormerHaltWatch;
  readonly stored: ArtifactWatch;
  readonly github: GitHubConsole | undefined;
  readonly changes: Changes;
  /** Undefined if people can sign in only with tokens. */
  readonly provider: IdentityProvider | undefined;
  readonly outbox: Outbox;
  readonly notifier: Notifier;
  readonly reconcile: Reconcile;
  readonly notifications: Notifications;
  readonly leading: Leading;
  readonly webhook: WatchedWebhook | undefined;
  readonly retrospect: PastSource;
  readonly health: HealthSource;
  /** Starts a check of the open pull requests now. */
  readonly recheckPulls: () => void;
}

/** Git is started from a small process, which the tests share. */
function gitOf({ runtime, cleanup }: Foundation): RunGit {
  if (runtime.runGit !== undefined) return runtime.runGit;
  const launcher = makeLauncher();
  cleanup.add(() => launcher.close());
  return launcher.run;
}

export async function openParts(
  foundation: Foundation,
  keys: Keys,
  certificate: CertificateWatch | undefined,
): Promise<Parts> {
  const { settings, runtime, nowMs, store, background, cleanup } = foundation;
  const { observe } = runtime.observer;
  const publication = makePublication();
  const database = databaseOf(foundation);
  const guarded = database?.guard(publication) ?? publication;
  const picture = () => publication.snapshot;
  const leading = makeLeading(foundation);
  const { artifacts, objectStore } = await openArtifacts(foundation);
  const nudges = await nudgesOf(foundation, keys.nudgeMaster, picture, leading);
  const notifications = notificationsOf(foundation, picture);
  const source = sourceOf(settings, runtime.environment, nowMs, observe, gitOf(foundation));
  const parser = apartParser();
  cleanup.add(() => parser.close());
  const admission = makeAdmission({
    artifacts,
    monotonicMs: runtime.monotonicMs,
    fleet: makeFleetSdks(store.devices, runtime.monotonicMs),
  });
  const judging = {
    parse: parser.parse,
    place: parser.place,
    admit: admission.admit,
    halts: store.halts.standing,
    pollMs: settings.OTA_POLL_INTERVAL,
  };
  const pace = runtime.githubPace;
  const watches = watchesOf(foundation, leading, publication, nudges, notifications);
  const githubParts: GitHubParts = {
    settings,
    store,
    source,
    judge: (tree, standing) =>
      judge({ ...judging, reviewing: true, clockHeld: foundation.clock.held }, tree, standing, nowMs()),
    artifacts,
    picture,
    progress: watches.progress,
    gate: watches.gate,
    parseRollout: parser.parseRollout,
    onProposed: noteProposal(publication),
    nowMs,
    observe,
    pace,
  };
  const github = consoleOf(githubParts);
  const outbox = outboxOf(foundation, nudges, notifications, github);
  const formerHalts = formerHaltsOf(foundation, publication, github?.formerHalts);
  const { exposure } = watches;
  const loop = reconcileOf(foundation, {
    source,
    judging,
    parseRollout: parser.parseRollout,
    admission,
    publication,
    github,
    nudges,
    notifications,
    exposure,
    formerHalts,
  });
  const reconcile = reconcilerOf(leading, loop);
  leading.followFeed({ publication, reconcile: loop });
  leading.onSignal('pulls_hint', () => {
    if (leading.leads) background.run('github', () => github?.hint().then(() => outbox.wake()));
  });
  const recheckPulls = (): void => leading.signal('pulls_hint');
  const hook = webhookOf(githubParts, about => (about === 'source' ? reconcile.wake() : recheckPulls()));
  const webhook = hook === undefined ? undefined : watchWebhook(hook, foundation);
  publication.subscribe(() => background.run('adoption', () => watches.adoption.look()));
  publication.subscribe(() => background.run('progress', () => watches.troubles.look()));
  publication.subscribe(() => {
    if (!leading.leads) return;
    background.run('exposure', () => exposure.look());
    background.run('github', () => formerHalts.look());
    background.run('completion', () => watches.completion.look());
    outbox.wake();
  });
  runtime.observer.attach(
    readingsOf(foundation, keys, guarded, reconcile, { ...watches, database }, certificate),
  );
  const stored = artifactWatchOf(foundation, artifacts, admission, reconcile);
  const { pusher } = nudges;
  const provider = providerOf(foundation);
  const dependencies = {
    keys,
    picture: publication,
    reconcile,
    artifacts,
    objectStore,
    certificate,
    pusher,
    github,
    webhook,
    provider,
  };
  const health = healthSource(foundation, dependencies);
  const tester = notifierOf(foundation, notifications, outbox);
  const notifier = { ...tester, test: leading.byLeader('notify_test', tester.test) };
  const retrospect = retrospectOf(foundation, source, parser.parse);
  const changes = changesOf(foundation, { source, judge: githubParts.judge, github });
  const parts = {
    leading,
    notifications,
    source,
    artifacts,
    objectStore,
    examiner: examinerOf(admission, store.desired),
    publication,
    picture: guarded,
    database,
    watches,
    formerHalts,
    stored,
    github,
    changes,
    provider,
    outbox,
    reconcile,
  };
  return { ...parts, notifier, webhook, health, retrospect, recheckPulls };
}
