import * as fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Halt } from '../../../controller/domain/halt.ts';
import { windowAt } from '../../../controller/domain/policy/freeze.ts';
import { approvalsNeeded, checkPolicy } from '../../../controller/domain/policy/index.ts';
import { renderPath } from '../../../controller/domain/problem.ts';
import { standingOnceApplied } from '../../../controller/domain/ramp/begin.ts';
import type { FreezeWindow, Policy, Rollout } from '../../../controller/domain/release.ts';
import type { Standing } from '../../../controller/domain/standing.ts';
import {
  aBuild,
  aPolicy,
  aRamp,
  aStanding,
  aState,
  HOUR_MS,
  NOW_MS,
  OTHER_SIGNER,
  SIGNER,
  type StateParts,
} from '../../support/state.ts';

const ALL = [aBuild(40), aBuild(41), aBuild(42), aBuild(43)];
const stand = (parts: StateParts = {}, startMs = NOW_MS, nowMs = NOW_MS): Standing =>
  aStanding(aState({ builds: ALL, ...parts }), startMs, nowMs);
const percent = (p: number): Partial<Rollout> => ({ exposure: { kind: 'percent', percent: p } });
/** b41 for all, before b42 is promoted. */
const FULL: Partial<Rollout> = { current: 'b41', lastSafe: 'b40', ...percent(100) };
const suspend = { reason: 'incident', sinceMs: NOW_MS - HOUR_MS, untilMs: NOW_MS + HOUR_MS };
const withdrawn = { reason: 'crash loop', atMs: NOW_MS };

const judge = (policy: Partial<Policy>, base: Partial<Rollout>, head: Partial<Rollout>, nowMs = NOW_MS) =>
  checkPolicy(
    aPolicy(policy),
    stand({ rollout: base }, NOW_MS, nowMs),
    stand({ rollout: head }, NOW_MS, nowMs),
    nowMs,
  ).map(f => `${f.code} ${renderPath(f.path)}`);

test('an empty policy stops nothing', () => {
  assert.equal(judge({}, FULL, percent(100)), []);
});

test('allowed percents: a promotion or a raise to another one is refused where it is written', () => {
  const policy = { allowedPercents: [1, 10, 100] };
  assert.equal(judge(policy, FULL, percent(10)), []);
  assert.equal(judge(policy, FULL, percent(7)), ['policy_percent rollout_percent']);
  assert.equal(judge(policy, percent(10), percent(50)), ['policy_percent rollout_percent']);
  assert.equal(judge(policy, FULL, { exposure: aRamp(NOW_MS, [1, 1], [30, 1], [100]) }), [
    'policy_percent ramp.steps[1].percent',
  ]);
});

test('allowed percents: 0 is always allowed, and so is what stands already', () => {
  const policy = { allowedPercents: [10, 100] };
  assert.equal(judge(policy, percent(7), { exposure: aRamp(NOW_MS, [5, 1], [7, 1], [100]) }), []);
  assert.equal(judge(policy, FULL, percent(0)), []);
  assert.equal(judge(policy, percent(7), { ...percent(7), wifiOnly: false }), []);
});

test('a withdrawn build reaches nobody, so a percent beside its withdrawal is not judged', () => {
  const builds = [aBuild(41), aBuild(42, { withdrawn })];
  const policy = aPolicy({ allowedPercents: [10, 100], maxJumpPercent: 5 });
  const head = stand({ rollout: percent(37), builds });
  assert.equal(checkPolicy(policy, stand({ rollout: percent(10) }), head, NOW_MS), []);
});

test('largest jump: by the merge itself', () => {
  const policy = { maxJumpPercent: 25 };
  assert.equal(judge(policy, FULL, percent(25)), []);
  assert.equal(judge(policy, FULL, percent(25.01)), ['policy_jump rollout_percent']);
  assert.equal(judge(policy, percent(50), percent(75)), []);
  assert.equal(judge(policy, percent(50), percent(100)), ['policy_jump rollout_percent']);
  assert.equal(judge(policy, percent(25.1), percent(50.1)), [], 'binary fractions do not count');
});

test('largest jump: from one ramp step to the next', () => {
  const policy = { maxJumpPercent: 40 };
  const ramp = aRamp(NOW_MS + HOUR_MS, [10, 1], [50, 1], [100]);
  assert.equal(judge(policy, FULL, { exposure: ramp }), ['policy_jump ramp.steps[2].percent']);
  const begun = aRamp(NOW_MS, [50, 1], [90, 1]);
  assert.equal(
    checkPolicy(
      aPolicy(policy),
      stand({ rollout: FULL }),
      stand({ rollout: { exposure: begun } }),
      NOW_MS,
    ).map(f => renderPath(f.path)),
    ['ramp'],
  );
});

test('largest jump: a last_safe that was not offered to all goes to all at once', () => {
  const head = { current: 'b43', lastSafe: 'b42', ...percent(5) };
  assert.equal(judge({ maxJumpPercent: 50 }, percent(10), head), ['policy_jump last_safe']);
  assert.equal(judge({ maxJumpPercent: 50 }, percent(100), head), [], 'b42 was on all devices');
  assert.equal(
    judge({ maxJumpPercent: 50 }, percent(10), { ...head, ...percent(100) }),
    ['policy_jump rollout_percent'],
    'at 100 % nobody is outside',
  );
});

test('a ramp that goes on as it was is not judged again', () => {
  const ramp = { exposure: aRamp(NOW_MS, [1, 4], [100]) };
  const policy = {
    maxJumpPercent: 10,
    allowedPercents: [10],
    approvals: [{ abovePercent: 0, approvals: 1 }],
  };
  assert.equal(judge(policy, ramp, { ...ramp, minBatteryPercent: 40 }), []);
  assert.is(approvalsNeeded(aPolicy(policy), stand({ rollout: ramp }), stand({ rollout: ramp }), NOW_MS), 0);
});

test('what is merged while a halt stands is judged as if it did not: it opens without a commit when the halt is lifted', () => {
  const halts: Halt[] = [
    {
      id: 1,
      buildId: 'b42',
      kind: 'gate',
      mode: 'halt',
      atMs: NOW_MS,
      by: 'gate',
      reason: 'x',
      declared: false,
    },
  ];
  const halted = (rollout: number) => ({ ...stand({ rollout }), halts });
  const policy = aPolicy({ maxJumpPercent: 20, approvals: [{ abovePercent: 20, approvals: 1 }] });
  assert.is(approvalsNeeded(policy, halted(10), halted(50), NOW_MS), 1);
  assert.equal(
    checkPolicy(policy, halted(10), halted(50), NOW_MS).map(f => f.code),
    ['policy_jump'],
  );
  assert.is(approvalsNeeded(policy, halted(50), halted(50), NOW_MS), 0);
});

test('a ramp that is sped up is judged, one that is slowed down is not', () => {
  const policy = { maxJumpPercent: 50 };
  const slow = { exposure: aRamp(NOW_MS, [1, 24], [100]) };
  const fast = { exposure: aRamp(NOW_MS, [1, 4], [100]) };
  assert.equal(judge(policy, slow, fast), ['policy_jump ramp.steps[1].percent']);
  assert.equal(judge(policy, fast, slow), []);
});

test('pinned signers: only builds with pinned keys are promoted', () => {
  const policy = aPolicy({ pinnedSigners: [SIGNER] });
  const rotated = aBuild(42, { signerFingerprint: OTHER_SIGNER, signerLineage: [SIGNER] });
  const bySdk = aBuild(42, { signers: [{ minSdk: 33, fingerprint: OTHER_SIGNER }] });
  for (const build of [rotated, bySdk]) {
    const builds = [aBuild(40), aBuild(41), build, aBuild(43)];
    const promote = (rollout: Partial<Rollout>, base: Partial<Rollout> = FULL) =>
      checkPolicy(policy, stand({ builds, rollout: base }), stand({ builds, rollout }), NOW_MS).map(
        f => `${f.code} ${renderPath(f.path)}`,
      );
    assert.equal(promote(percent(1)), ['policy_signer current']);
    assert.equal(promote(percent(0)), ['policy_signer current'], 'a canary alone is a promotion too');
    assert.equal(promote({ current: 'b43', lastSafe: 'b42', ...percent(1) }), ['policy_signer last_safe']);
    assert.equal(promote(percent(50), percent(10)), [], 'what stands already is not promoted');
  }
  assert.equal(judge({ pinnedSigners: [SIGNER] }, FULL, percent(1)), []);
});

const WINDOW: FreezeWindow = {
  reason: 'weekend',
  timeZone: 'Europe/Berlin',
  days: ['fri', 'sat'],
  fromMinute: 16 * 60,
  toMinute: 24 * 60,
};
const ALWAYS: FreezeWindow = {
  reason: 'holidays',
  timeZone: 'UTC',
  days: ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'],
  fromMinute: 0,
  toMinute: 1440,
};

test('freeze windows: by the wall clock of their zone, summer and winter', () => {
  const open = (text: string, w = WINDOW) => windowAt([w], Date.parse(text)) !== undefined;
  assert.is(open('2026-06-05T13:59:59Z'), false, 'Friday 15:59 in Berlin');
  assert.is(open('2026-06-05T14:00:00Z'), true, 'Friday 16:00 in Berlin');
  assert.is(open('2026-06-06T21:59:59Z'), true, 'Saturday 23:59');
  assert.is(open('2026-06-06T22:00:00Z'), false, 'Sunday 00:00');
  assert.is(open('2026-12-04T14:30:00Z'), false, 'Friday 15:30 in winter');
  assert.is(open('2026-12-04T15:00:00Z'), true, 'Friday 16:00 in winter');
  const night: FreezeWindow = {
    ...ALWAYS,
    timeZone: 'Asia/Kolkata',
    days: ['tue'],
    fromMinute: 0,
    toMinute: 30,
  };
  assert.is(open('2026-06-01T18:30:00Z', night), true, 'Tuesday 00:00 in Kolkata');
  assert.is(open('2026-06-01T19:00:00Z', night), false, 'Tuesday 00:30');
});

test('freeze windows: exposure may not rise in one, and may outside', () => {
  const policy = { freezeWindows: [WINDOW] };
  const friday = Date.parse('2026-06-05T15:00:00Z');
  assert.equal(judge(policy, percent(10), percent(50), friday), ['policy_freeze rollout_percent']);
  assert.equal(judge(policy, percent(10), percent(50), NOW_MS), []);
  const [found] = checkPolicy(aPolicy(policy), stand({ rollout: 10 }), stand({ rollout: 50 }), friday);
  assert.is(found?.hint, 'freeze in Europe/Berlin until 2026-06-05T22:00:00Z: weekend');
});

test('freeze windows: a ramp step that would begin in one waits for its end, so it is no problem', () => {
  const ramp = aRamp(NOW_MS, [1, 24], [10, 75], [50, 48], [100]);
  assert.equal(judge({ freezeWindows: [WINDOW] }, FULL, { exposure: ramp }), []);
});

test('freeze windows: a ramp that would begin in one, were it open, may not be merged in it', () => {
  const policy = aPolicy({ freezeWindows: [ALWAYS] });
  const base = { ...stand({ rollout: FULL }), state: aState({ builds: ALL, rollout: FULL, policy }) };
  const head = standingOnceApplied(
    base,
    aState({ builds: ALL, rollout: { exposure: aRamp(undefined, [1, 24], [100]) } }),
    {
      nowMs: NOW_MS,
    },
  );
  assert.is(head.progress?.step, -1);
  assert.equal(
    checkPolicy(policy, base, head, NOW_MS).map(f => f.code),
    ['policy_freeze'],
  );
});

test('freeze windows: a promotion whose ramp starts after it passes', () => {
  const monday = Date.parse('2026-06-08T08:00:00Z');
  const friday = Date.parse('2026-06-05T15:00:00Z');
  assert.equal(judge({ freezeWindows: [WINDOW] }, FULL, { exposure: aRamp(monday, [100]) }, friday), []);
});

test('freeze windows: a suspend may not be ended in one', () => {
  assert.equal(judge({ freezeWindows: [ALWAYS] }, { suspend }, {}), ['policy_freeze ']);
});

/** The strictest policy there is. */
const STRICT: Policy = aPolicy({
  allowedPercents: [0.01],
  maxJumpPercent: 0.01,
  pinnedSigners: [OTHER_SIGNER],
  freezeWindows: [ALWAYS],
  approvals: [{ abovePercent: 0, approvals: 9 }],
});
const EMERGENCIES: [name: string, base: Standing, head: Standing][] = [
  ['a rollback', stand({ rollout: 50 }), stand({ rollout: { rollback: true, ...percent(50) } })],
  [
    'a forced rollback',
    stand(),
    stand({ rollout: { rollback: true, forceDowngrade: true, reason: 'crash' } }),
  ],
  ['a rollback to an older declared build', stand(), stand({ rollout: { rollback: true, lastSafe: 'b40' } })],
  [
    'a rollback of a full rollout without last_safe',
    stand({ rollout: { lastSafe: undefined, ...percent(100) } }),
    stand({ rollout: { lastSafe: 'b41', rollback: true, ...percent(100) } }),
  ],
  [
    'a rollback to a build whose file was deleted',
    {
      ...stand({ builds: [aBuild(41), aBuild(42)] }),
      formerBuilds: new Map([['b40', aBuild(40)]]),
    } as Standing,
    stand({ rollout: { rollback: true, lastSafe: 'b40' }, builds: [aBuild(40), aBuild(41), aBuild(42)] }),
  ],
  [
    'a revert of a forced downgrade',
    stand({
      rollout: { current: 'b41', lastSafe: 'b42', forceDowngrade: true, reason: 'x', ...percent(10) },
    }),
    stand({ rollout: percent(100) }),
  ],
  ['a revert to what stood before', stand({ rollout: 10 }), stand({ rollout: FULL })],
  [
    'a revert to an older build for all',
    stand(),
    stand({ rollout: { current: 'b40', lastSafe: undefined, ...percent(100) } }),
  ],
  [
    'a withdrawal of current',
    stand({ rollout: 50 }),
    stand({ rollout: 50, builds: [aBuild(40), aBuild(41), aBuild(42, { withdrawn }), aBuild(43)] }),
  ],
  [
    'a withdrawal of last_safe with an older one in its place',
    stand(),
    stand({
      rollout: { lastSafe: 'b40' },
      builds: [aBuild(40), aBuild(41, { withdrawn }), aBuild(42), aBuild(43)],
    }),
  ],
  [
    'a narrowing from all, which has to name a last_safe',
    stand({ rollout: { lastSafe: undefined, ...percent(100) } }),
    stand({ rollout: { lastSafe: 'b41', ...percent(5) } }),
  ],
  [
    'a withdrawal of what all were offered, with an older build in its place',
    stand({ rollout: { lastSafe: 'b42', ...percent(100) } }),
    stand({
      rollout: { lastSafe: 'b41', ...percent(100) },
      builds: [aBuild(40), aBuild(41), aBuild(42, { withdrawn }), aBuild(43)],
    }),
  ],
  ['a suspend', stand({ rollout: 50 }), stand({ rollout: { ...percent(50), suspend } })],
  ['a narrowing', stand({ rollout: 50 }), stand({ rollout: 7 })],
  ['a narrowing to nobody', stand({ rollout: 100 }), stand({ rollout: 0 })],
  [
    'a ramp stopped where it stands',
    stand({ rollout: { exposure: aRamp(NOW_MS, [10, 24], [100]) } }),
    stand({ rollout: 10 }),
  ],
  [
    'a rollback and a withdrawal in one',
    stand({ rollout: 100 }),
    stand({
      rollout: { rollback: true, ...percent(100) },
      builds: [aBuild(40), aBuild(41), aBuild(42, { withdrawn }), aBuild(43)],
    }),
  ],
  ['a rollback while suspended', stand({ rollout: { suspend } }), stand({ rollout: { rollback: true } })],
];

for (const [name, base, head] of EMERGENCIES)
  test(`the strictest policy lets ${name} pass`, () => {
    assert.equal(checkPolicy(STRICT, base, head, NOW_MS), []);
    assert.is(approvalsNeeded(STRICT, base, head, NOW_MS), 0);
  });

test('any rollback, suspend or narrowing of any rollout passes, at any moment', () => {
  const exposure = fc.oneof(
    fc.integer({ min: 0, max: 10_000 }).map(n => percent(n / 100).exposure),
    fc
      .array(fc.integer({ min: 1, max: 99 }), { minLength: 1, maxLength: 4 })
      .map(ps =>
        aRamp(
          NOW_MS - 30 * HOUR_MS,
          ...[...new Set(ps)].sort((a, b) => a - b).map(p => [p, 20] as const),
          [100],
        ),
      ),
  );
  const hours = fc.integer({ min: -40, max: 100 });
  fc.assert(
    fc.property(exposure, hours, fc.constantFrom('rollback', 'suspend', 'zero'), (from, h, how) => {
      if (from === undefined) return;
      const nowMs = NOW_MS + h * HOUR_MS;
      const base = stand({ rollout: { exposure: from } }, NOW_MS - 30 * HOUR_MS, nowMs);
      const held = { ...suspend, sinceMs: nowMs, untilMs: nowMs + HOUR_MS };
      const over: Partial<Rollout> =
        how === 'rollback'
          ? { exposure: from, rollback: true }
          : how === 'suspend'
            ? { exposure: from, suspend: held }
            : percent(0);
      const head = standingOnceApplied(base, aState({ builds: ALL, rollout: over }), { nowMs });
      assert.equal(checkPolicy(STRICT, base, head, nowMs), []);
      assert.is(approvalsNeeded(STRICT, base, head, nowMs), 0);
    }),
  );
});

test('a new or unproven build under the name of a rollback is judged as the promotion it is', () => {
  const older = [aBuild(41), aBuild(42)];
  const fresh = stand({ builds: [...older, aBuild(40)], rollout: { rollback: true, lastSafe: 'b40' } });
  const codes = (base: Standing, head: Standing) => [
    ...new Set(checkPolicy(STRICT, base, head, NOW_MS).map(f => f.code)),
  ];
  assert.equal(codes(stand({ builds: older }), fresh), ['policy_jump', 'policy_freeze', 'policy_signer']);
  const newer = stand({ rollout: { rollback: true, lastSafe: 'b43' } });
  assert.equal(codes(stand(), newer), ['policy_jump', 'policy_freeze', 'policy_signer']);
  const swapped = stand({ rollout: { current: 'b43', lastSafe: 'b42', rollback: true } });
  assert.equal(codes(stand({ rollout: 10 }), swapped), ['policy_jump', 'policy_freeze', 'policy_signer']);
});

test('the way back opens no side door: another build raised in the same commit is judged', () => {
  const head = stand({ rollout: { current: 'b41', lastSafe: 'b43', forceDowngrade: true, ...percent(10) } });
  const found = checkPolicy(aPolicy({ maxJumpPercent: 50 }), stand(), head, NOW_MS);
  assert.equal(
    found.map(f => `${f.code} ${renderPath(f.path)}`),
    ['policy_jump last_safe'],
  );
});

test('the first last_safe beside a build for all is the way back only when it is known and older', () => {
  const base = stand({ builds: [aBuild(41), aBuild(42)], rollout: { lastSafe: undefined, ...percent(100) } });
  const fresh = { builds: [aBuild(40), aBuild(41), aBuild(42)], rollout: { lastSafe: 'b40', ...percent(5) } };
  const codes = (head: Standing) => checkPolicy(STRICT, base, head, NOW_MS).map(f => f.code);
  assert.equal(codes(stand(fresh)), ['policy_jump', 'policy_freeze', 'policy_signer']);
  const promoted = { current: 'b43', lastSafe: 'b41', ...percent(5) };
  assert.ok(codes(stand({ rollout: promoted })).includes('policy_jump'), 'beside another promotion');
});

test('approvals: by how far the change may reach without another commit', () => {
  const policy = aPolicy({
    approvals: [
      { abovePercent: 10, approvals: 1 },
      { abovePercent: 50, approvals: 2 },
    ],
  });
  const needed = (base: Partial<Rollout>, head: Partial<Rollout>) =>
    approvalsNeeded(policy, stand({ rollout: base }), stand({ rollout: head }), NOW_MS);
  assert.is(needed(FULL, percent(10)), 0);
  assert.is(needed(FULL, percent(10.01)), 1);
  assert.is(needed(FULL, percent(50)), 1);
  assert.is(needed(percent(50), percent(51)), 2);
  assert.is(needed(FULL, { exposure: aRamp(undefined, [1, 4], [100]) }), 2, 'a ramp reaches its last step');
  assert.is(
    needed(percent(10), { current: 'b43', lastSafe: 'b42', ...percent(1) }),
    2,
    'last_safe reaches all',
  );
  assert.is(
    approvalsNeeded(policy, undefined, stand({ rollout: 20 }), NOW_MS),
    2,
    'the first state serves last_safe to all',
  );
  assert.is(needed(percent(50), percent(10)), 0);
});

test('a suspend that holds back even one percent may not be ended in a freeze window', () => {
  const always = { reason: 'night', timeZone: 'UTC', fromMinute: 0, toMinute: 1440 };
  const days = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;
  const policy = { freezeWindows: [{ ...always, days }] };
  assert.equal(judge(policy, { ...percent(1), suspend }, percent(1)), ['policy_freeze ']);
  assert.equal(judge(policy, { ...percent(0), suspend }, percent(0)), []);
});

test('another last_safe that is newer than the one before is a rise, though current stays', () => {
  const policy = { maxJumpPercent: 50 };
  assert.equal(judge(policy, { lastSafe: 'b40', ...percent(10) }, { lastSafe: 'b41', ...percent(10) }), [
    'policy_jump last_safe',
  ]);
  assert.equal(judge(policy, { lastSafe: 'b41', ...percent(10) }, { lastSafe: 'b40', ...percent(10) }), []);
});

test.run();
