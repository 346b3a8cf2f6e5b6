/** Wires the controller: the only place where parts meet. `main.ts` is the process around it. */
import { randomUUID } from 'node:crypto';
import { makeAdmission } from '../artifacts/admission.ts';
import { effectivePercent } from '../domain/decision.ts';
import { faultCode } from '../domain/fault.ts';
import { percentAt } from '../domain/ramp.ts';
import { unapprovable } from '../github/approvals.ts';
import type { GitHubConsole } from '../github/console.ts';
import { createHttp } from '../http/app.ts';
import { campaignEntry } from '../nudges/row.ts';
import type { Observer } from '../observe/observe.ts';
import { makeOutbox, type Outbox } from '../outbox/drain.ts';
import type { OutboxEntry, Pusher } from '../ports/index.ts';
import { makeReconcile, type Reconcile } from '../reconcile/loop.ts';
import type { Judged } from '../reconcile/record.ts';
import type { Settings } from '../settings/settings.ts';
import { findRampStart } from '../source/ramp-start.ts';
import { openStore, type Store } from '../store/store.ts';
import { type AdoptionWatch, watchAdoption } from '../watch/adoption.ts';
import { type GuardedClock, guardClock } from '../watch/clock.ts';
import { type ExposureWatch, watchExposure } from '../watch/exposure.ts';
import { prune } from '../watch/retention.ts';
import { apartParser } from '../yaml/parse-apart.ts';
import {
  firstOperator,
  httpSettings,
  keysOf,
  openArtifacts,
  openListeners,
  pusherOf,
  sourceOf,
} from './edges.ts';
import { consoleOf, type GitHubPace, type GitHubParts, webhookOf } from './github.ts';
import { campaignsOf } from './nudges.ts';

/** Ends that tests may take in hand; the process uses the defaults. */
export interface Surroundings {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly observer: Observer;
  readonly wallMs: () => number;
  readonly monotonicMs: () => number;
  readonly random: () => number;
  /** Instead of Firebase. */
  readonly pusher?: Pusher;
  readonly githubPace?: GitHubPace;
  readonly version: string;
}

export interface Controller {
  readonly url: string;
  readonly operatorUrl: string;
  /** Where the first operator's token was left; undefined when operators exist already. */
  readonly adminTokenFile: string | undefined;
  readonly store: Store;
  readonly reconcile: Reconcile;
  readonly outbox: Outbox;
  readonly clock: GuardedClock;
  /** Looks at the time-driven parts now instead of at their next tick. */
  tick(): Promise<void>;
  stop(reason: string): Promise<void>;
}

const TICK_MS = 1_000;
const ADOPTION_MS = 5_000;
const PRUNE_MS = 60 * 60_000;

/** Opens everything, publishes what the store holds, listens, and only then asks the source. */
export async function startController(settings: Settings, around: Surroundings): Promise<Controller> {
  const { observer } = around;
  const { observe } = observer;
  const clock = guardClock(around.wallMs, around.monotonicMs, observe);
  const nowMs = (): number => clock.nowMs();
  const store = await openStore({
    folder: settings.OTA_DATA,
    nowMs,
    onFault: fault =>
      observe({
        type: 'ota.outbox.fail',
        topic: 'check-ins',
        code: faultCode(fault),
        attempt: 0,
        final: false,
      }),
  });
  const ends: (() => Promise<unknown>)[] = [() => store.close()];
  const unwind = async (): Promise<void> => {
    for (const end of ends.splice(0).reverse()) await end();
  };
  try {
    return await assemble({ settings, around, clock, nowMs, store, ends, unwind });
  } catch (error) {
    await unwind();
    throw error;
  }
}

interface Parts {
  readonly settings: Settings;
  readonly around: Surroundings;
  readonly clock: GuardedClock;
  readonly nowMs: () => number;
  readonly store: Store;
  /** What must be ended, in the order in which it was begun. */
  readonly ends: (() => Promise<unknown>)[];
  readonly unwind: () => Promise<void>;
}

async function assemble(parts: Parts): Promise<Controller> {
  const { settings, around, clock, nowMs, store, ends } = parts;
  const { observe } = around.observer;
  const data = settings.OTA_DATA;
  const { tokenKeys, nudgeMaster } = keysOf(settings);
  const adminTokenFile = await firstOperator(store, data, nowMs());
  const artifacts = await openArtifacts(settings, observe);
  const admission = makeAdmission({ artifacts });
  const fcm = around.pusher === undefined ? pusherOf(settings, observe) : undefined;
  const pusher = around.pusher ?? fcm;
  ends.push(async () => fcm?.close());

  const promise = (judged: Judged): OutboxEntry[] => {
    const told = github?.onReconciled(judged) ?? [];
    if (judged.kind === 'rejected' || pusher === undefined) return told;
    const { before, after } = judged;
    // Time may have opened the rollout further since the last look: whom that reached was told nothing yet.
    const settledAtMs = before === undefined ? undefined : exposure?.settledAtMs(before.revision);
    const standing = { snapshot: before, atMs: settledAtMs ?? nowMs() };
    return [...told, campaignEntry(standing, after, randomUUID())];
  };

  let exposure: ExposureWatch | undefined;
  let adoption: AdoptionWatch | undefined;
  let outbox: Outbox | undefined;
  let github: GitHubConsole | undefined;
  const background = (work: Promise<unknown> | undefined): void => {
    work?.catch(error =>
      observe({ type: 'ota.outbox.fail', topic: 'timer', code: faultCode(error), attempt: 0, final: false }),
    );
  };
  const source = sourceOf(settings, around.environment, nowMs);
  const { parse, parseRollout, place, ...parser } = apartParser();
  ends.push(() => parser.close());
  const reconcile = makeReconcile({
    source,
    desired: store.desired,
    clock,
    monotonicMs: around.monotonicMs,
    observe,
    parse,
    rampStart: (revision, head, applied, atMs) =>
      findRampStart(source, revision, head, applied, atMs, parseRollout),
    place,
    admit: (state, standing) => admission.admit(state, standing),
    missing: state => admission.missing(state),
    approve: async (revision, planned) => github?.approve(revision, planned) ?? unapprovable(planned),
    effects: promise,
    published: () => {
      background(exposure?.look());
      background(adoption?.look());
      outbox?.wake();
    },
  });
  const picture = () => reconcile.snapshot;
  const githubParts: GitHubParts = {
    settings,
    store,
    source,
    parse,
    place,
    picture,
    nowMs,
    observe,
    pace: around.githubPace,
  };
  github = consoleOf(githubParts);
  const webhook = webhookOf(githubParts, about => {
    if (about === 'source') reconcile.wake('webhook');
    else background(github?.hint().then(() => outbox?.wake()));
  });

  outbox = makeOutbox({
    store: store.outbox,
    handlers: [
      ...(github === undefined ? [] : [github.handler]),
      ...(pusher === undefined
        ? []
        : [campaignsOf({ settings, around, store, pusher, nudgeMaster, picture, nowMs })]),
    ],
    // A held clock stops exposure, not the telling of it.
    nowMs: () => Math.max(nowMs(), around.wallMs()),
    random: around.random,
    observe,
  });
  exposure = watchExposure({
    picture,
    clock,
    values: store.keyValues,
    outbox: store.outbox,
    observe,
    effects: ({ snapshot, seenAtMs, name }) =>
      pusher === undefined ? [] : [campaignEntry({ snapshot, atMs: seenAtMs }, snapshot, name)],
  });
  adoption = watchAdoption({
    picture,
    devices: store.devices,
    history: store.adoption,
    nowMs,
    activeWithinMs: settings.OTA_ACTIVE_WINDOW,
    observe,
  });
  around.observer.attach({
    sourceAgeSeconds: () => reconcile.sourceAgeMs() / 1000,
    exposure: () => {
      const snapshot = picture();
      if (snapshot === undefined) return undefined;
      const atMs = nowMs();
      return {
        declared: percentAt(snapshot.rollout, snapshot.clock, atMs),
        effective: effectivePercent(snapshot, atMs),
      };
    },
    adoption: () => adoption?.ratios() ?? new Map(),
  });

  await reconcile.restore();
  const doors = await openListeners(settings, url =>
    createHttp({
      ports: { ...store, picture: reconcile, clock, artifacts, reconciler: reconcile },
      observe,
      metrics: () => around.observer.metrics(),
      tokenKeys,
      nudgeMaster,
      knownBuild: reconcile.knowsBuild,
      webhook,
      settings: httpSettings(settings, url),
    }),
  );
  ends.push(() => doors.close());
  store.start();
  outbox.start();
  ends.push(() => outbox?.stop() ?? Promise.resolve());
  // First of all, so that no row waits for an answer.
  ends.push(async () => github?.stop());
  await reconcile.start(settings.OTA_SOURCE_INTERVAL, around.random);
  ends.push(() => reconcile.stop());
  const tick = async (): Promise<void> => {
    clock.check();
    await exposure?.look();
    await github?.tick();
  };
  const timers = [
    setInterval(() => background(tick()), TICK_MS),
    setInterval(() => background(adoption?.look()), ADOPTION_MS),
    setInterval(
      () =>
        background(
          prune(
            { eventsMs: settings.OTA_RETENTION_EVENTS, downloadsMs: settings.OTA_RETENTION_DOWNLOADS },
            store,
            artifacts,
            nowMs(),
          ),
        ),
      PRUNE_MS,
    ),
  ];
  ends.push(async () => {
    for (const timer of timers) clearInterval(timer);
  });
  observe({ type: 'ota.start', version: around.version, url: doors.url });

  return {
    url: doors.url,
    operatorUrl: doors.operatorUrl,
    adminTokenFile,
    store,
    reconcile,
    outbox,
    clock,
    tick: async () => {
      await tick();
      await adoption?.look();
    },
    stop: async reason => {
      observe({ type: 'ota.stop', reason });
      await parts.unwind();
      await around.observer.flush();
    },
  };
}
