/** Who is exposed, offered and running, and when a rollout is done. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { bucketOf, isExposed } from '../../controller/domain/cohort.ts';
import type { Snapshot } from '../../controller/domain/decision.ts';
import {
  type CountedDevice,
  type FleetProgress,
  hasArrived,
  MAX_NAMED,
  NO_PROGRESS,
  progressCounter,
  subjectOf,
  waitsOf,
} from '../../controller/domain/progress.ts';
import {
  aBuild,
  aCohort,
  aRamp,
  aSnapshot,
  aState,
  DAY_MS,
  HOUR_MS,
  hexOf,
  NOW_MS,
  OTHER_SIGNER,
  type StateParts,
} from '../support/state.ts';

const WINDOW_MS = 3 * DAY_MS;

const aDevice = (deviceId: string, over: Partial<CountedDevice> = {}): CountedDevice => ({
  deviceId,
  tags: [],
  versionCode: 41,
  buildId: 'b41',
  sdk: 33,
  lastSeenMs: NOW_MS - HOUR_MS,
  ...over,
});

const on42 = { versionCode: 42, buildId: 'b42' } as const;

function countOf(picture: Snapshot, devices: readonly CountedDevice[], nowMs = NOW_MS): FleetProgress {
  const counter = progressCounter(picture, nowMs, WINDOW_MS);
  for (const device of devices) counter.add(device);
  return counter.result();
}

const inForce = (parts: StateParts): Snapshot => aSnapshot(aState(parts));

test('exposed are canaries by tag, by list and by cohort file, and the devices below the percentage', () => {
  const ids = Array.from({ length: 300 }, (_, i) => `d${i}`);
  const below = ids.filter(id => isExposed(bucketOf(id, ''), 10));
  const picture = inForce({
    rollout: { canary: { tags: ['qa'], devices: ['kiosk-7'], cohorts: ['lab'] } },
    cohorts: [aCohort('lab', { devices: ['lab-1'], tags: ['bench'] })],
  });
  const progress = countOf(picture, [
    ...ids.map(id => aDevice(id)),
    aDevice('tagged', { tags: ['qa'] }),
    aDevice('kiosk-7', on42),
    aDevice('lab-1'),
    aDevice('lab-2', { tags: ['bench'], lastSeenMs: undefined }),
  ]);
  assert.is(progress.enrolled, 304);
  assert.is(progress.active, 303);
  assert.is(progress.exposed, below.length + 4);
  assert.is(progress.seen, below.length + 3);
  assert.is(progress.offered, below.length + 3);
  assert.is(progress.running, 1);
  assert.is(progress.waiting, below.length + 2);
  assert.equal(progress.canaries, { exposed: 4, offered: 3, running: 1 });
  assert.equal(progress.named.unseen, ['lab-2']);
});

test('the edge of the window is inside it, and a device that named no build counts by its version', () => {
  const progress = countOf(inForce({ rollout: 100 }), [
    aDevice('edge', { lastSeenMs: NOW_MS - WINDOW_MS, versionCode: 42, buildId: undefined }),
    aDevice('late', { lastSeenMs: NOW_MS - WINDOW_MS - 1, ...on42 }),
    aDevice('other', { versionCode: 42, buildId: 'mine' }),
  ]);
  assert.equal([progress.exposed, progress.seen, progress.running], [3, 2, 1]);
  assert.equal(progress.held, [{ reason: 'up_to_date', devices: 1 }]);
});

test('held is who should run it and cannot be offered it; a device that another build suits is not exposed', () => {
  const picture = inForce({
    rollout: 100,
    builds: [aBuild(41), aBuild(42, { minSdk: 30 })],
  });
  const progress = countOf(picture, [
    aDevice('foreign', { signer: OTHER_SIGNER }),
    aDevice('old-android', { sdk: 28 }),
    aDevice('fine'),
  ]);
  assert.equal(progress.held, [{ reason: 'signer_mismatch', devices: 1 }]);
  assert.equal([progress.exposed, progress.offered, progress.waiting], [2, 2, 1]);
  const lost = aSnapshot(aState({ rollout: 100 }), { missingArtifacts: new Set([aBuild(42).sha256]) });
  assert.equal(countOf(lost, [aDevice('d1')]).held, [{ reason: 'artifact_missing', devices: 1 }]);
});

test('a rollback leads everybody to last_safe, and those on the newer build stay', () => {
  const progress = countOf(
    inForce({ rollout: { rollback: true, canary: { tags: ['qa'], devices: [], cohorts: [] } } }),
    [
      aDevice('old', { versionCode: 40, buildId: 'b40' }),
      aDevice('there'),
      aDevice('ahead', { ...on42, tags: ['qa'] }),
    ],
  );
  assert.equal([progress.exposed, progress.seen, progress.offered], [3, 3, 2]);
  assert.equal([progress.running, progress.waiting, progress.staying], [1, 1, 1]);
  assert.equal(progress.canaries, { exposed: 0, offered: 0, running: 0 });
});

test('a withdrawn build leads back as a rollback does', () => {
  const withdrawn = { reason: 'crash loop', atMs: NOW_MS };
  const picture = inForce({ rollout: 50, builds: [aBuild(41), aBuild(42, { withdrawn })] });
  assert.equal([subjectOf(picture).buildId, subjectOf(picture).kind], ['b41', 'rollback']);
  const progress = countOf(picture, [aDevice('there'), aDevice('ahead', on42)]);
  assert.equal([progress.running, progress.staying, progress.held], [1, 1, []]);
  assert.equal(waitsOf('rollback', progress, hasArrived(picture)), []);
});

test('a suspend narrows nothing, and the ramp under it stands still', () => {
  const ids = Array.from({ length: 200 }, (_, i) => `d${i}`);
  const suspend = { reason: 'holiday', sinceMs: NOW_MS, untilMs: NOW_MS + DAY_MS };
  const state = aState({ rollout: { exposure: aRamp(NOW_MS - HOUR_MS, [10, 2], [100]), suspend } });
  const picture = aSnapshot(state);
  const during = countOf(
    picture,
    ids.map(id => aDevice(id, { lastSeenMs: NOW_MS + 9 * HOUR_MS })),
    NOW_MS + 10 * HOUR_MS,
  );
  assert.is(during.exposed, ids.filter(id => isExposed(bucketOf(id, ''), 10)).length);
});

test('at most a few devices are named', () => {
  const progress = countOf(
    inForce({ rollout: 100 }),
    Array.from({ length: 50 }, (_, i) => aDevice(`d${i}`, i % 2 === 0 ? {} : { lastSeenMs: undefined })),
  );
  assert.is(progress.named.waiting.length, MAX_NAMED);
  assert.is(progress.named.unseen.length, MAX_NAMED);
  assert.is(progress.waiting, 25);
});

test('nobody is counted without devices', () => {
  assert.equal(countOf(inForce({}), []), NO_PROGRESS);
});

test('a ramp has arrived at its last step, a plain percent and a rollback at once', () => {
  const ramp = { exposure: aRamp(NOW_MS, [10, 2], [100]) };
  const after = (ms: number) => aSnapshot(aState({ rollout: ramp }), { appliedAtMs: NOW_MS + ms });
  assert.is(hasArrived(after(-1)), false);
  assert.is(hasArrived(after(2 * HOUR_MS - 1)), false);
  assert.is(hasArrived(after(2 * HOUR_MS)), true);
  assert.is(hasArrived(inForce({ rollout: 10 })), true);
  assert.is(hasArrived(inForce({ rollout: { ...ramp, rollback: true } })), true);
});

type Counts = Parameters<typeof waitsOf>[1];
const counts = (over: Partial<Counts> = {}): Counts => ({
  exposed: 200,
  seen: 200,
  offered: 200,
  running: 200,
  canaries: { exposed: 0, offered: 0, running: 0 },
  ...over,
});
const waits = (over: Partial<Counts>, arrived = true): string[] =>
  waitsOf('rollout', counts(over), arrived).map(w => w.for);

test('done: 99 of 100 run it, half were seen, and every canary runs it', () => {
  assert.equal(waits({}), []);
  assert.equal(waits({ running: 198 }), []);
  assert.equal(waits({ running: 197 }), ['running']);
  assert.equal(waits({ seen: 100, offered: 100, running: 100 }), []);
  assert.equal(waits({ seen: 99, offered: 99, running: 99 }), ['seen']);
  assert.equal(waits({ canaries: { exposed: 4, offered: 3, running: 2 } }), ['canaries']);
  assert.equal(waits({ canaries: { exposed: 4, offered: 3, running: 3 } }), []);
  assert.equal(waits({}, false), ['step']);
});

test('below a hundred devices all of them are meant; an odd half is rounded up', () => {
  assert.equal(waits({ exposed: 99, seen: 99, offered: 99, running: 98 }), ['running']);
  assert.equal(waits({ exposed: 7, seen: 3, offered: 3, running: 3 }), ['seen']);
  assert.equal(waits({ exposed: 7, seen: 4, offered: 4, running: 4 }), []);
});

test('a goal of other percents is met at exactly those', () => {
  const goal = { targetPercent: 28, minSeenPercent: 7 };
  const at = (running: number, seen: number) =>
    waitsOf('rollout', counts({ seen, offered: 100, running }), true, goal).map(w => w.for);
  assert.equal(at(28, 14), []);
  assert.equal(at(27, 13), ['seen', 'running']);
  assert.equal(
    waitsOf('rollout', counts({ seen: 0, offered: 0, running: 0 }), true, {
      targetPercent: 99,
      minSeenPercent: 0,
    }),
    [{ for: 'seen', have: 0, need: 1 }],
    'with nobody seen nothing is known',
  );
});

test('nobody exposed is never done, but a rollback of an empty fleet is', () => {
  const none = counts({ exposed: 0, seen: 0, offered: 0, running: 0 });
  assert.equal(waitsOf('rollout', none, true), [{ for: 'exposed' }]);
  assert.equal(waitsOf('rollback', none, true), []);
});

test('every device is in one place', () => {
  const devices = Array.from({ length: 400 }, (_, i) => {
    const h = Number.parseInt(hexOf(`place ${i}`).slice(0, 6), 16);
    return aDevice(`p${i}`, {
      versionCode: [undefined, 40, 41, 42, 43][h % 5],
      buildId: undefined,
      tags: h % 11 === 0 ? ['qa'] : [],
      sdk: h % 7 === 0 ? 20 : 33,
      signer: h % 13 === 0 ? OTHER_SIGNER : undefined,
      lastSeenMs: h % 3 === 0 ? undefined : NOW_MS,
    });
  });
  for (const rollback of [false, true]) {
    const p = countOf(
      inForce({ rollout: { rollback, canary: { tags: ['qa'], devices: [], cohorts: [] } } }),
      devices,
    );
    const held = p.held.reduce((sum, h) => sum + h.devices, 0);
    assert.is(p.offered, p.running + p.waiting + held);
    assert.is(p.seen, p.offered + p.staying);
    assert.ok(p.seen <= p.exposed && p.exposed <= p.enrolled && p.seen <= p.active);
  }
});

test.run();
