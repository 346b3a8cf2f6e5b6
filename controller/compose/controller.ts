/** Wires the controller: the only place where parts meet. `main.ts` is the process around it. */
import { createHttp } from '../http/app.ts';
import type { Outbox } from '../outbox/drain.ts';
import type { Reconcile } from '../reconcile/loop.ts';
import type { Settings } from '../settings/settings.ts';
import { openStore, type Store } from '../store/store.ts';
import type { CertificateWatch } from '../watch/certificate.ts';
import { type GuardedClock, guardClock } from '../watch/clock.ts';
import { checkShared } from './artifacts.ts';
import { makeBackground } from './background.ts';
import { pagesOf } from './dashboard.ts';
import { guardAdmins } from './database.ts';
import { certificateOf, type Doors, httpSettings, openListeners } from './doors.ts';
import { firstOperator, type Keys } from './edges.ts';
import { watchGitHub } from './github.ts';
import { type Ground, makeEnds, type Surroundings, storeOptions } from './ground.ts';
import { keysAtTheDoor } from './installation.ts';
import { clockOf } from './leading.ts';
import { endRemoved } from './notifications.ts';
import { openParts, type Parts } from './parts.ts';
import { announcing, namedArtifacts } from './stored-apks.ts';
import { lookAtFleet, lookAtGate, watchHere, watchTime } from './watches.ts';

export type { Surroundings } from './ground.ts';

export interface Controller {
  readonly url: string;
  readonly operatorUrl: string;
  /** Where the first operator's token was written; undefined when operators exist already. */
  readonly adminTokenFile: string | undefined;
  readonly store: Store;
  readonly reconcile: Reconcile;
  readonly outbox: Outbox;
  readonly clock: GuardedClock;
  /** Checks the clock, asks a database in the network and looks at the ramp, as the timers do. */
  look(): Promise<void>;
  /** Runs all time-driven parts now instead of at their next turn. */
  tick(): Promise<void>;
  /** Reads the TLS certificate again, within a second; false without one. */
  reload(): boolean;
  stop(reason: string): Promise<void>;
}

/** Opens everything, publishes what the store holds, listens, and only then asks the source. */
export async function startController(settings: Settings, around: Surroundings): Promise<Controller> {
  const { observe } = around.observer;
  const clock = guardClock(around.wallMs, around.monotonicMs, observe);
  const nowMs = (): number => clock.nowMs();
  const background = makeBackground(observe);
  const ends = makeEnds();
  const gate = keysAtTheDoor(settings, observe);
  const options = { ...storeOptions(settings, around, nowMs, background), recognise: gate.recognise };
  const store = await openStore(options);
  ends.add(() => store.close());
  ends.add(() => background.stop());
  const ground: Ground = { settings, around, clock, nowMs, store, background, ends };
  try {
    clock.resume(await store.lastMoment.get());
    const keys = gate.keys();
    const adminTokenFile = store.leads ? await firstOperator(store, settings.OTA_DATA, nowMs()) : undefined;
    const certificate = await certificateOf(ground);
    const parts = await openParts(ground, keys, certificate);
    await (store.leads ? parts.reconcile.restore() : parts.reconcile.follow());
    const doors = await openDoors(ground, keys, parts, certificate);
    await begin(ground, parts);
    if (store.feed !== undefined) observe({ type: 'ota.role', role: store.leads ? 'leads' : 'follows' });
    observe({ type: 'ota.start', version: around.version, url: doors.url });
    return {
      ...controllerOf(ground, parts, doors),
      adminTokenFile,
      reload: () => {
        certificate?.ask();
        return certificate !== undefined;
      },
    };
  } catch (error) {
    // Report why the start failed, not what went wrong while it was undone.
    await ends.run().catch(() => undefined);
    throw error;
  }
}

async function openDoors(
  ground: Ground,
  keys: Keys,
  parts: Parts,
  certificate: CertificateWatch | undefined,
): Promise<Doors> {
  const { settings, around, clock, store, ends } = ground;
  const { artifacts, database, picture, reconcile, watches, webhook, health, github } = parts;
  const pages = pagesOf(ground, {
    ...watches,
    changes: parts.changes,
    provider: parts.provider,
    picture,
    reconciler: reconcile,
    health,
    artifacts,
    github,
  });
  const doors = await openListeners(settings, certificate, around.observer.observe, url =>
    createHttp({
      ports: {
        ...store,
        admins: guardAdmins(store.admins, database),
        picture,
        database,
        clock: clockOf(parts.leading, clock),
        artifacts: announcing(artifacts, parts.stirPulls),
        apkLinks: settings.OTA_ARTIFACT_REDIRECT ? parts.objectStore : undefined,
        artifactUses: namedArtifacts(ground),
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
      observe: around.observer.observe,
      version: around.version,
      metrics: () => around.observer.metrics(),
      ...keys,
      knownBuild: reconcile.knowsBuild,
      webhook: webhook?.deliver,
      pages: pages?.open,
      settings: httpSettings(settings, url),
    }),
  );
  ends.add(() => doors.close());
  // First of all: a stream of an open page would hold the listeners open.
  ends.add(() => pages?.stop());
  return doors;
}

/** How often a database in the network is asked whether it is there and ours. */
const LOOK_MS = 500;
/** So often a lease is renewed before it ends. */
const RENEWALS = 4;

/** Starts what runs by itself. */
async function begin(ground: Ground, parts: Parts): Promise<void> {
  const { settings, store, background, ends } = ground;
  const { database, leading, publication, reconcile, watches } = parts;
  store.start();
  if (leading.leads) await lead(ground, parts);
  watchHere(ground, leading, watches, parts.stored);
  ends.add(() => background.stop());
  ends.add(() => watches.progress.stop());
  ends.add(() => parts.source.stop?.());
  if (database === undefined) return;
  background.every(LOOK_MS, 'database', () => database.look());
  background.every(LOOK_MS, 'leading', () =>
    leading.look({ publication, reconcile }, async () => {
      await checkShared(ground);
      await lead(ground, parts);
    }),
  );
  // The look at the database tells what is wrong with it.
  background.every(settings.OTA_LEASE / RENEWALS, 'leading', () =>
    leading.report(reconcile.status(), agesOf(ground, parts)).catch(() => undefined),
  );
}

const agesOf = ({ nowMs }: Ground, { publication, reconcile }: Parts) => {
  const { snapshot } = publication;
  const isRamp = snapshot?.progress !== undefined;
  return {
    sourceAgeMs: reconcile.sourceAgeMs(),
    progressAgeMs: isRamp ? nowMs() - (snapshot.progressReadAtMs ?? 0) : 0,
  };
};

/** Starts what one controller does for all: at its start, or when it takes over. */
async function lead(ground: Ground, parts: Parts): Promise<void> {
  const { settings, around, nowMs, store, background, ends } = ground;
  const { github, outbox, reconcile } = parts;
  // Before the listeners close: an answer that takes long must not keep another from leading.
  ends.add(() => store.handOver());
  await endRemoved(ground, parts.notifications);
  await parts.watches.completion.begin();
  await store.lastMoment.keep(nowMs());
  ends.add(() => store.lastMoment.keep(nowMs()));
  outbox.start();
  ends.add(() => outbox.stop());
  // Runs before the outbox stops, so that no row waits for an answer from GitHub.
  ends.add(() => github?.stop());
  await reconcile.start(settings.OTA_SOURCE_INTERVAL, around.random);
  ends.add(() => reconcile.stop());
  // Runs before the loop stops: a host that does not answer must not delay the stop.
  ends.add(() => parts.source.stop?.());
  watchTime(ground, parts.watches, parts.artifacts, parts.stored);
  if (github !== undefined) watchGitHub(ground, github, parts.formerHalts);
  ends.add(() => parts.watches.exposure.keep());
  ends.add(() => background.stop());
}

function controllerOf(
  { around, clock, store, background, ends }: Ground,
  { watches, formerHalts, stored, github, outbox, reconcile, database }: Parts,
  doors: Doors,
): Omit<Controller, 'adminTokenFile' | 'reload'> {
  const look = async (): Promise<void> => {
    clock.check();
    await database?.look();
    await watches.exposure.look();
  };
  return {
    url: doors.url,
    operatorUrl: doors.operatorUrl,
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
      around.observer.observe({ type: 'ota.stop', reason });
      try {
        await ends.run();
      } finally {
        await around.observer.flush();
      }
    },
  };
}
