import * as fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { bucketOf, isExposed } from '../../../controller/domain/cohort.ts';
import { decide } from '../../../controller/domain/decision.ts';
import { countFleet, type FleetDevice } from '../../../controller/domain/plan/fleet.ts';
import { plan } from '../../../controller/domain/plan/index.ts';
import { renderPlanMarkdown } from '../../../controller/domain/plan/markdown.ts';
import { renderPlanText } from '../../../controller/domain/plan/text.ts';
import type { Rollout } from '../../../controller/domain/release.ts';
import type { Standing } from '../../../controller/domain/standing.ts';
import { pictureOf } from '../../../controller/domain/standing.ts';
import {
  aBuild,
  aRamp,
  aStanding,
  aState,
  HOUR_MS,
  NOW_MS,
  OTHER_SIGNER,
  SIGNER,
  type StateParts,
} from '../../support/state.ts';

const stand = (parts: StateParts = {}): Standing => aStanding(aState(parts));
const TRIO = [aBuild(40), aBuild(41), aBuild(42)];
const full: Partial<Rollout> = {
  current: 'b41',
  lastSafe: 'b40',
  exposure: { kind: 'percent', percent: 100 },
};
const fleet = (count: number, over: Partial<FleetDevice> = {}): FleetDevice[] =>
  Array.from({ length: count }, (_, n) => ({ deviceId: `kiosk-${n}`, tags: [], versionCode: 41, ...over }));

test('a promotion at 10 %: actual beside nominal, offers and bytes for each step', () => {
  const p = plan(stand({ rollout: full, builds: TRIO }), stand({ builds: TRIO }), NOW_MS);
  const counted = countFleet(p, fleet(2_000));
  assert.equal(
    counted.steps.map(s => [s.percent, s.nominalDevices]),
    [
      [1, 20],
      [5, 100],
      [10, 200],
      [25, 500],
      [50, 1000],
      [100, 2000],
    ],
  );
  const tenth = counted.steps[2];
  assert.is(tenth?.actualDevices, counted.newOffers);
  assert.ok(Math.abs((tenth?.actualDevices ?? 0) - 200) <= 40);
  assert.is(counted.bytes, counted.newOffers * aBuild(42).sizeBytes);
  assert.is(counted.steps.at(-1)?.bytes, 2_000 * aBuild(42).sizeBytes);
});

test('the plan’s own percentages are steps too, a ramp’s and a plain one', () => {
  const ramp = aRamp(NOW_MS, [2, 1], [20, 1], [100]);
  const percents = (head: StateParts) =>
    countFleet(plan(stand(), stand(head), NOW_MS), fleet(10)).steps.map(s => s.percent);
  assert.equal(percents({ rollout: { exposure: ramp } }), [2, 5, 10, 20, 25, 50, 100]);
  assert.equal(percents({ rollout: 33.33 }), [10, 25, 33.33, 50, 100]);
  assert.equal(percents({ rollout: { rollback: true } }), []);
});

test('a raise counts only the devices that were not offered the build before', () => {
  const p = plan(stand({ rollout: 10 }), stand({ rollout: 50 }), NOW_MS);
  const counted = countFleet(p, fleet(2_000));
  const step = (percent: number) => counted.steps.find(s => s.percent === percent);
  assert.is(step(10)?.newOffers, 0);
  assert.is(counted.newOffers, (step(50)?.actualDevices ?? 0) - (step(10)?.actualDevices ?? 0));
});

test('a narrowing says how many leave, how many of them keep the build, and compares with nothing below it', () => {
  const p = plan(stand({ rollout: 50 }), stand({ rollout: 10 }), NOW_MS);
  const devices = fleet(1_000).map((d, n) => ({ ...d, versionCode: n % 2 === 0 ? 42 : 41 }));
  const counted = countFleet(p, devices);
  const inside = (percent: number) => devices.filter(d => isExposed(bucketOf(d.deviceId, ''), percent));
  const left = inside(50).filter(d => !inside(10).includes(d));
  assert.is(counted.leaving, left.length);
  assert.is(counted.leavingWithCurrent, left.filter(d => d.versionCode === 42).length);
  assert.equal(
    counted.steps.map(s => s.percent),
    [10, 25, 50, 100],
  );
  const text = renderPlanText(p, { fleet: counted });
  assert.match(
    text,
    new RegExp(`${left.length} devices leave the rollout of b42, which narrows to 10 %; \\d+ of them`),
  );
  const raise = countFleet(plan(stand({ rollout: 10 }), stand({ rollout: 50 }), NOW_MS), devices);
  assert.is(raise.leaving, 0);
  assert.is(
    countFleet(plan(stand({ rollout: 50 }), stand({ rollout: { rollback: true } }), NOW_MS), devices).leaving,
    0,
  );
});

test('canaries that nobody answers to are pointed out: tags by name, devices as a count', () => {
  const canary = { tags: ['qa', 'gate'], devices: ['kiosk-1', 'kisok-2'], cohorts: [] };
  const p = plan(stand(), stand({ rollout: { canary } }), NOW_MS);
  const counted = countFleet(p, [...fleet(3), { deviceId: 'lab-1', tags: ['qa'], versionCode: 41 }]);
  assert.equal(counted.strayCanaries, { tags: ['gate'], devices: 1 });
  const text = renderPlanText(p, { fleet: counted });
  assert.match(text, /no enrolled device carries the canary tag gate\n/);
  assert.match(text, /1 canary device named but not enrolled: a typo\?/);
  assert.not.match(text, /kisok/);
  assert.match(renderPlanMarkdown(p, { fleet: counted }), /canary tag gate/);
});

test('a build for newer Android says how many devices it cuts off', () => {
  const builds = [aBuild(40), aBuild(41), aBuild(42, { minSdk: 30 })];
  const p = plan(stand({ rollout: full, builds: TRIO }), stand({ builds }), NOW_MS);
  const sdks = [25, 26, 29, 30, 33].map((sdk, n) => ({ deviceId: `d-${n}`, tags: [], versionCode: 41, sdk }));
  const counted = countFleet(p, [...sdks, ...fleet(1)]);
  assert.is(counted.cutOff, 2, 'SDK 25 could not take the build before either');
  assert.match(
    renderPlanText(p, { fleet: counted }),
    /2 devices cut off: Android on them is too old for b42/,
  );
});

test('a last_safe that was never offered to all says how many run it', () => {
  const builds = [...TRIO, aBuild(43)];
  const p = plan(stand({ builds }), stand({ rollout: { current: 'b43', lastSafe: 'b42' }, builds }), NOW_MS);
  const counted = countFleet(p, [...fleet(3), { deviceId: 'early', tags: [], versionCode: 42 }]);
  assert.match(
    renderPlanText(p, { fleet: counted }),
    /1 of 4 devices run b42, which becomes last_safe for all devices outside the rollout/,
  );
});

test('canaries are counted apart and are offered current at every step', () => {
  const canary = { tags: ['qa'], devices: ['kiosk-1'], cohorts: [] };
  const p = plan(
    stand({ rollout: 0 }),
    stand({ rollout: { canary, exposure: { kind: 'percent', percent: 0 } } }),
    NOW_MS,
  );
  const counted = countFleet(p, [
    ...fleet(3),
    { deviceId: 'lab-1', tags: ['qa'], versionCode: 41 },
    { deviceId: 'lab-2', tags: ['qa'], versionCode: 42 },
  ]);
  assert.equal([counted.devices, counted.canaries, counted.newOffers], [5, 3, 2]);
});

test('a forced rollback counts who is told to go back, a plain one who stays', () => {
  const devices = [
    ...fleet(5, { versionCode: 42 }),
    ...fleet(3).map(d => ({ ...d, deviceId: `${d.deviceId}x` })),
  ];
  const counted = (over: Partial<Rollout>) =>
    countFleet(plan(stand(), stand({ rollout: over }), NOW_MS), devices);
  const plain = counted({ rollback: true });
  assert.equal([plain.forcedBack, plain.ahead, plain.newOffers], [0, 5, 0]);
  const forced = counted({ rollback: true, forceDowngrade: true, reason: 'x' });
  assert.equal([forced.forcedBack, forced.ahead, forced.newOffers], [5, 0, 5]);
  assert.is(forced.bytes, 5 * aBuild(41).sizeBytes);
});

test('a device that never checked in counts as a fresh one, one of another key is kept back', () => {
  const p = plan(stand({ rollout: 0 }), stand({ rollout: 100 }), NOW_MS);
  const counted = countFleet(p, [
    { deviceId: 'new', tags: [], versionCode: undefined },
    { deviceId: 'strange', tags: [], versionCode: 41, signer: OTHER_SIGNER },
    { deviceId: 'usual', tags: [], versionCode: 41, signer: SIGNER },
  ]);
  assert.equal([counted.neverSeen, counted.signerMismatch, counted.newOffers], [1, 1, 2]);
});

test('while suspended nothing is offered at once, and the steps say what will be', () => {
  const suspend = { reason: 'x', sinceMs: NOW_MS, untilMs: NOW_MS + HOUR_MS };
  const p = plan(
    stand({ rollout: full, builds: TRIO }),
    stand({ rollout: { suspend }, builds: TRIO }),
    NOW_MS,
  );
  const counted = countFleet(p, fleet(500));
  assert.is(counted.newOffers, 0);
  assert.ok((counted.steps.find(s => s.percent === 10)?.newOffers ?? 0) > 0);
});

test('an empty fleet counts nothing', () => {
  const counted = countFleet(plan(stand(), stand({ rollout: 50 }), NOW_MS), []);
  assert.equal([counted.devices, counted.newOffers, counted.bytes], [0, 0, 0]);
});

test('each step is what decisions at that percentage come to, counted one by one', () => {
  const device = fc.record({
    deviceId: fc.stringMatching(/^[a-z0-9-]{1,12}$/),
    tags: fc.subarray(['qa']),
    versionCode: fc.constantFrom(0, 40, 41, 42, 99),
    sdk: fc.constantFrom(24, 30),
    signer: fc.constantFrom(SIGNER, OTHER_SIGNER),
  });
  const canary = { tags: ['qa'], devices: [], cohorts: [] };
  fc.assert(
    fc.property(fc.array(device, { maxLength: 30 }), fc.boolean(), (devices, force) => {
      const base = stand({ rollout: full, builds: TRIO });
      const parts = { canary, forceDowngrade: force, cohortSeed: 'b42' };
      const p = plan(base, stand({ rollout: parts, builds: TRIO }), NOW_MS);
      const before = pictureOf(base, NOW_MS);
      for (const step of countFleet(p, devices).steps) {
        const head = stand({
          rollout: { ...parts, exposure: { kind: 'percent', percent: step.percent } },
          builds: TRIO,
        });
        const after = pictureOf(head, NOW_MS);
        const offered = devices.filter(d => {
          const [was, is] = [decide(before, d, NOW_MS), decide(after, d, NOW_MS)];
          return is.kind === 'offer' && !(was.kind === 'offer' && was.build.buildId === is.build.buildId);
        });
        assert.is(step.newOffers, offered.length);
      }
    }),
  );
});

test.run();
