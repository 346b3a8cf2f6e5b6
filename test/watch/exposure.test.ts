/** What time opens is noticed once: while the controller runs, after it was down, and after it crashed midway. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Snapshot } from '../../controller/domain/decision.ts';
import type { Event } from '../../controller/domain/event.ts';
import type { Rollout } from '../../controller/domain/release.ts';
import type { KeyValueStore } from '../../controller/ports/index.ts';
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
  /** A new process. */
  start(values?: KeyValueStore): void;
  pending(): Promise<number>;
}

const snapshotOf = (rollout: Partial<Rollout>, revision = 'r1'): Snapshot =>
  aSnapshot(aState({ rollout }), { revision });
const RAMP = { exposure: aRamp(NOW_MS, [10, 4], [50, 4], [100]) };

const withScene = (
  rollout: Partial<Rollout> | undefined,
  use: (scene: Scene) => Promise<void>,
): Promise<void> =>
  withStore(async store => {
    const make = (values: KeyValueStore = store.keyValues): ExposureWatch =>
      watchExposure({
        picture: () => scene.picture,
        clock: { nowMs: () => scene.nowMs },
        values,
        outbox: store.outbox,
        observe: e => void scene.events.push(e),
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
      watch: make(),
      start: values => {
        scene.watch = make(values);
      },
      pending: async () => (await store.outbox.pending('nudge')).length,
    };
    await use(scene);
  });

const names = ({ changes }: Scene) => changes.map(c => c.name);
const told = ({ events }: Scene) =>
  events.flatMap(e => (e.type === 'ota.rollout.update' ? [[e.fromPercent, e.toPercent, e.by]] : []));

test('each step is promised and told once, compared with the last moment before it', () =>
  withScene(RAMP, async scene => {
    for (let second = 0; second <= 5 * 3600; second += 600) {
      scene.nowMs = NOW_MS + second * 1000;
      await scene.watch.look();
      await scene.watch.look();
    }
    assert.equal(names(scene), ['time:r1:50:open']);
    assert.equal(told(scene), [[10, 50, 'time']]);
    assert.is(scene.changes[0]?.seenAtMs, NOW_MS + 4 * HOUR_MS - 600_000);
    assert.is(await scene.pending(), 1);
  }));

test('several steps that passed while nobody looked are one change', () =>
  withScene(RAMP, async scene => {
    await scene.watch.look();
    scene.nowMs += 9 * HOUR_MS;
    scene.start();
    await scene.watch.look();
    assert.equal(names(scene), ['time:r1:100:open']);
    assert.equal(told(scene), [[10, 100, 'time']]);
    assert.is(scene.changes[0]?.seenAtMs, NOW_MS);
    scene.start();
    await scene.watch.look();
    assert.is(scene.changes.length, 1);
  }));

test('a new revision promises its own effects: the watch only takes note', () =>
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

test('the very first look is no change', () =>
  withScene(RAMP, async scene => {
    scene.nowMs += 5 * HOUR_MS;
    await scene.watch.look();
    assert.equal(scene.changes, []);
  }));

test('nothing is looked at before something was applied', () =>
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
    assert.equal(names(scene), ['time:r1:0:suspended', 'time:r1:0:open']);
    assert.equal(
      scene.changes.map(c => c.seenAtMs - NOW_MS),
      [0, HOUR_MS],
    );
    assert.equal(told(scene), []);
  });
});

test('a crash between the promise and its note promises the same again, not twice', () =>
  withScene(RAMP, async scene => {
    await scene.watch.look();
    scene.nowMs += 4 * HOUR_MS;
    scene.start({ ...scene.store.keyValues, set: () => Promise.reject(new Error('killed')) });
    await scene.watch.look().then(
      () => assert.unreachable(),
      error => assert.is((error as Error).message, 'killed'),
    );
    scene.nowMs += 5_000;
    scene.start();
    await scene.watch.look();
    assert.equal(names(scene), ['time:r1:50:open', 'time:r1:50:open']);
    assert.is(await scene.pending(), 1);
  }));

test('looks that overlap notice a change once', () =>
  withScene(RAMP, async scene => {
    await scene.watch.look();
    scene.nowMs += 4 * HOUR_MS;
    await Promise.all([scene.watch.look(), scene.watch.look(), scene.watch.look()]);
    assert.equal(names(scene), ['time:r1:50:open']);
  }));

test.run();
