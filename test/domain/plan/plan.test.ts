import * as fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { effectivePercent } from '../../../controller/domain/decision.ts';
import { DANGER_KINDS, type DangerKind } from '../../../controller/domain/plan/dangers.ts';
import { type Plan, plan, planHash, undoCommands } from '../../../controller/domain/plan/index.ts';
import { standingOnceApplied } from '../../../controller/domain/ramp/begin.ts';
import {
  type Build,
  canonicalState,
  type Rollout,
  restoreState,
} from '../../../controller/domain/release.ts';
import { pictureOf, type Standing } from '../../../controller/domain/standing.ts';
import {
  aBuild,
  aCohort,
  aHalt,
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

const stand = (parts: StateParts = {}, startMs = NOW_MS, nowMs = NOW_MS): Standing =>
  aStanding(aState(parts), startMs, nowMs);
const between = (base: StateParts, head: StateParts, nowMs = NOW_MS): Plan =>
  plan(stand(base, NOW_MS, nowMs), stand(head, NOW_MS, nowMs), nowMs);
const suspend = { reason: 'incident', sinceMs: NOW_MS - HOUR_MS, untilMs: NOW_MS + HOUR_MS };
const withdrawn = { reason: 'crash loop', atMs: NOW_MS };
const full: Partial<Rollout> = {
  current: 'b41',
  lastSafe: 'b40',
  exposure: { kind: 'percent', percent: 100 },
};
const TRIO = [aBuild(40), aBuild(41), aBuild(42)];

test('nothing changes: the plan is empty', () => {
  const same = between({}, {});
  assert.ok(same.empty);
  assert.equal([same.changes, same.transitions, same.dangers], [[], [], []]);
});

test('the order of a list is no change, and neither moves the hash', () => {
  const canary = { tags: ['qa', 'lab'], devices: ['a', 'b'], cohorts: [] };
  const turned = { tags: ['lab', 'qa'], devices: ['b', 'a'], cohorts: [] };
  const cohorts = [aCohort('one', { tags: ['x', 'y'] }), aCohort('two')];
  const p = between(
    { rollout: { canary }, cohorts },
    { rollout: { canary: turned }, cohorts: [aCohort('two'), aCohort('one', { tags: ['y', 'x'] })] },
  );
  assert.ok(p.empty);
  assert.equal(p.changes, []);
  assert.is(p.hash, between({ rollout: { canary }, cohorts }, { rollout: { canary }, cohorts }).hash);
});

/** One edit of every field there is, and the paths it must show up under. */
const EDITS: [paths: string[], head: StateParts][] = [
  [['rollout.yaml current', 'rollout.yaml last_safe'], { rollout: { current: 'b41', lastSafe: 'b42' } }],
  [['rollout.yaml rollout_percent'], { rollout: 50 }],
  [
    ['rollout.yaml rollout_percent', 'rollout.yaml ramp.start', 'rollout.yaml ramp.steps'],
    { rollout: { exposure: aRamp(NOW_MS, [1, 4], [100]) } },
  ],
  [['rollout.yaml cohort_seed'], { rollout: { cohortSeed: 'b42.3' } }],
  [['rollout.yaml canary.tags'], { rollout: { canary: { tags: ['qa'], devices: [], cohorts: [] } } }],
  [['rollout.yaml canary.devices'], { rollout: { canary: { tags: [], devices: ['k-7'], cohorts: [] } } }],
  [['rollout.yaml canary.cohorts'], { rollout: { canary: { tags: [], devices: [], cohorts: ['lab'] } } }],
  [['rollout.yaml rollback'], { rollout: { rollback: true } }],
  [['rollout.yaml force_downgrade'], { rollout: { forceDowngrade: true } }],
  [['rollout.yaml must_install'], { rollout: { mustInstall: true } }],
  [['rollout.yaml deadline'], { rollout: { deadlineMs: HOUR_MS } }],
  [['rollout.yaml wifi_only'], { rollout: { wifiOnly: false } }],
  [['rollout.yaml min_battery_percent'], { rollout: { minBatteryPercent: 20 } }],
  [
    ['rollout.yaml suspend.reason', 'rollout.yaml suspend.since', 'rollout.yaml suspend.until'],
    { rollout: { suspend } },
  ],
  [['rollout.yaml reason'], { rollout: { reason: 'because' } }],
  [['builds/b43.yaml'], { builds: [aBuild(41), aBuild(42), aBuild(43)] }],
  [
    ['builds/b42.yaml withdrawn.reason', 'builds/b42.yaml withdrawn.at'],
    { builds: [aBuild(41), aBuild(42, { withdrawn })] },
  ],
  [['builds/b42.yaml notes'], { builds: [aBuild(41), aBuild(42, { notes: 'n' })] }],
  [
    ['builds/b42.yaml signer_lineage'],
    { builds: [aBuild(41), aBuild(42, { signerLineage: [OTHER_SIGNER] })] },
  ],
  [
    ['builds/b42.yaml signers'],
    { builds: [aBuild(41), aBuild(42, { signers: [{ minSdk: 33, fingerprint: OTHER_SIGNER }] })] },
  ],
  [['cohorts/lab.yaml'], { cohorts: [aCohort('lab')] }],
  [['policy.yaml max_jump_percent'], { policy: aPolicy({ maxJumpPercent: 25 }) }],
  [['policy.yaml allowed_percents'], { policy: aPolicy({ allowedPercents: [1, 100] }) }],
  [['policy.yaml pinned_signers'], { policy: aPolicy({ pinnedSigners: [SIGNER] }) }],
  [['policy.yaml approvals'], { policy: aPolicy({ approvals: [{ abovePercent: 10, approvals: 2 }] }) }],
  [
    ['policy.yaml freeze_windows'],
    {
      policy: aPolicy({
        freezeWindows: [{ reason: 'x', timeZone: 'UTC', days: ['fri'], fromMinute: 0, toMinute: 1440 }],
      }),
    },
  ],
];
const where = (p: Plan): string[] => p.changes.map(c => `${c.file}${c.path === '' ? '' : ` ${c.path}`}`);

test('each edit is told under its own name, makes the plan not empty and moves its hash', () => {
  const hashes = new Set([between({}, {}).hash]);
  for (const [paths, head] of EDITS) {
    const p = between({}, head);
    assert.equal(where(p).sort(), [...paths].sort());
    assert.is(p.empty, false, paths.join());
    hashes.add(p.hash);
  }
  assert.is(hashes.size, EDITS.length + 1);
});

test('an edit taken back is told the other way round', () => {
  for (const [, head] of EDITS) {
    const there = between({}, head).changes;
    const back = between(head, {}).changes;
    assert.equal(where({ changes: back } as Plan), where({ changes: there } as Plan));
    for (const [i, change] of back.entries())
      if (!change.path.endsWith('devices')) assert.is(change.before, there[i]?.after);
  }
});

test('values read as they do in the YAML', () => {
  const p = between(
    {},
    {
      rollout: {
        exposure: aRamp(NOW_MS, [0.5, 4], [10, 36], [50, 48], [100]),
        deadlineMs: 72 * HOUR_MS,
        suspend,
      },
    },
  );
  const after = new Map(p.changes.map(c => [c.path, c.after]));
  assert.is(after.get('ramp.start'), '2026-06-01T12:00:00Z');
  assert.is(after.get('ramp.steps'), '0.5 % for 4h, 10 % for 36h, 50 % for 2d, 100 %');
  assert.is(after.get('deadline'), '3d');
  assert.is(after.get('rollout_percent'), undefined);
});

test('without a base everything is new and nothing is a jump from before', () => {
  const p = plan(undefined, stand(), NOW_MS);
  assert.is(p.empty, false);
  assert.ok(p.changes.every(c => c.before === undefined || c.path.endsWith('devices')));
  assert.equal(p.transitions, [
    { kind: 'promote', from: undefined, to: 'b42', percent: 10 },
    { kind: 'rollout_update', buildId: 'b42', fromPercent: 0, toPercent: 10 },
  ]);
});

test('neither time, progress nor fleet moves the hash; either state does', () => {
  const [base, head] = [stand(), stand({ rollout: 50 })];
  const { hash } = plan(base, head, NOW_MS);
  assert.match(hash, /^[0-9a-f]{64}$/);
  assert.is(plan({ ...base, progress: undefined }, head, NOW_MS + 1e9).hash, hash);
  assert.is(planHash(base.state, head.state), hash);
  assert.is.not(planHash(head.state, base.state), hash);
  assert.is.not(planHash(undefined, head.state), hash);
});

test('a state read back from the store plans as the one that was parsed', () => {
  for (const [, head] of EDITS) {
    const { state } = stand(head);
    const stored = restoreState(canonicalState(state));
    assert.is(planHash(stored, state), planHash(state, state));
    assert.equal(plan({ ...stand(), state: stored }, stand(head), NOW_MS).changes, []);
  }
});

test('devices are counted, never named', () => {
  const ids = ['kiosk-secret-1', 'kiosk-secret-2', 'kiosk-secret-3'];
  const canary = (devices: string[]) => ({ tags: [], devices, cohorts: ['lab'] });
  const p = between(
    { rollout: { canary: canary(ids.slice(0, 2)) }, cohorts: [aCohort('lab', { devices: ids.slice(0, 1) })] },
    { rollout: { canary: canary(ids.slice(1)) }, cohorts: [aCohort('lab', { devices: ids.slice(1) })] },
  );
  const { base: _b, head: _h, ...told } = p;
  assert.not.match(JSON.stringify(told), /secret/);
  assert.equal(p.changes, [
    {
      file: 'rollout.yaml',
      path: 'canary.devices',
      before: '2 devices',
      after: '2 devices (1 added, 1 removed)',
    },
    {
      file: 'cohorts/lab.yaml',
      path: 'devices',
      before: '1 device',
      after: '2 devices (2 added, 1 removed)',
    },
  ]);
  assert.equal(p.canaries, { tags: 0, devices: 2, cohorts: 1 });
});

const TRANSITIONS: [name: string, base: StateParts, head: StateParts, wanted: Plan['transitions']][] = [
  [
    'promote at 10 %',
    { rollout: full, builds: TRIO },
    { builds: TRIO },
    [
      { kind: 'promote', from: 'b41', to: 'b42', percent: 10 },
      { kind: 'rollout_update', buildId: 'b42', fromPercent: 0, toPercent: 10 },
    ],
  ],
  [
    'raise',
    {},
    { rollout: 50 },
    [{ kind: 'rollout_update', buildId: 'b42', fromPercent: 10, toPercent: 50 }],
  ],
  [
    'rollback',
    { rollout: 50 },
    { rollout: { rollback: true } },
    [
      { kind: 'rollback', from: 'b42', to: 'b41', forceDowngrade: false },
      { kind: 'rollout_update', buildId: 'b42', fromPercent: 50, toPercent: 0 },
    ],
  ],
  [
    'a revert to last_safe is a rollback in all but name',
    { builds: TRIO },
    { rollout: full, builds: TRIO },
    [
      { kind: 'rollback', from: 'b42', to: 'b41', forceDowngrade: false },
      { kind: 'rollout_update', buildId: 'b41', fromPercent: 0, toPercent: 100 },
    ],
  ],
  [
    'suspend',
    {},
    { rollout: { suspend } },
    [{ kind: 'rollout_update', buildId: 'b42', fromPercent: 10, toPercent: 0 }],
  ],
  [
    'withdrawal of current',
    {},
    { builds: [aBuild(41), aBuild(42, { withdrawn })] },
    [{ kind: 'rollout_update', buildId: 'b42', fromPercent: 10, toPercent: 0 }],
  ],
  ['another condition alone', {}, { rollout: { wifiOnly: false } }, []],
];

for (const [name, base, head, wanted] of TRANSITIONS)
  test(`transitions: ${name}`, () => {
    assert.equal(between(base, head).transitions, wanted);
  });

test('exposure: a ramp with a written start names each step’s time', () => {
  const start = NOW_MS - 5 * HOUR_MS;
  const ramp = { exposure: aRamp(start, [1, 4], [10, 24], [100]) };
  const { exposure } = plan(
    stand({ rollout: ramp }, start),
    stand({ rollout: { ...ramp, reason: 'x' } }, start),
    NOW_MS,
  );
  assert.equal(exposure, {
    fromPercent: 10,
    toPercent: 10,
    finalPercent: 100,
    startsWithMerge: false,
    suspendedUntilMs: undefined,
    steps: [
      { percent: 1, atMs: undefined, holdMs: 4 * HOUR_MS, state: 'past' },
      { percent: 10, atMs: start + 4 * HOUR_MS, holdMs: 24 * HOUR_MS, state: 'now' },
      { percent: 100, atMs: start + 28 * HOUR_MS, holdMs: undefined, state: 'next' },
    ],
  });
});

test('exposure: a ramp without a start begins with its merge, unless it already stands', () => {
  const ramp = { rollout: { exposure: aRamp(undefined, [1, 4], [100]) } };
  assert.ok(between({ rollout: 0 }, ramp).exposure.startsWithMerge);
  const again = { rollout: { ...ramp.rollout, reason: 'x' } };
  assert.is(between(ramp, again).exposure.startsWithMerge, false);
});

test('exposure: a suspend moves the steps to come', () => {
  const ramp = { exposure: aRamp(NOW_MS, [1, 4], [100]) };
  const held = { ...suspend, sinceMs: NOW_MS, untilMs: NOW_MS + 10 * HOUR_MS };
  const { exposure } = between({ rollout: ramp }, { rollout: { ...ramp, suspend: held } });
  assert.is(exposure.steps[1]?.atMs, NOW_MS + 14 * HOUR_MS);
  assert.is(exposure.suspendedUntilMs, held.untilMs);
  assert.equal([exposure.toPercent, exposure.finalPercent], [0, 100]);
});

test('exposure: under rollback nothing of current is to come', () => {
  const { exposure } = between({}, { rollout: { rollback: true, exposure: aRamp(NOW_MS, [1, 4], [100]) } });
  assert.equal([exposure.toPercent, exposure.finalPercent, exposure.steps.length], [0, 0, 0]);
});

test('exposure after is what decisions make of it', () => {
  const percent = fc.integer({ min: 0, max: 10_000 }).map(n => n / 100);
  fc.assert(
    fc.property(percent, percent, fc.boolean(), fc.boolean(), (from, to, rollback, held) => {
      const head = stand({
        rollout: {
          exposure: { kind: 'percent', percent: to },
          rollback,
          suspend: held ? suspend : undefined,
        },
      });
      const { exposure } = plan(stand({ rollout: from }), head, NOW_MS);
      return (
        exposure.fromPercent === from &&
        exposure.toPercent === effectivePercent(pictureOf(head, NOW_MS), NOW_MS)
      );
    }),
  );
});

const DANGERS: [kinds: DangerKind[], base: StateParts, head: StateParts][] = [
  [[], { rollout: full, builds: TRIO }, { rollout: 10, builds: TRIO }],
  [[], {}, { rollout: 25 }],
  [['percent_jump'], {}, { rollout: 50 }],
  [[], { rollout: 50 }, { rollout: 100 }],
  [['percent_jump'], { rollout: full, builds: TRIO }, { rollout: 100, builds: TRIO }],
  [['percent_jump'], {}, { rollout: { exposure: aRamp(NOW_MS, [10, 1], [60, 1], [100]) } }],
  [['rollback'], {}, { rollout: { rollback: true } }],
  [['rollback', 'force_downgrade'], {}, { rollout: { rollback: true, forceDowngrade: true, reason: 'x' } }],
  [['rollback_ended'], { rollout: { rollback: true } }, {}],
  [['suspend'], {}, { rollout: { suspend } }],
  [[], { rollout: { suspend } }, {}],
  [['withdrawn'], {}, { builds: [aBuild(41), aBuild(42, { withdrawn })] }],
  [['wifi_only_off'], {}, { rollout: { wifiOnly: false } }],
  [[], { rollout: { wifiOnly: false } }, { rollout: { wifiOnly: false, reason: 'x' } }],
  [['must_install'], {}, { rollout: { mustInstall: true } }],
  [['battery_lowered'], {}, { rollout: { minBatteryPercent: 29 } }],
  [[], {}, { rollout: { minBatteryPercent: 31 } }],
  [['canary_widened'], {}, { rollout: { canary: { tags: ['qa'], devices: [], cohorts: [] } } }],
  [
    ['canary_widened'],
    { rollout: { canary: { tags: [], devices: [], cohorts: ['lab'] } }, cohorts: [aCohort('lab')] },
    {
      rollout: { canary: { tags: [], devices: [], cohorts: ['lab'] } },
      cohorts: [aCohort('lab', { devices: ['kiosk-7'] })],
    },
  ],
  [['cohort_exchanged'], {}, { rollout: { cohortSeed: 'x' } }],
  [[], { rollout: full, builds: TRIO }, { rollout: { cohortSeed: 'b42.3' }, builds: TRIO }],
  [
    ['percent_jump'],
    { builds: [...TRIO, aBuild(43)] },
    {
      rollout: { current: 'b43', lastSafe: 'b42', exposure: { kind: 'percent', percent: 100 } },
      builds: [...TRIO, aBuild(43)],
    },
  ],
  [
    ['new_signer'],
    { rollout: full, builds: TRIO },
    {
      builds: [
        aBuild(40),
        aBuild(41),
        aBuild(42, { signerFingerprint: OTHER_SIGNER, signerLineage: [SIGNER] }),
      ],
    },
  ],
  [
    ['package_changed'],
    { rollout: full, builds: TRIO },
    { builds: [aBuild(40), aBuild(41), aBuild(42, { package: 'com.other' })] },
  ],
  [
    ['min_sdk_raised'],
    { rollout: full, builds: TRIO },
    { builds: [aBuild(40), aBuild(41), aBuild(42, { minSdk: 30 })] },
  ],
  [
    ['baseline_unproven'],
    { builds: [...TRIO, aBuild(43)] },
    { rollout: { current: 'b43', lastSafe: 'b42' }, builds: [...TRIO, aBuild(43)] },
  ],
  [['policy_changed'], { policy: aPolicy() }, { policy: aPolicy({ maxJumpPercent: 100 }) }],
];

test('dangers: what stands comes from the store with its keys in another order, and is no change', () => {
  const parts = { policy: aPolicy({ maxJumpPercent: 60 }), rollout: { suspend } };
  const standing = restoreState(canonicalState(aState(parts)));
  const { dangers } = plan(aStanding(standing), aStanding(aState(parts)), NOW_MS);
  assert.equal(
    dangers.map(d => d.kind).filter(kind => kind === 'policy_changed' || kind === 'suspend'),
    [],
  );
});

for (const [kinds, base, head] of DANGERS)
  test(`dangers: ${kinds.join(' and ') || `none in ${JSON.stringify(head.rollout)}`}`, () => {
    const { dangers } = between(base, head);
    assert.equal(
      dangers.map(d => d.kind),
      kinds,
    );
  });

test('percents are listed by their size, not as words', () => {
  const policy = (allowedPercents: number[]) => ({ policy: aPolicy({ allowedPercents }) });
  const { changes } = between(policy([100, 5, 10]), policy([0, 1, 5, 10, 25, 100]));
  assert.equal(
    changes.map(c => [c.before, c.after]),
    [['5, 10, 100', '0, 1, 5, 10, 25, 100']],
  );
});

test('a different signer is told at a plain 100 % too, where no last_safe is named', () => {
  const all = { current: 'b42', lastSafe: undefined, exposure: { kind: 'percent', percent: 100 } } as const;
  const other = aBuild(42, { signerFingerprint: OTHER_SIGNER });
  const { dangers } = between(
    { rollout: { ...all, current: 'b41' }, builds: [aBuild(41)] },
    { rollout: all, builds: [aBuild(41), other] },
  );
  assert.ok(dangers.some(({ kind }) => kind === 'new_signer'));
});

test('every kind of danger is shown by a case', () => {
  const shown = new Set([...DANGERS.flatMap(([kinds]) => kinds), 'halt_lifted', 'halted']);
  assert.equal(
    DANGER_KINDS.filter(k => !shown.has(k)),
    [],
  );
});

test('a halt that a commit lifts, and one that stands whatever it says, are dangers; each makes another plan', () => {
  const halt = aHalt({ id: 7 });
  const base = { ...stand({ rollout: 10 }), halts: [halt] };
  const kinds = (head: StateParts, from: Standing = base) =>
    plan(from, standingOnceApplied(from, aState(head), { nowMs: NOW_MS }), NOW_MS).dangers.map(d => d.kind);
  assert.equal(kinds({ rollout: 20 }), ['halted']);
  assert.equal(kinds({ rollout: 0 }), []);
  const declared = { ...base, state: aState({ rollout: 0 }), halts: [{ ...halt, declared: true }] };
  assert.equal(kinds({ rollout: 20 }, declared), ['halt_lifted']);
  const still = standingOnceApplied(base, aState({ rollout: 20 }), { nowMs: NOW_MS });
  assert.is(plan(base, still, NOW_MS).exposure.toPercent, 0);
  const without = plan(stand({ rollout: 10 }), stand({ rollout: 20 }), NOW_MS);
  assert.is.not(plan(base, still, NOW_MS).hash, without.hash);
});

test('what each group of devices is offered', () => {
  const canary = { tags: ['qa'], devices: [], cohorts: [] };
  const offered = (head: StateParts) =>
    between({}, head).views.map(v => [v.group, v.percent, v.build, v.suspended]);
  assert.equal(offered({ rollout: { canary } }), [
    ['canaries', undefined, 'b42', false],
    ['in_rollout', 10, 'b42', false],
    ['outside', 90, 'b41', false],
  ]);
  assert.equal(offered({ rollout: 100 }), [['all', 100, 'b42', false]]);
  assert.equal(offered({ rollout: { rollback: true, canary } }), [['all', 100, 'b41', false]]);
  assert.equal(offered({ builds: [aBuild(41), aBuild(42, { withdrawn })] }), [['all', 100, 'b41', false]]);
  assert.equal(offered({ builds: [aBuild(41, { withdrawn }), aBuild(42)] }), [
    ['in_rollout', 10, 'b42', false],
    ['outside', 90, undefined, false],
  ]);
  assert.equal(offered({ rollout: { suspend } })[0], ['in_rollout', 10, 'b42', true]);
  assert.equal(offered({ rollout: 33.33 })[1]?.[1], 66.67);
  assert.equal(offered({ rollout: 0 }), [['outside', 100, 'b41', false]], 'nobody is in a rollout of 0 %');
});

test('a rollback names the builds that devices keep, or are told to leave', () => {
  const builds: Build[] = [aBuild(40), aBuild(41), aBuild(42)];
  assert.is(between({ builds }, { builds, rollout: 50 }).downgrade, undefined);
  assert.equal(between({ builds }, { builds, rollout: { rollback: true } }).downgrade, {
    from: ['b42'],
    to: 'b41',
    forced: false,
  });
  const forced = { rollback: true, forceDowngrade: true, lastSafe: 'b40', reason: 'x' };
  assert.equal(between({ builds }, { builds, rollout: forced }).downgrade, {
    from: ['b42', 'b41'],
    to: 'b40',
    forced: true,
  });
  assert.equal(between({ builds }, { builds, rollout: full }).downgrade?.to, 'b41');
});

test('the undo is a revert of the merge or a rollback, and says what neither brings back', () => {
  const { undo } = between({}, { rollout: 50 });
  assert.equal(undoCommands(undo), ['git revert -m 1 <merge>', 'ota rollback --open-pr']);
  assert.equal(undoCommands(undo, 'abc1234')[0], 'git revert -m 1 abc1234');
  const gone = between({}, { builds: [aBuild(41), aBuild(42, { withdrawn })] });
  assert.ok(gone.undo.limits.some(l => l.includes('withdrawal stays')));
  const back = between({}, { rollout: { rollback: true } });
  assert.equal(undoCommands(back.undo), ['git revert -m 1 <merge>'], 'a rollback is no way back from itself');
});

test('the undo of a rollback warns that a ramp begins again, and of nothing else', () => {
  const exposure = aRamp(NOW_MS, [1, 4], [100]);
  const back = { rollout: { rollback: true, exposure } };
  assert.equal(between({ rollout: { exposure } }, back).undo.limits, [
    'a ramp that was rolled back begins again at its first step',
  ]);
  assert.equal(between(back, back).undo.limits, [], 'it was rolled back already');
  assert.equal(between({}, { rollout: { rollback: true } }).undo.limits, [], 'a plain percent');
  assert.not.ok(
    between({ rollout: { exposure } }, { rollout: { exposure } }).undo.limits.some(l => l.includes('ramp')),
  );
});

test('a plan depends on nothing but its inputs', () => {
  const [base, head] = [stand(), stand({ rollout: { rollback: true } })];
  const once = JSON.stringify(plan(base, head, NOW_MS));
  plan(head, base, NOW_MS + 1);
  assert.is(JSON.stringify(plan(structuredClone(base), structuredClone(head), NOW_MS)), once);
});

test.run();
