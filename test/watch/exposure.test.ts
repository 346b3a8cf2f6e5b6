/** What time opens is noticed once: while the controller runs, after it was down, and after it crashed midway. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { effectivePercent, type Snapshot } from '../../controller/domain/decision.ts';
import type { Event } from '../../controller/domain/event.ts';
import { Fault } from '../../controller/domain/fault.ts';
import { NO_EVIDENCE } from '../../controller/domain/gate/evidence.ts';
import { DEFAULT_GATE } from '../../controller/domain/gate/gate.ts';
import { percentAt } from '../../controller/domain/ramp/progress.ts';
import type { Rollout } from '../../controller/domain/release.ts';
import { makeTurns } from '../../controller/domain/turns.ts';
import type { KeyValueStore, RampStore } from '../../controller/ports/index.ts';
import type { Store } from '../../controller/store/store.ts';
import { type ExposureChange, type ExposureWatch, watchExposure } from '../../controller/watch/exposure.ts';
import { aRamp, aSnapshot, aState, HOUR_MS, NOW_MS } from '../support/state.ts';
import { withStore } from '../support/store.ts';

interface Scene {
  readonly store: Store;
  nowMs: number;
  picture: Snapshot | undefined;
  readonly changes: ExposureChange[];
  readonly events: Event[];
  watch: ExposureWatch;
  /** A new process on what the store holds. */
  start(over?: { values?: KeyValueStore; ramps?: RampStore }): Promise<void>;
  /** Serves in looks of a minute. */
  serve(ms: number): Promise<void>;
  pending(): Promise<number>;
}

const snapshotOf = (rollout: Partial<Rollout>, revision = 'r1'): Snapshot =>
  aSnapshot(aState({ rollout }), { revision });
const RAMP = { exposure: aRamp(undefined, [10, 4], [50, 4], [100]) };

const withScene = (
  rollout: Partial<Rollout> | undefined,
  use: (scene: Scene) => Promise<void>,
): Promise<void> =>
  withStore(async store => {
    const make = (values: KeyValueStore, ramps: RampStore): ExposureWatch =>
      watchExposure({
        picture: {
          get snapshot() {
            return scene.picture;
          },
          inTurn: makeTurns(),
          replace: next => {
            scene.picture = next;
          },
          publish: next => {
            scene.picture = next;
          },
        },
        clock: { nowMs: () => scene.nowMs, held: false },
        monotonicMs: () => scene.nowMs,
        pollMs: 6 * HOUR_MS,
        known: () => ({ evidence: NO_EVIDENCE, lift: undefined }),
        halts: store.halts,
        haltEffects: () => [],
        ramps,
        values,
        outbox: store.outbox,
        observe: e => void scene.events.push(e),
        notices: () => [],
        effects: change => {
          scene.changes.push(change);
          return [{ topic: 'nudge', key: change.name, payload: null, notBeforeMs: 0 }];
        },
      });
    const scene: Scene = {
      store,
      nowMs: NOW_MS,
      picture: rollout === undefined ? undefined : snapshotOf(rollout),
      changes: [],
      events: [],
      watch: make(store.keyValues, store.ramps),
      start: async ({ values = store.keyValues, ramps = store.ramps } = {}) => {
        scene.watch = make(values, ramps);
        const { picture } = scene;
        if (picture === undefined) return;
        const kept = await store.desired.applied();
        scene.picture = { ...picture, progress: kept?.progress ?? picture.progress };
      },
      serve: async ms => {
        for (let leftMs = ms; leftMs > 0; leftMs -= 60_000) {
          scene.nowMs += Math.min(leftMs, 60_000);
          await scene.watch.look();
        }
      },
      pending: async () => (await store.outbox.pending('nudge')).length,
    };
    const { picture } = scene;
    if (picture !== undefined) {
      const { revision, state, progress } = picture;
      const applied = {
        revision,
        treeHash: 't',
        appliedAtMs: NOW_MS,
        state,
        progress,
        formerBuilds: new Map(),
      };
      await store.desired.apply(applied, [], [], []);
    }
    await use(scene);
  });

const opened = ({ rollout, progress }: Snapshot): number => percentAt(rollout, progress);
const steps = ({ changes }: Scene) => changes.map(c => [opened(c.before), opened(c.after)]);
const told = ({ events }: Scene) =>
  events.flatMap(e => (e.type === 'ota.rollout.update' ? [[e.fromPercent, e.toPercent, e.by]] : []));

test('each step is entered and reported once, when the hold of the one before is over', () =>
  withScene(RAMP, async scene => {
    await scene.watch.look();
    await scene.serve(4 * HOUR_MS - 60_000);
    assert.equal(steps(scene), []);
    await scene.serve(HOUR_MS);
    assert.equal(steps(scene), [[10, 50]]);
    assert.equal(told(scene), [[10, 50, 'time']]);
    assert.is(scene.changes[0]?.name.startsWith(`ramp:${scene.picture?.progress?.rampId}:1:`), true);
    assert.is(await scene.pending(), 1);
    await scene.serve(4 * HOUR_MS);
    assert.equal(steps(scene), [
      [10, 50],
      [50, 100],
    ]);
  }));

test('at most one step opens at a look, and time in which nobody looked opens none', () =>
  withScene(RAMP, async scene => {
    await scene.watch.look();
    scene.nowMs += 90 * HOUR_MS;
    await scene.watch.look();
    assert.equal(steps(scene), []);
    await scene.serve(4 * HOUR_MS - 120_000);
    assert.equal(steps(scene), []);
    scene.nowMs += 90 * HOUR_MS;
    await scene.watch.look();
    assert.equal(
      steps(scene),
      [[10, 50]],
      'the one minute that was still missing is the most that a gap gives',
    );
  }));

test('a step keeps the time it was served over a restart, and loses no more than ten minutes in a crash', () =>
  withScene(RAMP, async scene => {
    await scene.watch.look();
    await scene.serve(3 * HOUR_MS);
    await scene.start();
    await scene.watch.look();
    await scene.serve(HOUR_MS - 60_000);
    assert.equal(steps(scene), []);
    await scene.serve(11 * 60_000);
    assert.equal(steps(scene), [[10, 50]]);
    await scene.watch.keep();
    await scene.start();
    assert.is(scene.picture?.progress?.step, 1);
    assert.is(scene.changes.length, 1);
  }));

test('a new revision adds its own effects: the watch only remembers it', () =>
  withScene({ exposure: { kind: 'percent', percent: 10 } }, async scene => {
    await scene.watch.look();
    assert.is(scene.watch.settledAtMs('r1'), NOW_MS);
    scene.nowMs += 1_000;
    scene.picture = snapshotOf({ exposure: { kind: 'percent', percent: 50 } }, 'r2');
    await scene.watch.look();
    assert.equal(scene.changes, []);
    assert.is(scene.watch.settledAtMs('r1'), undefined);
    assert.is(scene.watch.settledAtMs('r2'), NOW_MS + 1_000);
  }));

test('nothing is judged before a revision is applied', () =>
  withScene(undefined, async scene => {
    await scene.watch.look();
    assert.equal(scene.changes, []);
    assert.is(await scene.store.keyValues.get('exposure.last'), undefined);
  }));

test('a suspend closes and opens, also where the percentage says nothing', () => {
  const suspend = { reason: 'freeze', sinceMs: NOW_MS + HOUR_MS, untilMs: NOW_MS + 2 * HOUR_MS };
  return withScene({ exposure: { kind: 'percent', percent: 0 }, suspend }, async scene => {
    for (const hours of [0, 1, 2, 3]) {
      scene.nowMs = NOW_MS + hours * HOUR_MS;
      await scene.watch.look();
    }
    assert.equal(
      scene.changes.map(c => c.seenAtMs - NOW_MS),
      [0, HOUR_MS],
    );
    assert.equal(told(scene), []);
  });
});

test('a step whose row is lost in a crash adds no effect and no report', () =>
  withScene(RAMP, async scene => {
    await scene.watch.look();
    await scene.serve(4 * HOUR_MS - 60_000);
    await scene.watch.keep();
    const keep = () => Promise.reject(new Error('killed'));
    await scene.start({ ramps: { ...scene.store.ramps, keep } });
    await scene.watch.look().catch(() => undefined);
    await scene.serve(60_000).then(
      () => assert.unreachable(),
      error => assert.is((error as Error).message, 'killed'),
    );
    assert.is(scene.picture?.progress?.step, 0, 'nobody is offered what is not committed');
    assert.equal(told(scene), []);
    assert.is(await scene.pending(), 0);
    scene.changes.length = 0;
    await scene.start();
    await scene.watch.look();
    await scene.serve(60_000);
    assert.equal(steps(scene), [[10, 50]]);
    assert.is(await scene.pending(), 1);
  }));

test('if looks fail, a gated build is offered to nobody after a minute, until a look succeeds', () => {
  const { exposure } = RAMP;
  if (exposure.kind !== 'ramp') throw new Error('a ramp');
  const gated = { exposure: { ...exposure, ramp: { ...exposure.ramp, gate: DEFAULT_GATE } } };
  return withScene(gated, async scene => {
    await scene.watch.look();
    const effective = (): number | undefined => scene.picture && effectivePercent(scene.picture, scene.nowMs);
    assert.is(effective(), 10);
    const full = new Fault('disk_full', 'the disk is full', { retry: 'backoff' });
    await scene.start({ ramps: { ...scene.store.ramps, keep: () => Promise.reject(full) } });
    const failing = async (): Promise<void> => {
      scene.nowMs += 30_000;
      await scene.watch.look().catch(error => assert.is(error, full));
    };
    await failing();
    await failing();
    assert.is(effective(), 10);
    await failing();
    assert.is(effective(), 0);
    await scene.start();
    await scene.watch.look();
    assert.is(effective(), 10);
  });
});

test('a crash between a suspend’s promise and its note promises the same again, not twice', () => {
  const suspend = { reason: 'freeze', sinceMs: NOW_MS + HOUR_MS, untilMs: NOW_MS + 2 * HOUR_MS };
  return withScene({ exposure: { kind: 'percent', percent: 10 }, suspend }, async scene => {
    await scene.watch.look();
    scene.nowMs += HOUR_MS;
    const values = { ...scene.store.keyValues, set: () => Promise.reject(new Error('killed')) };
    await scene.start({ values });
    await scene.watch.look().then(
      () => assert.unreachable(),
      error => assert.is((error as Error).message, 'killed'),
    );
    scene.nowMs += 5_000;
    await scene.start();
    await scene.watch.look();
    assert.is(scene.changes.length, 2);
    assert.is(await scene.pending(), 1);
  });
});

test('looks that overlap notice a change once', () =>
  withScene(RAMP, async scene => {
    await scene.watch.look();
    await scene.serve(4 * HOUR_MS - 60_000);
    scene.nowMs += 60_000;
    await Promise.all([scene.watch.look(), scene.watch.look(), scene.watch.look()]);
    assert.equal(steps(scene), [[10, 50]]);
  }));

test.run();
