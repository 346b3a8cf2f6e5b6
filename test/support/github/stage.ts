/**
 * The console on a stage of its own: the stand-in GitHub and its Git remote, a real store, the real reconcile loop and
 * the real outbox. Time stands still until the test moves it.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { MINUTE_MS } from '../../../controller/domain/duration.ts';
import type { Event } from '../../../controller/domain/event.ts';
import { judge } from '../../../controller/domain/judging/judge.ts';
import type { DesiredState } from '../../../controller/domain/release.ts';
import { type GitHubConsole, makeConsole } from '../../../controller/github/console.ts';
import { makeOutbox, type Outbox } from '../../../controller/outbox/drain.ts';
import { makeContinuity } from '../../../controller/reconcile/continuity.ts';
import { makeReconcile, type Reconcile } from '../../../controller/reconcile/loop.ts';
import { makePublication } from '../../../controller/reconcile/publication.ts';
import { makeLauncher } from '../../../controller/source/git/launcher.ts';
import { gitSource } from '../../../controller/source/git/source.ts';
import type { Store } from '../../../controller/store/store.ts';
import { watchProgress } from '../../../controller/watch/progress.ts';
import { narrowRollout } from '../../../controller/yaml/narrow.ts';
import { type ApartOptions, apartParser } from '../../../controller/yaml/parse-apart.ts';
import { releaseFiles } from '../releases.ts';
import { aState, type StateParts } from '../state.ts';
import { withStore } from '../store.ts';
import { type Clocked, makeClock, withGitHub } from './client.ts';
import { type Hub, withHub } from './hub.ts';

export { MINUTE_MS } from '../../../controller/domain/duration.ts';

export interface Stage {
  readonly hub: Hub;
  readonly clock: Clocked;
  readonly store: Store;
  readonly reconcile: Reconcile;
  readonly console: GitHubConsole;
  readonly outbox: Outbox;
  readonly events: Event[];
  /** The tree of these parts as files of the repository. */
  files(parts: StateParts): Record<string, string>;
  /** Opens a pull request that makes the desired state this. */
  propose(branch: string, parts: StateParts, title?: string): number;
  /** Reconciles, looks, and lets everything be told. */
  settle(): Promise<void>;
  /** Moves time on, then settles. */
  later(ms: number): Promise<void>;
  /** A device of the fleet checks in. */
  checkIn(deviceId: string, versionCode: number): void;
  comments(pull: number): string[];
  /** Oldest first: `state description`. */
  statuses(sha: string, context: string): string[];
}

export const inRepository = (state: DesiredState | StateParts): Record<string, string> =>
  Object.fromEntries(Object.entries(releaseFiles(state)).map(([name, text]) => [`releases/${name}`, text]));

export interface StageOptions {
  readonly devices?: number;
  readonly initial?: StateParts;
  readonly parser?: ApartOptions;
  readonly pullsPerPage?: number;
}

/** Git starts from one small process: starting it from this large one costs as much as many of its runs. */
const launcher = makeLauncher();

/** `main` begins with b41 for all, and `devices` enrolled devices that run it. */
export async function withStage<T>(
  use: (stage: Stage) => Promise<T>,
  options: StageOptions = {},
): Promise<T> {
  const clock = makeClock();
  const initial = options.initial ?? {
    rollout: { current: 'b41', lastSafe: undefined, exposure: { kind: 'percent', percent: 100 } },
  };
  return withHub(
    hub => {
      hub.state.git.commit('main', inRepository(aState(initial)), 'begin');
      return withStore(
        store =>
          withGitHub(hub, (github, events) => raise({ hub, clock, store, github, events }, options, use)),
        { nowMs: clock.nowMs },
      );
    },
    { nowMs: clock.nowMs },
  );
}

type Ground = Pick<Stage, 'hub' | 'clock' | 'store' | 'events'> & {
  github: Parameters<Parameters<typeof withGitHub>[1]>[0];
};

async function raise<T>(
  ground: Ground,
  { devices = 0, parser: limits, pullsPerPage }: StageOptions,
  use: (stage: Stage) => Promise<T>,
): Promise<T> {
  const { hub, clock, store, github, events } = ground;
  const { nowMs } = clock;
  const parser = apartParser(limits);
  const dataFolder = mkdtempSync(path.join(tmpdir(), 'ota-mirror-'));
  const source = gitSource({
    // Straight from the folder: journeys go through HTTP.
    url: hub.state.git.dir,
    branch: 'main',
    dataFolder,
    environment: process.env,
    run: launcher.run,
  });
  const publication = makePublication();
  const console = makeConsole({
    github,
    source,
    desired: store.desired,
    store: store.keyValues,
    askedFor: store.keyValues,
    outbox: store.outbox,
    devices: store.devices,
    progress: watchProgress({
      picture: () => reconcile.snapshot,
      devices: store.devices,
      nowMs,
      monotonicMs: nowMs,
      activeWithinMs: 72 * 60 * MINUTE_MS,
      onFault: (fault: unknown) => {
        throw fault;
      },
    }),
    gate: { advice: () => undefined },
    outcomes: store.outcomes,
    halts: store.halts,
    narrow: narrowRollout,
    parseRollout: parser.parseRollout,
    onProposed: async () => undefined,
    logins: new Map(),
    adoption: store.adoption,
    activeWithinMs: 72 * 60 * MINUTE_MS,
    pollMs: 6 * 60 * MINUTE_MS,
    judge: (tree, standing) => judge({ parse: parser.parse, place: parser.place }, tree, standing, nowMs()),
    artifacts: { has: async () => true },
    picture: () => publication.snapshot,
    nowMs,
    branch: 'main',
    path: 'releases',
    ...(pullsPerPage === undefined ? {} : { pullsPerPage }),
  });
  const observe = (event: Event): void => void events.push(event);
  const reconcile: Reconcile = makeReconcile({
    source,
    desired: store.desired,
    halts: store.halts.standing,
    clock: { nowMs, held: false },
    monotonicMs: nowMs,
    observe,
    judging: { parse: parser.parse, place: parser.place },
    continuity: makeContinuity({ source, values: store.keyValues, parseRollout: parser.parseRollout }),
    resume: async applied => applied.progress,
    haltUntilKnown: async () => false,
    missing: async () => new Set(),
    approve: console.approve,
    effects: console.onReconciled,
    publication,
  });
  const outbox = makeOutbox({
    store: store.outbox,
    handlers: [console.handler],
    nowMs,
    random: () => 0,
    observe,
  });
  const settle = async (): Promise<void> => {
    await store.devices.flush();
    await reconcile.run();
    await console.tick();
    await outbox.drain();
  };
  const stage: Stage = {
    hub,
    clock,
    store,
    reconcile,
    console,
    outbox,
    events,
    files: inRepository,
    propose: (branch, parts, title = 'Change the rollout') =>
      hub.state.propose(branch, inRepository(aState(parts)), title).number,
    settle,
    later: async ms => {
      clock.advance(ms);
      await settle();
    },
    checkIn: (deviceId, versionCode) =>
      store.devices.checkIn({
        deviceId,
        atMs: nowMs(),
        versionCode,
        buildId: `b${versionCode}`,
        sdk: 30,
        signer: undefined,
      }),
    comments: pull => hub.state.commentsOn(pull).map(c => c.body),
    statuses: (sha, context) =>
      hub.state
        .statusesOf(sha, context)
        .reverse()
        .map(s => `${s.state} ${s.description}`),
  };
  try {
    const ids = Array.from({ length: devices }, (_, i) => ({ deviceId: `kiosk-${i}`, tags: [] }));
    if (ids.length > 0) await store.devices.enrol(ids, nowMs());
    for (const { deviceId } of ids) stage.checkIn(deviceId, 41);
    await settle();
    return await use(stage);
  } finally {
    await outbox.stop();
    await parser.close();
    rmSync(dataFolder, { recursive: true, force: true });
  }
}
