/** The end of a rollout, noticed once: over restarts, edits of words, halts, and counts that are of yesterday. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Snapshot } from '../../controller/domain/decision.ts';
import type { Event } from '../../controller/domain/event.ts';
import type { Halt } from '../../controller/domain/halt.ts';
import type { Notice } from '../../controller/domain/notice/notice.ts';
import { type FleetProgress, NO_PROGRESS } from '../../controller/domain/progress.ts';
import type { Counted } from '../../controller/ports/index.ts';
import type { Store } from '../../controller/store/store.ts';
import { type CompletionWatch, watchCompletion } from '../../controller/watch/completion.ts';
import { aRollout, aSnapshot, aState, NOW_MS } from '../support/state.ts';
import { withStore } from '../support/store.ts';

const DONE: FleetProgress = {
  ...NO_PROGRESS,
  enrolled: 10,
  active: 10,
  exposed: 10,
  seen: 10,
  offered: 10,
  running: 10,
};
const HALF: FleetProgress = { ...DONE, running: 5, waiting: 5 };
/** Each is applied at a moment of its own. */
let applied = 0;
function at(percent: number): Snapshot {
  applied += 1;
  return aSnapshot(aState({ rollout: percent }), { appliedAtMs: NOW_MS + applied });
}

interface Scene {
  readonly store: Store;
  picture: Snapshot;
  counted: Counted | undefined;
  readonly told: Notice[];
  readonly events: Event[];
  watch: CompletionWatch;
  restart(): void;
  count(progress: FleetProgress): void;
}

const withScene = (picture: Snapshot, use: (scene: Scene) => Promise<void>): Promise<void> =>
  withStore(async store => {
    const make = () =>
      watchCompletion({
        picture: () => scene.picture,
        progress: { last: () => scene.counted },
        history: store.history,
        values: store.keyValues,
        nowMs: () => NOW_MS,
        observe: e => void scene.events.push(e),
        promise: notice => {
          scene.told.push(notice);
          return [{ topic: 'notify:ops', key: String(scene.told.length), payload: null, notBeforeMs: 0 }];
        },
      });
    const scene: Scene = {
      store,
      picture,
      counted: undefined,
      told: [],
      events: [],
      watch: make(),
      restart: () => {
        scene.watch = make();
      },
      count: progress => {
        scene.counted = { picture: scene.picture, atMs: NOW_MS, progress };
      },
    };
    await use(scene);
  });

test('a completion is reported once, with its figures, and its row is committed together with the memory of it', () =>
  withScene(at(100), async scene => {
    const { store, told, events } = scene;
    await scene.watch.look();
    scene.count(HALF);
    await scene.watch.look();
    assert.equal(told, []);
    scene.count(DONE);
    await scene.watch.look();
    await scene.watch.look();
    scene.restart();
    await scene.watch.look();
    assert.is(told.length, 1);
    const [notice] = told;
    assert.equal(
      notice?.kind === 'completed' && [notice.running, notice.offered, notice.percent],
      [10, 10, 100],
    );
    assert.is((await store.outbox.pending('notify:ops')).length, 1);
    assert.equal(
      events.map(e => e.type),
      ['ota.rollout.completed'],
    );
  }));

test('a state from before the first look is not reported, later completions are', () =>
  withScene(at(50), async scene => {
    await scene.watch.begin();
    scene.count(DONE);
    await scene.watch.look();
    assert.is(scene.told.length, 0);
    scene.picture = at(100);
    scene.count(DONE);
    await scene.watch.look();
    assert.is(scene.told.length, 1);
    scene.restart();
    await scene.watch.begin();
    scene.picture = at(50);
    scene.count(DONE);
    await scene.watch.look();
    assert.is(scene.told.length, 2, 'back to an end that was reached before');
  }));

test('a count of the revision before, a halt or a suspend completes nothing', () =>
  withScene(at(50), async scene => {
    scene.count(DONE);
    scene.picture = at(100);
    await scene.watch.look();
    assert.is(scene.told.length, 0, 'the count is of the revision before');
    scene.count(DONE);
    const halt: Halt = {
      id: 1,
      buildId: 'b42',
      kind: 'hand',
      mode: 'halt',
      atMs: NOW_MS,
      by: 'admin:alice',
      reason: 'x',
      declared: false,
    };
    scene.picture = { ...scene.picture, halts: [halt] };
    await scene.watch.look();
    assert.is(scene.told.length, 0, 'halted since it was counted');
    const suspend = { reason: 'x', sinceMs: NOW_MS - 1, untilMs: NOW_MS + 1 };
    scene.picture = aSnapshot(aState({ rollout: { ...aRollout(100), suspend } }));
    scene.count(DONE);
    await scene.watch.look();
    assert.is(scene.told.length, 0, 'suspended');
  }));

test.run();
