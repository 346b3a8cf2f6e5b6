/** Watches everything that time changes: exposure, adoption, retention. */

import type { Admission } from '../artifacts/admission.ts';
import type { Snapshot } from '../domain/decision.ts';
import { HOUR_MS, MINUTE_MS } from '../domain/duration.ts';
import { faultCode } from '../domain/fault.ts';
import { noticeOfHalt } from '../domain/notice/of-change.ts';
import type { Notifications } from '../notify/notifications.ts';
import type { Artifacts, Brake, FormerHalts, NewHalt } from '../ports/index.ts';
import type { Reconcile } from '../reconcile/loop.ts';
import type { Publication } from '../reconcile/publication.ts';
import type { Settings } from '../settings/settings.ts';
import type { Store } from '../store/store.ts';
import { type AdoptionWatch, watchAdoption } from '../watch/adoption.ts';
import { type ArtifactWatch, watchArtifacts } from '../watch/artifacts.ts';
import { makeBrake } from '../watch/brake.ts';
import { type CompletionWatch, watchCompletion } from '../watch/completion.ts';
import { type ExposureWatch, watchExposure } from '../watch/exposure.ts';
import { type FailureWatch, watchFailures } from '../watch/failures.ts';
import { type FormerHaltWatch, watchFormerHalts } from '../watch/former-halts.ts';
import { type GateWatch, watchGate } from '../watch/gate.ts';
import { type ProgressWatch, watchProgress } from '../watch/progress.ts';
import { type CopyStore, prune, pruneCopies } from '../watch/retention.ts';
import { type TroubleWatch, watchTroubles } from '../watch/troubles.ts';
import { dateOf } from '../watch/witness.ts';
import type { Foundation } from './foundation.ts';
import { haltEffectsOf } from './github.ts';
import type { Leading } from './leading.ts';
import type { Nudges } from './nudges.ts';
import { namedArtifacts } from './stored-apks.ts';

const TICK_MS = 1_000;
const ADOPTION_MS = 5_000;
const PRUNE_MS = HOUR_MS;
const ARTIFACTS_MS = 60_000;
/** Stored APKs are read slowly, so that downloads are not delayed. */
const READ_ARTIFACT_MS = HOUR_MS;

export interface Watches {
  readonly exposure: ExposureWatch;
  readonly gate: GateWatch;
  readonly brake: Brake;
  readonly adoption: AdoptionWatch;
  readonly progress: ProgressWatch;
  readonly completion: CompletionWatch;
  readonly troubles: TroubleWatch;
  readonly failures: FailureWatch;
}

export function watchesOf(
  { settings, runtime, background, clock, nowMs, store }: Foundation,
  leading: Leading,
  publication: Publication,
  nudges: Nudges,
  notifications: Pick<Notifications, 'promise'>,
): Watches {
  const picture = () => publication.snapshot;
  const { observe } = runtime.observer;
  const { promise } = notifications;
  const notices = (halt: NewHalt, snapshot: Snapshot) => promise(noticeOfHalt(halt, snapshot));
  const haltEffects = haltEffectsOf(settings);
  const gate = watchGate({
    picture,
    devices: store.devices,
    halts: store.halts,
    nowMs,
    monotonicMs: runtime.monotonicMs,
    pollMs: settings.OTA_POLL_INTERVAL,
    // Each controller counts for its own answers, but only the leader writes the audit row.
    audit: { record: async entry => (leading.leads ? store.audit.record(entry) : undefined) },
    observe,
  });
  const progress = watchProgress({
    picture,
    devices: store.devices,
    nowMs,
    monotonicMs: runtime.monotonicMs,
    activeWithinMs: settings.OTA_ACTIVE_WINDOW,
    onFault: fault => background.run('progress', () => Promise.reject(fault)),
  });
  return {
    progress,
    gate,
    brake: brakeOf(
      leading,
      store.feed,
      makeBrake({
        picture: publication,
        halts: store.halts,
        gate,
        clock,
        observe,
        notices,
        effects: haltEffects,
      }),
    ),
    exposure: watchExposure({
      picture: publication,
      known: gate.known,
      halts: store.halts,
      clock,
      monotonicMs: runtime.monotonicMs,
      pollMs: settings.OTA_POLL_INTERVAL,
      ramps: store.ramps,
      values: store.leaderValues,
      outbox: store.outbox,
      observe,
      notices,
      effects: ({ before, after, seenAtMs, name }) =>
        nudges.promise({ snapshot: before, atMs: seenAtMs }, after, name),
      haltEffects,
    }),
    adoption: watchAdoption({
      picture,
      devices: store.devices,
      history: {
        ...store.adoption,
        add: async sample => (leading.leads ? store.adoption.add(sample) : undefined),
        keepHour: async hour => (leading.leads ? store.adoption.keepHour(hour) : undefined),
      },
      nowMs,
      activeWithinMs: settings.OTA_ACTIVE_WINDOW,
      observe,
    }),
    troubles: watchTroubles({ picture, outcomes: store.outcomes, nowMs }),
    completion: watchCompletion({
      picture,
      progress,
      history: store.history,
      values: store.leaderValues,
      nowMs,
      observe,
      promise,
    }),
    failures: watchFailures({
      picture,
      outcomes: store.outcomes,
      values: store.leaderValues,
      nowMs,
      observe,
      promise,
    }),
  };
}

export const formerHaltsOf = (
  { settings, runtime, clock, store }: Foundation,
  publication: Publication,
  former: FormerHalts | undefined,
): FormerHaltWatch =>
  watchFormerHalts({
    picture: publication,
    former,
    halts: store.halts,
    clock,
    observe: runtime.observer.observe,
    effects: haltEffectsOf(settings),
  });

/**
 * A brake takes effect here at once, even if the leader cannot be reached. Lifting one needs the leader's counts of the
 * fleet.
 */
const brakeOf = (leading: Leading, feed: Store['feed'], brake: Brake): Brake => ({
  press: async how => {
    // A controller that is behind may still press it: the store refuses a build that is no longer current.
    await feed?.catchUp().catch(() => undefined);
    try {
      return await brake.press(how);
    } catch (error) {
      if (faultCode(error) !== 'moved_on') throw error;
      await feed?.catchUp();
      return brake.press(how);
    }
  },
  resume: leading.byLeader('resume', async (how: Parameters<Brake['resume']>[0]) => {
    await feed?.catchUp(); // what was pressed elsewhere just now is lifted too
    return brake.resume(how);
  }),
});

/** When devices report wrong bytes, our copy is read again to find out whether it is damaged. */
export async function lookAtGate(gate: GateWatch, stored: ArtifactWatch): Promise<void> {
  await gate.look();
  const doubted = gate.artifactToRecheck();
  if (doubted !== undefined) await stored.read(doubted);
}

/** Updates all counts of the fleet. */
export async function lookAtFleet({
  adoption,
  progress,
  completion,
  troubles,
  failures,
}: Watches): Promise<void> {
  await adoption.look();
  await progress.look();
  await completion.look();
  await troubles.look();
  await failures.look();
}

/** Starts the timers of every controller: each shows its own counts. `copies`: of the APKs in a bucket. */
export function watchHere(
  foundation: Foundation,
  leading: Leading,
  { gate, adoption, progress, troubles }: Watches,
  stored: ArtifactWatch,
  copies: CopyStore | undefined,
): void {
  const { settings, background, clock, nowMs } = foundation;
  background.every(TICK_MS, 'clock', () => clock.check());
  background.run('clock', () => askWitnesses(foundation));
  background.every(MINUTE_MS, 'clock', () => askWitnesses(foundation));
  background.every(MINUTE_MS, 'gate', () => (leading.leads ? lookAtGate(gate, stored) : gate.look()));
  background.every(ADOPTION_MS, 'adoption', () => adoption.look());
  background.every(ADOPTION_MS, 'progress', () => progress.look());
  background.every(MINUTE_MS, 'progress', () => troubles.look());
  background.every(ARTIFACTS_MS, 'artifacts', () => stored.look());
  if (copies === undefined) return;
  const keptMs = settings.OTA_RETENTION_ARTIFACTS;
  background.every(PRUNE_MS, 'retention', () =>
    leading.leads ? undefined : pruneCopies(keptMs, copies, namedArtifacts(foundation), nowMs()),
  );
}

/** Starts the timers that only the leader runs. */
export function watchTime(
  foundation: Foundation,
  { exposure, completion, failures }: Watches,
  artifacts: Artifacts,
  stored: ArtifactWatch,
): void {
  const { settings, background, nowMs, store } = foundation;
  background.every(MINUTE_MS, 'clock', () => store.lastMoment.keep(nowMs()));
  background.every(TICK_MS, 'exposure', () => exposure.look());
  background.every(ADOPTION_MS, 'completion', () => completion.look());
  background.every(MINUTE_MS, 'failures', () => failures.look());
  const keep = {
    eventsMs: settings.OTA_RETENTION_EVENTS,
    downloadsMs: settings.OTA_RETENTION_DOWNLOADS,
    artifactsMs: settings.OTA_RETENTION_ARTIFACTS,
  };
  background.every(READ_ARTIFACT_MS, 'artifacts', () => stored.readNext());
  background.every(PRUNE_MS, 'retention', () =>
    prune(keep, store, artifacts, namedArtifacts(foundation), nowMs()),
  );
}

/** Watches the stored APKs on behalf of the loop that publishes the snapshot. */
export const artifactWatchOf = (
  { runtime, store }: Foundation,
  artifacts: Artifacts,
  admission: Pick<Admission, 'distrust'>,
  reconcile: Pick<Reconcile, 'recheck'>,
): ArtifactWatch =>
  watchArtifacts({
    artifacts,
    values: store.leaderValues,
    distrust: admission.distrust,
    recheck: reconcile.recheck,
    observe: runtime.observer.observe,
  });

/**
 * Hosts that are asked for the time while our clock is held: those that the controller uses anyway, over https only.
 */
export const witnessesOf = ({
  OTA_SOURCE,
  OTA_GITHUB_REPO,
  OTA_GITHUB_URL,
}: Pick<Settings, 'OTA_SOURCE' | 'OTA_GITHUB_REPO' | 'OTA_GITHUB_URL'>): string[] =>
  [OTA_SOURCE, ...(OTA_GITHUB_REPO === undefined ? [] : [OTA_GITHUB_URL])]
    .filter(url => url.startsWith('https://'))
    .map(url => new URL(url).origin);

async function askWitnesses({ settings, clock }: Foundation): Promise<void> {
  for (const url of witnessesOf(settings)) {
    if (!clock.held) return;
    const date = await dateOf(url);
    if (date !== undefined) clock.witness(date);
  }
}

/** When the last token of scope `admin` expires, Unix ms; undefined if there is none. */
export async function adminExpiresAtMs({ admins }: Pick<Store, 'admins'>): Promise<number | undefined> {
  const tokens = (await admins.list()).filter(t => t.revokedAtMs === undefined && t.scopes.includes('admin'));
  return tokens.length === 0 ? undefined : Math.max(...tokens.map(t => t.expiresAtMs));
}
