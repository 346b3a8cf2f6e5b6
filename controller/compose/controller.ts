/** Wires the controller: the only place where parts meet. `main.ts` is the process around it. */
import { faultCode } from '../domain/fault.ts';
import { createHttp } from '../http/app.ts';
import type { Outbox } from '../outbox/drain.ts';
import type { Reconcile } from '../reconcile/loop.ts';
import type { Settings } from '../settings/settings.ts';
import { openStore, type Store } from '../store/store.ts';
import type { CertificateWatch } from '../watch/certificate.ts';
import { type GuardedClock, guardClock } from '../watch/clock.ts';
import { checkShared } from './artifacts.ts';
import { type Background, makeBackground } from './background.ts';
import { pagesOf } from './dashboard.ts';
import { guardAdmins } from './database.ts';
import { firstOperator, type Keys } from './edges.ts';
import { type Foundation, makeCleanup, type Runtime, storeOptions } from './foundation.ts';
import { watchGitHub } from './github.ts';
import { guardInstallation } from './installation.ts';
import { clockOf } from './leading.ts';
import { certificateOf, httpSettings, type Listeners, openListeners } from './listeners.ts';
import { endRemoved } from './notifications.ts';
import { openParts, type Parts } from './parts.ts';
import { namedArtifacts, reportingChanges } from './stored-apks.ts';
import { lookAtFleet, lookAtGate, watchHere, watchTime } from './watches.ts';

export type { Runtime } from './foundation.ts';

export interface Controller {
  readonly url: string;
  readonly operatorUrl: string;
  /** Where the first operator's token was written; undefined when operators exist already. */
  readonly adminTokenFile: string | undefined;
  readonly store: Store;
  readonly reconcile: Reconcile;
  readonly outbox: Outbox;
  readonly clock: GuardedClock;
  /** Checks the clock, a database on the network and the ramp, as the timers do. */
  look(): Promise<void>;
  /** Runs all time-driven parts now instead of at their next turn. */
  tick(): Promise<void>;
  /** Reads the TLS certificate again, within a second; false without one. */
  reload(): boolean;
  stop(reason: string): Promise<void>;
}

/** Opens everything, publishes what the store holds, listens, and only then asks the source. */
export async function startController(settings: Settings, runtime: Runtime): Promise<Controller> {
  const { observe } = runtime.observer;
  const clock = guardClock(runtime.wallMs, runtime.monotonicMs, observe);
  const nowMs = (): number => clock.nowMs();
  const background = makeBackground(observe);
  const cleanup = makeCleanup();
  const guard = guardInstallation(settings, observe);
  const options = { ...storeOptions(settings, runtime, nowMs, background), recognise: guard.recognise };
  const store = await openStore(options);
  cleanup.add(() => store.close());
  cleanup.add(() => background.stop());
  // Runs after the listeners close: a halt elsewhere must end downloads that still run here.
  const following = makeBackground(observe);
  cleanup.add(() => following.stop());
  const foundation: Foundation = { settings, runtime, clock, nowMs, store, background, cleanup };
  try {
    clock.resume(await store.lastMoment.get());
    const keys = guard.keys();
    const adminTokenFile = store.leads ? await firstOperator(store, settings.OTA_DATA, nowMs()) : undefined;
    const certificate = await certificateOf(foundation);
    const parts = await openParts(foundation, keys, certificate);
    await (store.leads ? parts.reconcile.restore() : parts.reconcile.follow());
    const listeners = await openHttp(foundation, keys, parts, certificate);
    await begin(foundation, parts, following);
    if (store.feed !== undefined) observe({ type: 'ota.role', role: store.leads ? 'leads' : 'follows' });
    observe({ type: 'ota.start', version: runtime.version, url: listeners.url });
    return {
      ...controllerOf(foundation, parts, listeners),
      adminTokenFile,
      reload: () => {
        certificate?.ask();
        return certificate !== undefined;
      },
    };
  } catch (error) {
    // Report why the start failed, not an error of the cleanup after it.
    await cleanup.run().catch(() => undefined);
    throw error;
  }
}

async function openHttp(
  foundation: Foundation,
  keys: Keys,
  parts: Parts,
  certificate: CertificateWatch | undefined,
): Promise<Listeners> {
  const { settings, runtime, clock, store, cleanup } = foundation;
  const { artifacts, database, picture, reconcile, watches, webhook, health, github } = parts;
  const pages = pagesOf(foundation, {
    ...watches,
    changes: parts.changes,
    provider: parts.provider,
    picture,
    reconciler: reconcile,
    health,
    artifacts,
    github,
  });
  const listeners = await openListeners(settings, certificate, runtime.observer.observe, url =>
    createHttp({
      ports: {
        ...store,
        admins: guardAdmins(store.admins, database),
        picture,
        database,
        clock: clockOf(parts.leading, clock),
        artifacts: reportingChanges(artifacts, parts.recheckPulls),
        apkLinks: settings.OTA_ARTIFACT_REDIRECT ? parts.objectStore : undefined,
        artifactUses: namedArtifacts(foundation),
        feed: store.feed,
        examiner: parts.examiner,
        approvals: github,
        reconciler: reconcile,
        progress: watches.progress,
        brake: watches.brake,
        gate: watches.gate,
        retrospect: parts.retrospect,
        health,
        notifier: parts.notifier,
      },
      observe: runtime.observer.observe,
      version: runtime.version,
      metrics: () => runtime.observer.metrics(),
      ...keys,
      knownBuild: reconcile.knowsBuild,
      webhook: webhook?.deliver,
      pages: pages?.open,
      settings: httpSettings(settings, url),
    }),
  );
  cleanup.add(() => listeners.close());
  // Runs before the listeners close: a stream of an open page would hold them open.
  cleanup.add(() => pages?.stop());
  return listeners;
}

/** How often a database on the network is checked. */
const LOOK_MS = 500;
/** How often a lease is renewed within its duration. */
const RENEWALS = 4;

/** Starts the timers and background jobs. */
async function begin(foundation: Foundation, parts: Parts, following: Background): Promise<void> {
  const { settings, store, background, cleanup } = foundation;
  const { database, leading, publication, reconcile, watches } = parts;
  store.start();
  if (leading.leads) await startLeading(foundation, parts);
  watchHere(foundation, leading, watches, parts.stored, parts.objectStore);
  cleanup.add(() => background.stop());
  cleanup.add(() => watches.progress.stop());
  cleanup.add(() => parts.source.stop?.());
  if (database === undefined) return;
  // Once it has handed over, the lease is not ours, and the check would say no more than that.
  following.every(LOOK_MS, 'database', () =>
    leading.hasHandedOver ? store.feed?.catchUp() : database.look(),
  );
  background.every(LOOK_MS, 'leading', () =>
    leading.look({ publication, reconcile }, async () => {
      await checkShared(foundation);
      await startLeading(foundation, parts);
    }),
  );
  // The check of the database reports its failures, so they are ignored here.
  background.every(settings.OTA_LEASE / RENEWALS, 'leading', () =>
    leading.report(reconcile.status(), agesOf(foundation, parts)).catch(() => undefined),
  );
}

const agesOf = ({ nowMs }: Foundation, { publication, reconcile }: Parts) => {
  const { snapshot } = publication;
  const isRamp = snapshot?.progress !== undefined;
  return {
    sourceAgeMs: reconcile.sourceAgeMs(),
    progressAgeMs: isRamp ? nowMs() - (snapshot.progressReadAtMs ?? 0) : 0,
  };
};

/** At a stop: if another controller has taken over meanwhile, it keeps these facts, and this one ends well all the same. */
async function unlessOvertaken(keeping: Promise<void>): Promise<void> {
  try {
    await keeping;
  } catch (error) {
    if (faultCode(error) !== 'lease_lost') throw error;
  }
}

/** Starts the work that only the leader does: at the start, or when this controller takes over. */
async function startLeading(foundation: Foundation, parts: Parts): Promise<void> {
  const { settings, runtime, nowMs, store, background, cleanup } = foundation;
  const { github, outbox, reconcile } = parts;
  // Runs before the listeners close: a slow answer must not delay the takeover by another controller.
  cleanup.add(() => parts.leading.handOver());
  await endRemoved(foundation, parts.notifications);
  await parts.watches.completion.begin();
  await store.lastMoment.keep(nowMs());
  cleanup.add(() => unlessOvertaken(store.lastMoment.keep(nowMs())));
  outbox.start();
  cleanup.add(() => outbox.stop());
  // Runs before the outbox stops, so that no row waits for an answer from GitHub.
  cleanup.add(() => github?.stop());
  await reconcile.start(settings.OTA_SOURCE_INTERVAL, runtime.random);
  cleanup.add(() => reconcile.stop());
  // Runs before the loop stops: a host that does not answer must not delay the stop.
  cleanup.add(() => parts.source.stop?.());
  watchTime(foundation, parts.watches, parts.artifacts, parts.stored);
  if (github !== undefined) watchGitHub(foundation, github, parts.formerHalts);
  cleanup.add(() => unlessOvertaken(parts.watches.exposure.keep()));
  cleanup.add(() => background.stop());
}

function controllerOf(
  { runtime, clock, store, background, cleanup }: Foundation,
  { watches, formerHalts, stored, github, outbox, reconcile, database }: Parts,
  listeners: Listeners,
): Omit<Controller, 'adminTokenFile' | 'reload'> {
  const look = async (): Promise<void> => {
    clock.check();
    await database?.look();
    await watches.exposure.look();
  };
  return {
    url: listeners.url,
    operatorUrl: listeners.operatorUrl,
    store,
    reconcile,
    outbox,
    clock,
    look,
    tick: async () => {
      await lookAtGate(watches.gate, stored);
      await look();
      await github?.tick();
      await formerHalts.look().catch(error => background.failed('github', error));
      await lookAtFleet(watches);
      await stored.look();
      await stored.readNext();
    },
    stop: async reason => {
      runtime.observer.observe({ type: 'ota.stop', reason });
      try {
        await cleanup.run();
      } finally {
        await runtime.observer.flush();
      }
    },
  };
}
