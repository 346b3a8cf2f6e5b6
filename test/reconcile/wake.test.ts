/** When the loop runs: at the start, by timer, by hints, ever more rarely while it fails, and never after the stop. */
import { mock } from 'node:test';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { makeWaker } from '../../controller/reconcile/wake.ts';

interface Scene {
  readonly runs: number[];
  ok: boolean;
  /** Lets a run end that `hold` keeps open. */
  release: () => void;
  hold: boolean;
  hint: () => void;
  unwatched: boolean;
  readonly waker: ReturnType<typeof makeWaker>;
  pass(ms: number): Promise<void>;
}

/** Lets everything that is ready go on. */
const settle = async (): Promise<void> => {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
};

async function withWaker(use: (scene: Scene) => Promise<void>, random = () => 0.5): Promise<void> {
  mock.timers.enable({ apis: ['setTimeout'] });
  let nowMs = 0;
  const scene = {
    runs: [] as number[],
    ok: true,
    hold: false,
    release: () => undefined,
    hint: () => undefined,
    unwatched: false,
    pass: async (ms: number) => {
      nowMs += ms;
      mock.timers.tick(ms);
      await settle();
    },
  } as unknown as { -readonly [K in keyof Scene]: Scene[K] };
  scene.waker = makeWaker(
    {
      watch: async onHint => {
        scene.hint = onHint;
        return async () => {
          scene.unwatched = true;
        };
      },
    },
    async () => {
      scene.runs.push(nowMs);
      if (scene.hold)
        await new Promise<void>(resolve => {
          scene.release = resolve;
        });
      return scene.ok;
    },
  );
  try {
    await scene.waker.start(60_000, random);
    await settle();
    await use(scene);
  } finally {
    scene.hold = false;
    scene.release();
    await scene.waker.stop();
    mock.timers.reset();
  }
}

test('it runs at the start and then once each interval', () =>
  withWaker(async scene => {
    assert.equal(scene.runs, [0]);
    await scene.pass(59_999);
    assert.equal(scene.runs, [0]);
    await scene.pass(1);
    assert.equal(scene.runs, [0, 60_000]);
    await scene.pass(60_000);
    assert.equal(scene.runs, [0, 60_000, 120_000]);
  }));

test('the interval is spread by a tenth to both sides', async () => {
  await withWaker(
    async scene => {
      await scene.pass(53_999);
      assert.is(scene.runs.length, 1);
      await scene.pass(1);
      assert.is(scene.runs.length, 2);
    },
    () => 0,
  );
  await withWaker(
    async scene => {
      await scene.pass(65_999);
      assert.is(scene.runs.length, 1);
      await scene.pass(1);
      assert.is(scene.runs.length, 2);
    },
    () => 1,
  );
});

test('a hint runs it now, and the timer counts from there', () =>
  withWaker(async scene => {
    await scene.pass(30_000);
    scene.hint();
    await settle();
    assert.equal(scene.runs, [0, 30_000]);
    await scene.pass(30_000);
    assert.equal(scene.runs, [0, 30_000], 'the old timer is gone');
    await scene.pass(30_000);
    assert.equal(scene.runs, [0, 30_000, 90_000]);
  }));

test('hints while it runs make one more run, and two runs never overlap', () =>
  withWaker(async scene => {
    scene.hold = true;
    scene.hint();
    await settle();
    for (let hints = 0; hints < 5; hints++) scene.hint();
    await settle();
    assert.is(scene.runs.length, 2, 'the hints wait for its end');
    scene.hold = false;
    scene.release();
    await settle();
    assert.is(scene.runs.length, 3);
    await scene.pass(59_999);
    assert.is(scene.runs.length, 3, 'and no more');
  }));

test('after failures it runs sooner at first, then ever more rarely, at most once an interval', () =>
  withWaker(async scene => {
    scene.ok = false;
    scene.hint();
    await settle();
    const waits: number[] = [];
    for (let fails = 0; fails < 8; fails++) {
      const from = scene.runs.at(-1) ?? 0;
      const runs = scene.runs.length;
      for (let second = 0; second < 60 && scene.runs.length === runs; second++) await scene.pass(1_000);
      waits.push(((scene.runs.at(-1) ?? 0) - from) / 1000);
    }
    assert.equal(waits, [1, 2, 4, 8, 16, 32, 60, 60]);
    scene.ok = true;
    await scene.pass(60_000);
    const runs = scene.runs.length;
    await scene.pass(59_999);
    assert.is(scene.runs.length, runs, 'a success brings the interval back');
    await scene.pass(1);
    assert.is(scene.runs.length, runs + 1);
  }));

test('after the stop nothing runs: no timer, no hint, and not what was asked for during the last run', () =>
  withWaker(async scene => {
    scene.hold = true;
    scene.hint();
    await settle();
    scene.hint();
    let stopped = false;
    const stop = scene.waker.stop().then(() => {
      stopped = true;
    });
    await settle();
    assert.is(stopped, false, 'the stop waits for the run');
    scene.hold = false;
    scene.release();
    await stop;
    assert.ok(scene.unwatched);
    const runs = scene.runs.length;
    scene.hint();
    await scene.pass(200_000);
    assert.is(scene.runs.length, runs);
  }));

test('a run that ends after the stop leaves no timer behind, which would keep the process alive', () =>
  withWaker(async scene => {
    scene.hold = true;
    scene.hint();
    await settle();
    const stop = scene.waker.stop();
    const armed = mock.method(globalThis, 'setTimeout');
    scene.hold = false;
    scene.release();
    await stop;
    assert.is(armed.mock.callCount(), 0);
    armed.mock.restore();
  }));

test.run();
