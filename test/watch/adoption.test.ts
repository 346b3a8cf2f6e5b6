/** `ota.adoption.progress` at each whole percent, once, also across restarts. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Snapshot } from '../../controller/domain/decision.ts';
import type { Event } from '../../controller/domain/event.ts';
import type { Store } from '../../controller/store/store.ts';
import { type AdoptionWatch, watchAdoption } from '../../controller/watch/adoption.ts';
import { aSnapshot, aState, DAY_MS, HOUR_MS, NOW_MS } from '../support/state.ts';
import { withStore } from '../support/store.ts';

const FLEET = 200;

interface Scene {
  readonly store: Store;
  nowMs: number;
  picture: Snapshot | undefined;
  readonly events: Event[];
  watch: AdoptionWatch;
  start(): void;
  /** So many devices, from the first on, say that they run this. */
  run(devices: number, versionCode: number, buildId?: string): void;
}

const withScene = (use: (scene: Scene) => Promise<void>): Promise<void> =>
  withStore(async store => {
    const ids = Array.from({ length: FLEET }, (_, i) => `d-${i}`);
    await store.devices.enrol(
      ids.map(deviceId => ({ deviceId, tags: [] })),
      NOW_MS,
    );
    const make = () =>
      watchAdoption({
        picture: () => scene.picture,
        devices: store.devices,
        history: store.adoption,
        nowMs: () => scene.nowMs,
        activeWithinMs: 3 * DAY_MS,
        observe: e => void scene.events.push(e),
      });
    const scene: Scene = {
      store,
      nowMs: NOW_MS,
      picture: aSnapshot(aState({ rollout: 50 })),
      events: [],
      watch: make(),
      start: () => {
        scene.watch = make();
      },
      run: (devices, versionCode, buildId) => {
        for (const deviceId of ids.slice(0, devices))
          store.devices.checkIn({
            deviceId,
            atMs: scene.nowMs,
            versionCode,
            buildId,
            sdk: 33,
            signer: undefined,
          });
      },
    };
    scene.run(FLEET, 41, 'b41');
    await use(scene);
  });

const told = ({ events }: Scene) =>
  events.flatMap(e =>
    e.type === 'ota.adoption.progress' ? [[e.buildId, e.percent, e.devices, e.activeDevices]] : [],
  );

test('progress is reported at each change of the whole percent and stored as the curve', () =>
  withScene(async scene => {
    await scene.watch.look();
    for (const devices of [1, 2, 3, 4, 100]) {
      scene.nowMs += 1_000;
      scene.run(devices, 42, 'b42');
      await scene.watch.look();
    }
    assert.equal(told(scene), [
      ['b42', 1, 2, 200],
      ['b42', 2, 4, 200],
      ['b42', 50, 100, 200],
    ]);
    const curve = await scene.store.adoption.series('b42', 0);
    assert.equal(
      curve.map(s => s.running),
      [0, 2, 4, 100],
    );
    assert.equal(
      [...scene.watch.ratios()],
      [
        ['b41', 0.5],
        ['b42', 0.5],
      ],
    );
  }));

test('a build that no file declares is counted, without a series of its own', () =>
  withScene(async scene => {
    scene.run(50, 99, 'from-elsewhere');
    await scene.watch.look();
    assert.is(scene.watch.otherRatio(), 0.25);
    assert.not.ok(scene.watch.ratios().has('from-elsewhere'));
    scene.run(200, 41, 'b41');
    await scene.watch.look();
    assert.is(scene.watch.otherRatio(), 0);
  }));

test('devices that fall silent leave the count, and a decrease is reported too', () =>
  withScene(async scene => {
    scene.run(100, 42, 'b42');
    await scene.watch.look();
    scene.nowMs += 4 * DAY_MS;
    scene.run(10, 41, 'b41');
    await scene.watch.look();
    assert.equal(told(scene), [
      ['b42', 50, 100, 200],
      ['b42', 0, 0, 10],
    ]);
  }));

test('a restart reports nothing again', () =>
  withScene(async scene => {
    scene.run(100, 42, 'b42');
    await scene.watch.look();
    scene.start();
    await scene.watch.look();
    assert.is(told(scene).length, 1);
    assert.is((await scene.store.adoption.series('b42', 0)).length, 1);
    assert.is(scene.watch.ratios().get('b42'), 0.5);
  }));

test('another build under the same version code is no adoption', () =>
  withScene(async scene => {
    scene.run(100, 42, 'b42-hotfix');
    scene.run(10, 42);
    await scene.watch.look();
    assert.equal(told(scene), [['b42', 5, 10, 200]]);
  }));

test('nothing is reported before a revision is applied or without active devices', () =>
  withScene(async scene => {
    const { picture } = scene;
    scene.picture = undefined;
    await scene.watch.look();
    assert.is(scene.watch.ratios().size, 0);
    scene.picture = picture;
    scene.nowMs += 10 * DAY_MS;
    await scene.watch.look();
    assert.equal(told(scene), []);
    assert.is(scene.watch.ratios().get('b42'), 0);
  }));

test('each hour keeps what every build runs on, over a restart too, and no flood of made-up builds', () =>
  withScene(async scene => {
    scene.picture = aSnapshot(aState());
    scene.start();
    scene.run(150, 41);
    scene.run(10, 99, 'strange');
    await scene.watch.look();
    scene.nowMs += HOUR_MS;
    scene.start();
    scene.run(20, 42, 'b42');
    await scene.watch.look();
    const hours = await scene.store.adoption.hours(0, 10);
    assert.equal(
      hours.map(h => [h.hourMs - NOW_MS, Object.fromEntries(h.running)]),
      [
        [0, { b41: 190, strange: 10 }],
        [HOUR_MS, { b41: 180, b42: 20 }],
      ],
    );
    for (let n = 0; n < FLEET; n += 1) scene.run(FLEET - n, 1_000 + n);
    scene.nowMs += HOUR_MS;
    await scene.watch.look();
    const last = (await scene.store.adoption.hours(0, 10)).at(-1);
    assert.is(last?.running.size, 31);
    assert.is(
      [...(last?.running.values() ?? [])].reduce((a, b) => a + b, 0),
      FLEET,
    );
  }));

test.run();
