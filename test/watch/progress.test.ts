/** Counting the fleet: exact for who asks, shared between those who ask at once, and rare for a large fleet. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Snapshot } from '../../controller/domain/decision.ts';
import type { DeviceStore, ScannedDevice } from '../../controller/ports/index.ts';
import { type ProgressWatch, SMALL_FLEET, watchProgress } from '../../controller/watch/progress.ts';
import { aHalt, aSnapshot, aState, DAY_MS, NOW_MS } from '../support/state.ts';

interface Scene {
  readonly watch: ProgressWatch;
  readonly devices: { -readonly [K in 'scan' | 'counts']: DeviceStore[K] };
  picture: Snapshot | undefined;
  monotonicMs: number;
  /** Enrolled devices; all are active. */
  fleet: number;
  running: number;
  /** Pages that were asked for. */
  readonly pages: (string | undefined)[];
  readonly faults: unknown[];
  /** Each page waits for it. */
  gate: Promise<void>;
  fail: Error | undefined;
}

const idOf = (n: number): string => `d${String(n).padStart(7, '0')}`;

function makeScene(fleet: number): Scene {
  const devices: Scene['devices'] = {
    counts: async () => ({
      enrolled: scene.fleet,
      active: scene.fleet,
      running: [{ versionCode: 42, buildId: 'b42', devices: scene.running }],
    }),
    scan: async ({ after, limit }) => {
      scene.pages.push(after);
      await scene.gate;
      if (scene.fail !== undefined) throw scene.fail;
      const from = after === undefined ? 0 : Number(after.slice(1)) + 1;
      const size = Math.max(0, Math.min(limit, scene.fleet - from));
      return Array.from(
        { length: size },
        (_, i): ScannedDevice => ({
          deviceId: idOf(from + i),
          tags: [],
          generation: 1,
          versionCode: from + i < scene.running ? 42 : 41,
          buildId: undefined,
          sdk: undefined,
          signer: undefined,
          lastSeenMs: NOW_MS,
          pushToken: undefined,
        }),
      );
    },
  };
  const scene: Scene = {
    devices,
    watch: watchProgress({
      picture: () => scene.picture,
      devices,
      nowMs: () => NOW_MS,
      monotonicMs: () => scene.monotonicMs,
      activeWithinMs: DAY_MS,
      onFault: fault => void scene.faults.push(fault),
    }),
    picture: aSnapshot(aState({ rollout: 100 })),
    monotonicMs: 0,
    fleet,
    running: 0,
    pages: [],
    faults: [],
    gate: Promise.resolve(),
    fail: undefined,
  };
  return scene;
}

test('a small fleet is counted whenever somebody asks, page by page', async () => {
  const scene = makeScene(5_000);
  assert.is((await scene.watch.count())?.progress.running, 0);
  assert.equal(scene.pages, [undefined, idOf(1_999), idOf(3_999)]);
  scene.running = 7;
  const counted = await scene.watch.recent();
  assert.is(counted?.progress.running, 7);
  assert.is(counted?.progress.exposed, 5_000);
  assert.is(scene.watch.last(), counted);
});

test('nothing is counted before the first revision is applied', async () => {
  const scene = makeScene(3);
  scene.picture = undefined;
  assert.is(await scene.watch.count(), undefined);
  assert.is(await scene.watch.recent(), undefined);
  await scene.watch.look();
  assert.is(scene.pages.length, 0);
});

test('those who ask during a count share the next one, which sees what changed meanwhile', async () => {
  const scene = makeScene(10);
  let open = (): void => undefined;
  scene.gate = new Promise(resolve => {
    open = resolve;
  });
  const first = scene.watch.count();
  while (scene.pages.length === 0) await Promise.resolve();
  scene.gate.then(() => {
    scene.running = 4;
  });
  const later = [scene.watch.count(), scene.watch.recent(), scene.watch.count()];
  open();
  await first;
  for (const counted of await Promise.all(later)) assert.is(counted?.progress.running, 4);
  assert.is(scene.pages.length, 2, 'two counts of one page');
});

test('a large fleet is counted again after a pause that grows with it', async () => {
  const scene = makeScene(SMALL_FLEET * 2);
  await scene.watch.count();
  scene.running = 5;
  scene.monotonicMs = 1_999;
  assert.is((await scene.watch.count())?.progress.running, 0);
  scene.monotonicMs = 2_000;
  assert.is((await scene.watch.count())?.progress.running, 5);
  scene.picture = aSnapshot(aState({ rollout: 10 }));
  assert.is((await scene.watch.count())?.picture, scene.picture, 'another revision is counted at once');
});

test('who looks at a large fleet gets the last count and does not wait for the next', async () => {
  const scene = makeScene(SMALL_FLEET * 2);
  assert.is(await scene.watch.recent(), undefined);
  await scene.watch.count();
  scene.monotonicMs = 60_000;
  scene.running = 9;
  assert.is((await scene.watch.recent())?.progress.running, 0);
  await scene.watch.count();
  assert.is((await scene.watch.recent())?.progress.running, 9);
});

test('a large fleet is counted once although its snapshot gets more served time meanwhile, as on every controller', async () => {
  const scene = makeScene(SMALL_FLEET + 2_000);
  const { scan } = scene.devices;
  scene.devices.scan = page => {
    if (scene.pages.length >= 20) throw new Error('it is counted again and again');
    if (scene.picture !== undefined)
      scene.picture = { ...scene.picture, progressReadAtMs: NOW_MS + scene.pages.length };
    return scan(page);
  };
  await scene.watch.count();
  const pages = scene.pages.length;
  assert.is(pages, 7);
  await scene.watch.count();
  assert.is(scene.pages.length, pages, 'the count is fresh');
  if (scene.picture !== undefined) scene.picture = { ...scene.picture, halts: [aHalt()] };
  await scene.watch.count();
  assert.is(scene.pages.length, pages * 2, 'a halt changes who is offered what');
});

test('a failed count is thrown to its callers, else reported to the controller; the next one works', async () => {
  const scene = makeScene(10);
  scene.fail = new Error('disk');
  const told = await scene.watch.count().then(
    () => 'nothing',
    (error: unknown) => (error as Error).message,
  );
  assert.is(told, 'disk');
  scene.fleet = SMALL_FLEET * 2;
  await scene.watch.recent();
  while (scene.faults.length === 0) await new Promise(resolve => setImmediate(resolve));
  scene.fail = undefined;
  assert.is((await scene.watch.count())?.progress.enrolled, SMALL_FLEET * 2);
});

test('the timer counts after a change of builds, check-ins or revision, or after a minute', async () => {
  const scene = makeScene(10);
  const looked = async (): Promise<number> => {
    const before = scene.pages.length;
    await scene.watch.look();
    return scene.pages.length - before;
  };
  assert.is(await looked(), 1);
  assert.is(await looked(), 0);
  scene.running = 1;
  assert.is(await looked(), 1);
  scene.picture = aSnapshot(aState({ rollout: 50 }));
  assert.is(await looked(), 1);
  scene.monotonicMs = 60_000;
  assert.is(await looked(), 1);
  assert.is(await looked(), 0);
});

test.run();
