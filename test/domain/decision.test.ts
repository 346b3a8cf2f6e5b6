import * as fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { bucketOf, isExposed } from '../../controller/domain/cohort.ts';
import {
  type Decision,
  type Device,
  decide,
  effectivePercent,
  isCanary,
  makeSnapshot,
  type Snapshot,
  targetFor,
} from '../../controller/domain/decision.ts';
import type { Halt } from '../../controller/domain/halt.ts';
import { isSuspended, percentAt } from '../../controller/domain/ramp/progress.ts';
import { allSigners, type Build, type Rollout, signerFor } from '../../controller/domain/release.ts';
import { aBuild, aRamp, aRollout, aSnapshot, aState, HOUR_MS, hexOf, NOW_MS } from '../support/state.ts';

const KEYS = ['key a', 'key b', 'key c'].map(hexOf);
const key = fc.constantFrom(...KEYS);
const percent = fc.integer({ min: 0, max: 10_000 }).map(n => n / 100);
const deviceId = fc.stringMatching(/^[A-Za-z0-9._:-]{1,64}$/);
const maybe = <T>(arb: fc.Arbitrary<T>) => fc.option(arb, { nil: undefined });

const build = (code: number): fc.Arbitrary<Build> =>
  fc
    .record({
      minSdk: fc.constantFrom(24, 26, 30, 33),
      signerFingerprint: key,
      signers: fc.constantFrom([], [{ minSdk: 33, fingerprint: KEYS[1] ?? '' }]),
      signerLineage: fc.subarray(KEYS, { maxLength: 2 }),
      withdrawn: fc.option(fc.constant({ reason: 'x', atMs: 0 }), { nil: undefined, freq: 5 }),
    })
    .map(over => aBuild(code, over));

const suspend = fc
  .record({
    from: fc.integer({ min: -72, max: 72 }),
    hours: fc.integer({ min: 1, max: 48 }),
  })
  .map(({ from, hours }) => ({
    reason: 'x',
    sinceMs: NOW_MS + from * HOUR_MS,
    untilMs: NOW_MS + (from + hours) * HOUR_MS,
  }));

const exposure: fc.Arbitrary<Rollout['exposure']> = fc.oneof(
  percent.map(p => ({ kind: 'percent' as const, percent: p })),
  fc
    .integer({ min: -96, max: 24 })
    .map(hours => aRamp(NOW_MS + hours * HOUR_MS, [1, 4], [10, 24], [50, 24], [100])),
);

const rollout = fc
  .record({
    current: fc.constantFrom('b41', 'b42'),
    exposure,
    cohortSeed: fc.constantFrom('', 'b42', 'b42.7'),
    canary: fc.record({
      tags: fc.subarray(['qa', 'lab']),
      devices: fc.array(deviceId, { maxLength: 2 }),
      cohorts: fc.constant([]),
    }),
    rollback: fc.boolean(),
    forceDowngrade: fc.boolean(),
    mustInstall: fc.boolean(),
    suspend: fc.option(suspend, { nil: undefined, freq: 3 }),
  })
  .map(over => aRollout({ ...over, lastSafe: over.current === 'b42' ? 'b41' : 'b42' }));

const snapshot: fc.Arbitrary<Snapshot> = fc
  .tuple(rollout, build(40), build(41), build(42), build(43), fc.subarray([41, 42]))
  .map(([r, ...rest]) => {
    const lost = rest.pop() as number[];
    const builds = rest as Build[];
    return aSnapshot(aState({ rollout: r, builds }), {
      missingArtifacts: new Set(
        builds.filter(b => lost.includes(b.versionCode) && lost.length === 1).map(b => b.sha256),
      ),
    });
  });

const device: fc.Arbitrary<Device> = fc.record({
  deviceId,
  tags: fc.subarray(['qa', 'lobby', 'lab']),
  versionCode: fc.constantFrom(0, 39, 40, 41, 42, 43, 99),
  buildId: maybe(fc.constantFrom('b41', 'b42', 'b42-hotfix')),
  sdk: maybe(fc.constantFrom(24, 26, 29, 30, 33, 35)),
  signer: maybe(key),
});

const moment = fc.integer({ min: -100, max: 100 }).map(h => NOW_MS + h * HOUR_MS);

/** Judges offers alone; holds pass. */
const everyOffer = (
  holds: (o: Decision & { kind: 'offer' }, s: Snapshot, d: Device, nowMs: number) => boolean,
) =>
  fc.assert(
    fc.property(snapshot, device, moment, (s, d, nowMs) => {
      const decision = decide(s, d, nowMs);
      return decision.kind === 'hold' || holds(decision, s, d, nowMs);
    }),
    { numRuns: 3_000 },
  );

test('no withdrawn build is ever offered', () => {
  everyOffer(o => o.build.withdrawn === undefined);
});

test('an older build is offered only by force, over a declared build, and says so', () => {
  everyOffer((o, s, d) => {
    if (o.build.versionCode > d.versionCode) return !o.forceDowngrade;
    return (
      o.build.versionCode < d.versionCode &&
      o.forceDowngrade &&
      s.rollout.forceDowngrade &&
      s.buildsByCode.has(d.versionCode)
    );
  });
});

test('no build is offered to a device below its min_sdk', () => {
  everyOffer((o, _s, d) => d.sdk === undefined || d.sdk >= o.build.minSdk);
});

test('nothing is offered while suspended', () => {
  everyOffer((_o, s, _d, nowMs) => !isSuspended(s.rollout, nowMs));
});

test('current is never offered under rollback', () => {
  everyOffer((o, s) => !s.rollout.rollback || (o.build === s.lastSafe && o.eligibleBy === 'rollback'));
});

test('every offer is installable by what is known of the signer', () => {
  everyOffer((o, s, d) => {
    const wanted = signerFor(o.build, d.sdk);
    if (o.signerFingerprint !== wanted) return false;
    if (o.forceDowngrade) {
      const under = s.buildsByCode.get(d.versionCode);
      return (
        under !== undefined &&
        signerFor(under, d.sdk) === wanted &&
        (d.signer === undefined || d.signer === wanted)
      );
    }
    const mine = d.sdk === undefined ? allSigners(o.build) : [wanted];
    return d.signer === undefined || mine.includes(d.signer) || o.build.signerLineage.includes(d.signer);
  });
});

test('current reaches canaries and exposed buckets alone, and an agent that checks its bucket agrees', () => {
  everyOffer((o, s, d) => {
    const bucket = bucketOf(d.deviceId, s.rollout.cohortSeed);
    if (o.eligibleBy === 'canary') return isCanary(s, d) && o.build === s.current;
    if (o.eligibleBy !== 'rollout') return o.build === s.lastSafe && o.stagedRolloutPercent === 100;
    return (
      o.build === s.current &&
      o.stagedRolloutPercent === percentAt(s.rollout, s.progress) &&
      isExposed(bucket, o.stagedRolloutPercent)
    );
  });
});

test('no lost APK is offered, and must_install only where current is pushed or a downgrade forced', () => {
  everyOffer(
    (o, s) =>
      !s.missingArtifacts.has(o.build.sha256) &&
      (!o.mustInstall ||
        (s.rollout.mustInstall &&
          (o.forceDowngrade || o.eligibleBy === 'canary' || o.eligibleBy === 'rollout'))),
  );
});

test('whatever is offered may be downloaded', () => {
  everyOffer((o, s, d, nowMs) => {
    const target = targetFor(s, d, nowMs);
    return target.kind === 'target' && target.build === o.build;
  });
});

test('a download is authorised whatever version the device claims', () => {
  fc.assert(
    fc.property(snapshot, device, moment, fc.integer({ min: 0, max: 99 }), (s, d, nowMs, versionCode) => {
      assert.equal(targetFor(s, d, nowMs), targetFor(s, { ...d, versionCode }, nowMs));
    }),
  );
});

const frozen = <T>(value: T): T => {
  if (value !== null && typeof value === 'object' && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const inner of Object.values(value)) frozen(inner);
  }
  return value;
};

test('a decision depends on nothing but its inputs', () => {
  fc.assert(
    fc.property(snapshot, device, moment, (s, d, nowMs) => {
      const first = JSON.stringify(decide(frozen(s), frozen(d), nowMs));
      decide(s, { ...d, deviceId: 'another', versionCode: 0 }, nowMs + HOUR_MS);
      const copy = makeSnapshot(structuredClone(s.state), {
        revision: 'another',
        appliedAtMs: 0,
        progress: structuredClone(s.progress),
        missingArtifacts: new Set(s.missingArtifacts),
      });
      return first === JSON.stringify(decide(copy, structuredClone(d), nowMs));
    }),
    { numRuns: 1_000 },
  );
});

test('the order of tags, canaries and builds is irrelevant', () => {
  fc.assert(
    fc.property(snapshot, device, moment, (s, d, nowMs) => {
      const { rollout: r, builds, cohorts, policy } = s.state;
      const turned = makeSnapshot(
        {
          rollout: {
            ...r,
            canary: {
              ...r.canary,
              tags: [...r.canary.tags].reverse(),
              devices: [...r.canary.devices].reverse(),
            },
          },
          builds: new Map([...builds].reverse()),
          cohorts,
          policy,
        },
        { revision: '', appliedAtMs: 0, progress: s.progress, missingArtifacts: s.missingArtifacts },
      );
      const device2 = { ...d, tags: [...d.tags].reverse() };
      assert.equal(decide(turned, device2, nowMs), decide(s, d, nowMs));
    }),
    { numRuns: 1_000 },
  );
});

test('raising a percent never takes the offer of current away', () => {
  fc.assert(
    fc.property(snapshot, device, percent, percent, (s, d, a, b) => {
      const at = (p: number) =>
        decide(
          aSnapshot({ ...s.state, rollout: { ...s.rollout, exposure: { kind: 'percent', percent: p } } }),
          d,
          NOW_MS,
        );
      const low = at(Math.min(a, b));
      const high = at(Math.max(a, b));
      return (
        low.kind === 'hold' || low.build !== s.current || (high.kind === 'offer' && high.build === s.current)
      );
    }),
    { numRuns: 2_000 },
  );
});

test('10 %, then 50 %, then 100 % of 10,000 devices: within 2 points, and each set holds the one before', () => {
  const ids = Array.from({ length: 10_000 }, (_, n) => `kiosk-${n}`);
  const offered = (p: number) => {
    const s = aSnapshot(aState({ rollout: p }));
    return ids.filter(id => {
      const d = decide(s, { deviceId: id, tags: [], versionCode: 41 }, NOW_MS);
      return d.kind === 'offer' && d.build.buildId === 'b42';
    });
  };
  let before: string[] = [];
  for (const p of [1, 5, 10, 25, 50, 100]) {
    const now = offered(p);
    assert.ok(Math.abs(now.length / 100 - p) <= 2, `${p} % came to ${now.length / 100} %`);
    const set = new Set(now);
    assert.ok(
      before.every(id => set.has(id)),
      `${p} % re-cohorted devices`,
    );
    before = now;
  }
});

test('the effective percent is 0 under rollback, suspension and withdrawal, else the declared one', () => {
  const of = (over: Partial<Rollout>, builds?: Build[]) =>
    effectivePercent(
      aSnapshot(aState({ rollout: over, ...(builds === undefined ? {} : { builds }) })),
      NOW_MS,
    );
  assert.is(of({}), 10);
  assert.is(of({ rollback: true }), 0);
  assert.is(of({ suspend: { reason: 'x', sinceMs: NOW_MS, untilMs: NOW_MS + 1 } }), 0);
  assert.is(of({ suspend: { reason: 'x', sinceMs: NOW_MS - 1, untilMs: NOW_MS } }), 10);
  assert.is(of({}, [aBuild(41), aBuild(42, { withdrawn: { reason: 'x', atMs: 0 } })]), 0);
});

test('a halt takes current from everybody, canaries too, and counts as no exposure', () => {
  const halt: Halt = {
    id: 1,
    buildId: 'b42',
    kind: 'gate',
    mode: 'halt',
    atMs: NOW_MS,
    by: 'gate',
    reason: 'x',
    declared: false,
  };
  const halted = (parts: Parameters<typeof aState>[0], over: Partial<Halt> = {}): Snapshot => ({
    ...aSnapshot(aState(parts)),
    halts: [{ ...halt, ...over }],
  });
  const device = (versionCode: number): Device => ({
    deviceId: 'kiosk-7',
    tags: ['qa'],
    versionCode,
    buildId: undefined,
    sdk: undefined,
    signer: undefined,
  });
  const told = (snapshot: Snapshot, versionCode: number) => {
    const decision = decide(snapshot, device(versionCode), NOW_MS);
    return decision.kind === 'offer' ? `${decision.build.buildId} ${decision.eligibleBy}` : decision.reason;
  };
  const rollout = { canary: { tags: ['qa'], devices: [], cohorts: [] } };
  assert.is(told(aSnapshot(aState({ rollout })), 41), 'b42 canary');
  assert.is(told(halted({ rollout }), 41), 'outside_cohort');
  assert.is(told(halted({ rollout: 100 }), 40), 'b41 baseline');
  assert.is(effectivePercent(aSnapshot(aState({ rollout: 100 })), NOW_MS), 100);
  assert.is(effectivePercent(halted({ rollout: 100 }), NOW_MS), 0);

  assert.is(told(halted({ rollout: 100 }, { mode: 'rollback' }), 40), 'b41 rollback');
  assert.is(told(halted({ rollout: 100 }, { mode: 'rollback' }), 42), 'ahead');
  const withdrawn = [aBuild(41, { withdrawn: { reason: 'x', atMs: 0 } }), aBuild(42)];
  assert.is(told(halted({ rollout: 100, builds: withdrawn }, { mode: 'rollback' }), 42), 'outside_cohort');
  const alone = aRollout({ lastSafe: undefined, exposure: { kind: 'percent', percent: 100 } });
  assert.is(told(halted({ rollout: alone }, { mode: 'rollback' }), 42), 'outside_cohort');
});

test('a rollback to no build at all holds', () => {
  const snapshot = aSnapshot(aState({ rollout: { lastSafe: undefined, rollback: true } }));
  const device = {
    deviceId: 'kiosk-7',
    tags: [],
    versionCode: 42,
    buildId: undefined,
    sdk: 30,
    signer: undefined,
  };
  assert.equal(decide(snapshot, device, NOW_MS), { kind: 'hold', reason: 'withdrawn' });
});

test('a snapshot whose current is not declared is our own bug', () => {
  const state = aState({ builds: [aBuild(41)] });
  assert.throws(
    () => makeSnapshot(state, { revision: '', appliedAtMs: 0, progress: undefined }),
    /assertion/,
  );
});

test.run();
