/** How long memory is trusted while the database is away. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { decide, effectivePercent, makeSnapshot, targetFor } from '../../controller/domain/decision.ts';
import type { Event } from '../../controller/domain/event.ts';
import { explain } from '../../controller/domain/explain.ts';
import { Fault } from '../../controller/domain/fault.ts';
import { watchDatabase } from '../../controller/watch/database.ts';
import { aState, NOW_MS } from '../support/state.ts';

function aScene() {
  const events: Event[] = [];
  const scene = { nowMs: 1_000, pausedMs: 0, away: false, reach: async () => {}, events };
  scene.reach = async () => {
    if (scene.away) throw new Fault('store_unreachable', 'nobody answers', { retry: 'backoff' });
  };
  const watch = watchDatabase({
    check: () => scene.reach(),
    monotonicMs: () => scene.nowMs,
    wallMs: () => NOW_MS + scene.nowMs + scene.pausedMs,
    staleMs: 60_000,
    observe: event => void events.push(event),
  });
  return { scene, watch };
}

test('the database is stale after the limit without an answer, and fresh with the first answer', async () => {
  const { scene, watch } = aScene();
  scene.away = true;
  scene.nowMs += 60_000;
  await watch.look();
  await watch.look();
  assert.is(watch.reachable, false);
  assert.is(watch.stale, false);
  scene.nowMs += 1;
  assert.is(watch.stale, true, 'without a look: a controller that was paused wakes so');
  await watch.look();
  await watch.look();
  scene.away = false;
  await watch.look();
  assert.is(watch.stale, false);
  assert.is(watch.reachable, true);
  assert.is(watch.ageMs, 0);
  assert.equal(scene.events, [
    { type: 'ota.database.fail', code: 'store_unreachable', message: 'nobody answers' },
    { type: 'ota.database.stale', awayMs: 60_001 },
    { type: 'ota.database.ok', awayMs: 60_001 },
  ]);
});

test('a machine that was paused as a whole is stale when it wakes, and a clock that is set back hides nothing', async () => {
  const { scene, watch } = aScene();
  scene.pausedMs += 3_600_000;
  assert.is(watch.stale, true, 'its own time stood still');
  await watch.look();
  assert.is(watch.stale, false);
  scene.pausedMs -= 3_600_000;
  scene.nowMs += 60_001;
  assert.is(watch.stale, true);
});

test('the age of an answer counts from its query, and a query that waits makes the database unreachable', async () => {
  const { scene, watch } = aScene();
  let answer: () => void = () => undefined;
  scene.reach = () => new Promise(resolve => (answer = resolve));
  const looking = watch.look();
  scene.nowMs += 20_000;
  assert.is(watch.reachable, false);
  answer();
  await looking;
  assert.is(watch.ageMs, 20_000);
});

test('a stale picture offers nothing to anybody, and says why', () => {
  const { scene, watch } = aScene();
  const snapshot = makeSnapshot(aState(), {
    revision: 'a'.repeat(40) as never,
    appliedAtMs: NOW_MS,
    progress: undefined,
  });
  const guarded = watch.guard({ snapshot });
  assert.is(guarded.snapshot, snapshot, 'the very same while the database answers');
  scene.nowMs += 60_001;
  const frozen = guarded.snapshot;
  if (frozen === undefined) throw new Error('a snapshot');
  assert.is(guarded.snapshot, frozen, 'made once');
  const device = { deviceId: 'kiosk-1' as never, tags: [], versionCode: 41 };
  const held = { kind: 'hold', reason: 'suspended' } as const;
  assert.equal(decide(frozen, device, NOW_MS), held);
  assert.equal(targetFor(frozen, device, NOW_MS), held);
  assert.is(effectivePercent(frozen, NOW_MS), 0);
  assert.match(explain(frozen, device, NOW_MS).steps[0]?.why ?? '', /has not reached its database/);
  scene.nowMs -= 60_001;
  assert.is(guarded.snapshot, snapshot);
});

test.run();
