/** Promised effects: carried out in order, one topic beside the other, again after a failure, and after a crash. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { retryDelayMs } from '../../controller/domain/backoff.ts';
import type { Event } from '../../controller/domain/event.ts';
import { Fault } from '../../controller/domain/fault.ts';
import { makeOutbox, type Outbox } from '../../controller/outbox/drain.ts';
import type { Handled, OutboxHandler, OutboxRow } from '../../controller/ports/index.ts';
import type { Store } from '../../controller/store/store.ts';
import { eventually } from '../support/http.ts';
import { NOW_MS } from '../support/state.ts';
import { withStore } from '../support/store.ts';

interface Scene {
  readonly store: Store;
  nowMs: number;
  readonly events: Event[];
  /** `topic/key` of each row as it is handled. */
  readonly handled: string[];
  handle: (row: OutboxRow, signal: AbortSignal) => Promise<Handled>;
  readonly outbox: Outbox;
  add(topic: string, key: string, payload?: unknown): Promise<void>;
}

const withScene = (use: (scene: Scene) => Promise<void>): Promise<void> =>
  withStore(async store => {
    const handler = (topic: string): OutboxHandler => ({
      topic,
      handle: async (row, signal) => {
        scene.handled.push(`${row.topic}/${row.key}`);
        return scene.handle(row, signal);
      },
    });
    const scene: Scene = {
      store,
      nowMs: NOW_MS,
      events: [],
      handled: [],
      handle: async () => 'done',
      outbox: makeOutbox({
        store: store.outbox,
        handlers: [handler('a'), handler('b')],
        nowMs: () => scene.nowMs,
        random: () => 0,
        observe: e => void scene.events.push(e),
        intervalMs: 3_600_000,
      }),
      add: (topic, key, payload = null) =>
        store.outbox.add([{ topic, key, payload, notBeforeMs: scene.nowMs }]),
    };
    await use(scene);
    await scene.outbox.stop();
  });

const fails = ({ events }: Scene) =>
  events.flatMap(e => (e.type === 'ota.outbox.fail' ? [[e.topic, e.code, e.attempt, e.final]] : []));

test('rows of a topic are handled in the order of their creation and then deleted', () =>
  withScene(async scene => {
    for (const key of ['1', '2', '3']) await scene.add('a', key);
    await scene.outbox.drain();
    assert.equal(scene.handled, ['a/1', 'a/2', 'a/3']);
    assert.equal(await scene.store.outbox.pending('a'), []);
  }));

test('a stuck topic does not delay others', () =>
  withScene(async scene => {
    let free: () => void = () => {};
    const stuck = new Promise<void>(resolve => {
      free = resolve;
    });
    scene.handle = async row => {
      if (row.topic === 'a') await stuck;
      return 'done';
    };
    await scene.add('a', '1');
    await scene.add('b', '1');
    scene.outbox.wake();
    await eventually(async () => (await scene.store.outbox.pending('b')).length === 0);
    assert.is((await scene.store.outbox.pending('a')).length, 1);
    free();
    await scene.outbox.drain();
  }));

test('a row that was replaced while it waited is handled once, with its new content', () =>
  withScene(async scene => {
    const payloads: unknown[] = [];
    scene.handle = async row => {
      payloads.push(row.payload);
      if (row.key === 'first') await scene.add('a', 'second', 'new');
      return 'done';
    };
    await scene.add('a', 'first', 'one');
    await scene.add('a', 'second', 'old');
    await scene.outbox.drain();
    assert.equal(payloads, ['one', 'new']);
  }));

test('a temporary fault is retried after a growing wait, while other rows go on', () =>
  withScene(async scene => {
    let down = true;
    scene.handle = async row => {
      if (row.key === '1' && down) throw new Fault('service_down', 'not now', { retry: 'backoff' });
      return 'done';
    };
    await scene.add('a', '1');
    await scene.add('a', '2');
    await scene.outbox.drain();
    assert.equal(scene.handled, ['a/1', 'a/2']);
    scene.nowMs += 499;
    await scene.outbox.drain();
    assert.is(scene.handled.length, 2);
    scene.nowMs += 1;
    await scene.outbox.drain();
    assert.is(scene.handled.length, 3);
    down = false;
    scene.nowMs += 1_000;
    await scene.outbox.drain();
    assert.equal(await scene.store.outbox.pending('a'), []);
    assert.equal(fails(scene), [
      ['a', 'service_down', 1, false],
      ['a', 'service_down', 2, false],
    ]);
  }));

test('a permanent fault is given up with its code, and other rows go on', () =>
  withScene(async scene => {
    scene.handle = async row => {
      if (row.key === 'never') throw new Fault('not_found', 'gone', { retry: 'never' });
      if (row.key === 'bug') throw new TypeError('x is undefined');
      return row.key === 'hour' ? { gaveUp: 'internal_error' } : 'done';
    };
    for (const key of ['never', 'bug', 'hour', 'good']) await scene.add('a', key);
    await scene.outbox.drain();
    assert.equal(await scene.store.outbox.pending('a'), []);
    assert.equal(fails(scene), [
      ['a', 'not_found', 1, true],
      ['a', 'internal', 1, true],
      ['a', 'internal_error', 1, true],
    ]);
    scene.nowMs += 86_400_000;
    await scene.outbox.drain();
    assert.is(scene.handled.length, 4);
  }));

test('a handler may ask to be called again at a moment of its own', () =>
  withScene(async scene => {
    scene.handle = async row =>
      row.attempts === 0 ? { retryAtMs: scene.nowMs + 60_000, code: 'x' } : 'done';
    await scene.add('a', '1');
    await scene.outbox.drain();
    scene.nowMs += 59_999;
    await scene.outbox.drain();
    assert.is(scene.handled.length, 1);
    scene.nowMs += 1;
    await scene.outbox.drain();
    assert.is(scene.handled.length, 2);
    assert.equal(fails(scene), []);
  }));

test('a row that is added during a pass is handled without another wake-up', () =>
  withScene(async scene => {
    scene.handle = async row => {
      if (row.key === '1') {
        await scene.add('b', 'late');
        scene.outbox.wake();
      }
      return 'done';
    };
    await scene.add('a', '1');
    await scene.outbox.drain();
    await eventually(() => scene.handled.includes('b/late'));
    assert.ok(scene.handled.includes('b/late'));
  }));

test('a normal stop interrupts a long effect, which keeps its row', () =>
  withScene(async scene => {
    scene.handle = (_, signal) =>
      new Promise(resolve => {
        signal.addEventListener('abort', () => resolve({ retryAtMs: scene.nowMs, code: 'shutdown' }));
      });
    await scene.add('a', '1');
    await scene.add('a', '2');
    scene.outbox.wake();
    await eventually(() => scene.handled.length === 1);
    await scene.outbox.stop();
    assert.equal(scene.handled, ['a/1']);
    assert.is((await scene.store.outbox.pending('a')).length, 2);
    scene.outbox.wake();
    assert.is(scene.handled.length, 1);
  }));

test('a wake-up that comes just as a look ends is not lost, whatever the moment', () =>
  withStore(async store => {
    for (let turns = 0; turns < 16; turns++) {
      const handled: string[] = [];
      const topic = `late-${turns}`;
      let looks = 0;
      // The first look misses a row that is added behind it; the wake-up for it comes so many turns later.
      const due: Store['outbox']['due'] = async (...args) => {
        looks += 1;
        if (looks > 1) return store.outbox.due(...args);
        await store.outbox.add([{ topic, key: 'one', payload: null, notBeforeMs: NOW_MS }]);
        let later: Promise<unknown> = Promise.resolve();
        for (let i = 0; i < turns; i++) later = later.then(() => undefined);
        void later.then(() => outbox.wake());
        return [];
      };
      const handler: OutboxHandler = {
        topic,
        handle: async row => {
          handled.push(row.key);
          return 'done';
        },
      };
      const outbox = makeOutbox({
        store: { ...store.outbox, due },
        handlers: [handler],
        nowMs: () => NOW_MS,
        random: () => 0.5,
        observe: () => undefined,
      });
      outbox.wake();
      for (let i = 0; i < 50 && handled.length === 0; i++)
        await new Promise(resolve => setTimeout(resolve, 10));
      assert.equal(handled, ['one'], `${turns} turns behind`);
      await outbox.stop();
    }
  }));

test('waits double from a second to five minutes, half of each at random', () => {
  const waits = (random: number) => [0, 1, 2, 8, 9, 500].map(n => retryDelayMs(n, () => random));
  assert.equal(waits(0), [500, 1_000, 2_000, 128_000, 150_000, 150_000]);
  assert.equal(waits(1), [1_000, 2_000, 4_000, 256_000, 300_000, 300_000]);
});

test('an effect that fails because the process ends keeps its row as it was', () =>
  withScene(async scene => {
    scene.handle = (_, signal) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () =>
          reject(new Fault('cancelled', 'the connection was closed', { retry: 'never' })),
        );
      });
    await scene.add('a', '1');
    scene.outbox.wake();
    await eventually(() => scene.handled.length === 1);
    await scene.outbox.stop();
    const [row] = await scene.store.outbox.pending('a');
    assert.is(row?.attempts, 0);
    assert.is(row?.notBeforeMs, NOW_MS);
    assert.equal(scene.events, []);
  }));

test.run();
