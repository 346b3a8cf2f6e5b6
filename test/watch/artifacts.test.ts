/** The slow round over stored APKs. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Event } from '../../controller/domain/event.ts';
import { watchArtifacts } from '../../controller/watch/artifacts.ts';

const [A, B, C] = ['a', 'b', 'c'].map(digit => digit.repeat(64)) as [string, string, string];

interface Scene {
  readonly names: string[];
  readonly damaged: Set<string>;
  readonly kept: Map<string, string>;
  readonly read: string[];
  readonly distrusted: string[];
  readonly events: Event[];
  rechecks: number;
}

function aScene() {
  const scene: Scene = {
    names: [A, B, C],
    damaged: new Set(),
    kept: new Map(),
    read: [],
    distrusted: [],
    events: [],
    rechecks: 0,
  };
  const start = () =>
    watchArtifacts({
      artifacts: {
        list: async () => scene.names.map(sha256 => ({ sha256, sizeBytes: 1, storedAtMs: 0 })),
        check: async sha256 => {
          scene.read.push(sha256);
          return scene.damaged.has(sha256) ? 'damaged' : 'intact';
        },
      },
      values: {
        get: async key => scene.kept.get(key),
        set: async (key, value) => void scene.kept.set(key, value),
      },
      distrust: sha256 => void scene.distrusted.push(sha256),
      recheck: async () => {
        scene.rechecks += 1;
      },
      observe: event => void scene.events.push(event),
    });
  return { scene, start };
}

test('each turn reads one APK after the other, and a restart goes on where the round was', async () => {
  const { scene, start } = aScene();
  const watch = start();
  await watch.readNext();
  await watch.readNext();
  const after = start();
  for (let turn = 0; turn < 3; turn += 1) await after.readNext();
  assert.equal(scene.read, [A, B, C, A, B]);
  assert.is(scene.rechecks, 0);
});

test('a damaged APK is reported, no longer trusted, and checked again', async () => {
  const { scene, start } = aScene();
  scene.damaged.add(B);
  const watch = start();
  await watch.readNext();
  assert.equal([scene.distrusted, scene.rechecks], [[], 0]);
  await watch.readNext();
  assert.equal([scene.distrusted, scene.rechecks], [[B], 1]);
  assert.equal(scene.events, [{ type: 'ota.artifact.damaged', sha256: B }]);
});

test('an APK that was deleted or added between two turns does not stop the round', async () => {
  const { scene, start } = aScene();
  const watch = start();
  await watch.readNext();
  scene.names.splice(0, 2);
  await watch.readNext();
  scene.names.unshift(A);
  await watch.readNext();
  assert.equal(scene.read, [A, C, A]);
  scene.names.splice(0);
  await watch.readNext();
  assert.is(scene.read.length, 3);
});

test.run();
