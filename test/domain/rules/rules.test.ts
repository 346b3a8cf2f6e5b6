import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { DEFAULT_GATE, type Gate } from '../../../controller/domain/gate/gate.ts';
import type { Finding } from '../../../controller/domain/problem.ts';
import { newRamp } from '../../../controller/domain/ramp/progress.ts';
import {
  type Build,
  canonicalState,
  type DesiredState,
  type Rollout,
  restoreState,
} from '../../../controller/domain/release.ts';
import { checkBuildSet, checkState } from '../../../controller/domain/rules/index.ts';
import type { Standing } from '../../../controller/domain/standing.ts';
import {
  aBuild,
  aCohort,
  aRamp,
  aRollout,
  aStanding,
  aState,
  DAY_MS,
  HOUR_MS,
  NOW_MS,
  OTHER_SIGNER,
  SIGNER,
  type StateParts,
} from '../../support/state.ts';

const PLAIN_100 = { exposure: { kind: 'percent', percent: 100 } } as const;
const STEPS = [[1, 4], [10, 24], [50, 24], [100]] as const;
const hours = (count: number): number => NOW_MS + count * HOUR_MS;
const suspended = (from: number, to: number) => ({ reason: 'x', sinceMs: hours(from), untilMs: hours(to) });
const withdrawn = { reason: 'crash loop', atMs: NOW_MS };

function baseOf(state: DesiredState, former: readonly Build[] = []): Standing {
  return { ...aStanding(state), formerBuilds: new Map(former.map(b => [b.buildId, b])) };
}

const told = (findings: readonly Finding[]): string[] =>
  findings.map(f =>
    [f.code, f.file === 'rollout.yaml' ? '' : f.file, f.path.join('.')].filter(Boolean).join(' '),
  );

const codes = (state: DesiredState, base?: Standing, nowMs = NOW_MS): string[] =>
  told(checkState(state, base, { nowMs, reviewing: true }));

/** A state by itself. */
const row = (name: string, parts: StateParts, ...expected: string[]): void =>
  test(name, () => assert.equal(codes(aState(parts)), expected));

// ---------------------------------------------------------------- builds and references

row('a build over a last safe one at a percentage is well', {});
row('a build alone at a plain 100 is well', {
  rollout: { lastSafe: undefined, exposure: { kind: 'percent', percent: 100 } },
});
row(
  'two builds with one version_code, two with one sha256',
  { builds: [aBuild(41), aBuild(42), aBuild(42, { buildId: 'b43', sha256: aBuild(41).sha256 })] },
  'duplicate_version_code builds/b43.yaml version_code',
  'duplicate_sha256 builds/b43.yaml sha256',
);
row(
  'a third double is compared with the first',
  {
    builds: [
      aBuild(41),
      aBuild(42),
      ...['b43', 'b44'].map(buildId => aBuild(42, { buildId, sha256: buildId.padEnd(64, '0') })),
    ],
  },
  'duplicate_version_code builds/b43.yaml version_code',
  'duplicate_version_code builds/b44.yaml version_code',
);
row(
  'another package would be installed beside the agent',
  { builds: [aBuild(41, { package: 'com.nexmdm.kiosk' }), aBuild(42)] },
  'package_differs builds/b41.yaml package',
);
row(
  'unknown builds',
  { rollout: { current: 'b43', lastSafe: 'b40' } },
  'unknown_build current',
  'unknown_build last_safe',
);
row(
  'an unknown cohort, and one that nobody names',
  {
    rollout: { canary: { tags: [], devices: [], cohorts: ['lab', 'lap'] } },
    cohorts: [aCohort('lab'), aCohort('desk')],
  },
  'unknown_cohort canary.cohorts.1',
  'cohort_unused cohorts/desk.yaml',
);

test('an unknown build comes with a guess, or with the newest that there are', () => {
  const hint = (current: string, builds: Build[]) =>
    checkState(aState({ rollout: { current, lastSafe: 'b10' }, builds }), undefined, { nowMs: NOW_MS })[0]
      ?.hint;
  const many = Array.from({ length: 20 }, (_, n) => aBuild(n + 10));
  assert.is(hint('b2O', many), 'did you mean b20?');
  assert.is(
    hint('current-build', many),
    'declared builds: b22, b23, b24, b25, b26, b27, b28, b29, and 12 more',
  );
});

// ---------------------------------------------------------------- last_safe

for (const [name, rollout, expected] of [
  ['at 10 %', { lastSafe: undefined }, ['last_safe_missing last_safe']],
  [
    'at 0 %',
    { lastSafe: undefined, exposure: { kind: 'percent', percent: 0 } },
    ['last_safe_missing last_safe'],
  ],
  [
    'on a ramp that ends at 100',
    { lastSafe: undefined, exposure: aRamp(undefined, [100]) },
    ['last_safe_missing last_safe'],
  ],
  [
    'in a rollback at 100 %',
    { lastSafe: undefined, rollback: true, exposure: { kind: 'percent', percent: 100 } },
    ['last_safe_missing last_safe'],
  ],
] as const satisfies readonly (readonly [string, Partial<Rollout>, string[]])[])
  row(`last_safe is required ${name}`, { rollout }, ...expected);

row('current = last_safe at a plain 100 is well', {
  rollout: { lastSafe: 'b42', exposure: { kind: 'percent', percent: 100 } },
});
row('current = last_safe below 100', { rollout: { lastSafe: 'b42' } }, 'last_safe_is_current last_safe');
row(
  'current = last_safe in a rollback',
  { rollout: { lastSafe: 'b42', rollback: true, exposure: { kind: 'percent', percent: 100 } } },
  'last_safe_is_current last_safe',
);

// ---------------------------------------------------------------- order and signers

row(
  'current older than last_safe',
  { rollout: { current: 'b41', lastSafe: 'b42' } },
  'current_older current',
);
row('current older than last_safe, forced with a reason', {
  rollout: { current: 'b41', lastSafe: 'b42', forceDowngrade: true, reason: 'b42 loops' },
});

const rotated = (over: Partial<Build> = {}) =>
  aBuild(42, { signerFingerprint: OTHER_SIGNER, signerLineage: [SIGNER], ...over });
row(
  'another key',
  { builds: [aBuild(41), aBuild(42, { signerFingerprint: OTHER_SIGNER })] },
  'signer_not_continued current',
);
row('another key that the lineage proves', { builds: [aBuild(41), rotated()] });
row('a rotation from SDK 33 on', {
  builds: [
    aBuild(41),
    aBuild(42, { signers: [{ minSdk: 33, fingerprint: OTHER_SIGNER }], signerLineage: [SIGNER] }),
  ],
});
row(
  'the earlier key again, after a rotation',
  { builds: [aBuild(41, { signerFingerprint: OTHER_SIGNER, signerLineage: [SIGNER] }), aBuild(42)] },
  'signer_not_continued current',
);
row(
  'the earlier key again on old devices alone: judged for each SDK',
  {
    builds: [
      aBuild(41, { signerFingerprint: OTHER_SIGNER, signerLineage: [SIGNER] }),
      aBuild(42, { signers: [{ minSdk: 33, fingerprint: OTHER_SIGNER }], signerLineage: [SIGNER] }),
    ],
  },
  'signer_not_continued current',
);
row(
  'a rotation that is undone from some SDK on',
  {
    builds: [
      aBuild(41, { signers: [{ minSdk: 33, fingerprint: OTHER_SIGNER }], signerLineage: [SIGNER] }),
      aBuild(42),
    ],
  },
  'signer_not_continued current',
);
const forced = { rollback: true, forceDowngrade: true, reason: 'b42 loops' };
row('a forced downgrade between equal signers', { rollout: forced });
row(
  'a forced downgrade over a rotation, which Android refuses even with a lineage',
  { rollout: forced, builds: [aBuild(41), rotated()] },
  'signer_differs force_downgrade',
);

// ---------------------------------------------------------------- flags

row(
  'a forced downgrade without a reason',
  { rollout: { ...forced, reason: ' ' } },
  'force_downgrade_reason force_downgrade',
);
row(
  'a forced downgrade of nothing',
  { rollout: { ...forced, rollback: false } },
  'force_downgrade_scope force_downgrade',
);
row(
  'a forced downgrade to an unknown build is one problem',
  { rollout: { ...forced, rollback: false, current: 'b43' } },
  'unknown_build current',
);
row('a deadline', { rollout: { mustInstall: true, deadlineMs: HOUR_MS } });
row('a deadline of nothing', { rollout: { deadlineMs: HOUR_MS } }, 'deadline_scope deadline');
row(
  'a suspend that ends before it begins',
  { rollout: { suspend: suspended(5, 5) } },
  'suspend_window suspend.until',
);

// ---------------------------------------------------------------- ramps

row('a rising ramp', { rollout: { exposure: aRamp(undefined, ...STEPS) } });
row(
  'a ramp that stays or falls',
  { rollout: { exposure: aRamp(undefined, [10, 1], [10, 1], [5]) } },
  'ramp_not_rising ramp.steps.1.percent',
  'ramp_not_rising ramp.steps.2.percent',
);
row(
  'a step without a hold before the last',
  { rollout: { exposure: aRamp(undefined, [10], [20]) } },
  'ramp_hold_missing ramp.steps.0.hold',
);

// ---------------------------------------------------------------- warnings

row('an expired suspend', { rollout: { suspend: suspended(-2, -1) } }, 'suspend_expired suspend.until');
row('a standing suspend', { rollout: { suspend: suspended(-2, 1) } });
row(
  'a rollback while suspended',
  { rollout: { rollback: true, suspend: suspended(-2, 1) } },
  'rollback_while_suspended suspend',
);
row(
  'a withdrawn last_safe',
  { builds: [aBuild(41, { withdrawn }), aBuild(42)] },
  'last_safe_withdrawn last_safe',
);
row('a withdrawn current', { builds: [aBuild(41), aBuild(42, { withdrawn })] }, 'current_withdrawn current');
row('a withdrawn current that is rolled back', {
  rollout: { rollback: true },
  builds: [aBuild(41), aBuild(42, { withdrawn })],
});

// ---------------------------------------------------------------- against the base

const promote = (over: Partial<Rollout> = {}): DesiredState => aState({ rollout: over });
const standing = baseOf(aState());

test('the same state again is well, also as the store gives it back', () => {
  const state = aState({
    builds: [aBuild(41), aBuild(42, { signers: [{ minSdk: 33, fingerprint: SIGNER }] })],
  });
  assert.equal(codes(state, baseOf(state)), []);
  assert.equal(codes(state, baseOf(restoreState(canonicalState(state)))), []);
});

for (const [key, over] of [
  ['package', { package: 'com.nexmdm.other' }],
  ['version_code', { versionCode: 39 }],
  ['version_name', { versionName: '4.1' }],
  ['min_sdk', { minSdk: 21 }],
  ['size_bytes', { sizeBytes: 1 }],
  ['sha256', { sha256: OTHER_SIGNER }],
  ['signer_fingerprint', { signerFingerprint: OTHER_SIGNER }],
  ['signers', { signers: [{ minSdk: 33, fingerprint: SIGNER }] }],
  ['signer_lineage', { signerLineage: [OTHER_SIGNER] }],
] as const satisfies readonly (readonly [string, Partial<Build>])[])
  test(`an edited ${key} of a merged build is told, also after its file was gone`, () => {
    const head = new Map([['b40', aBuild(40, over)]]);
    const expected = [`build_facts_edited builds/b40.yaml ${key}`];
    const present = baseOf(aState({ builds: [aBuild(40), aBuild(41), aBuild(42)] }));
    assert.equal(told(checkBuildSet(head, present)), expected);
    assert.equal(told(checkBuildSet(head, baseOf(aState(), [aBuild(40)]))), expected);
  });

test('notes may be edited, a build may be withdrawn, deleted and come back with the same facts', () => {
  const head = aState({ builds: [aBuild(40), aBuild(41, { notes: 'x' }), aBuild(42, { withdrawn })] });
  assert.equal(codes(head, baseOf(aState(), [aBuild(40)])), ['current_withdrawn current']);
});

test('a withdrawal stays, also through a deletion', () => {
  const gone = aBuild(40, { withdrawn });
  const expected = ['withdrawal_removed builds/b40.yaml withdrawn'];
  const builds = [aBuild(40), aBuild(41), aBuild(42)];
  assert.equal(
    codes(aState({ builds }), baseOf(aState({ builds: [gone, aBuild(41), aBuild(42)] }))),
    expected,
  );
  assert.equal(codes(aState({ builds }), baseOf(aState(), [gone])), expected);
});

test('a withdrawn build whose file is gone comes back under no other name, nor does its version', () => {
  const gone = aBuild(40, { withdrawn });
  const same = aBuild(40, { buildId: 'b40-again' });
  const rebuilt = { ...same, sha256: aBuild(43).sha256 };
  for (const base of [baseOf(aState(), [gone]), baseOf(aState({ builds: [gone, aBuild(41), aBuild(42)] }))]) {
    const found = (build: Build) => codes(aState({ builds: [aBuild(41), aBuild(42), build] }), base);
    assert.equal(found(same), [
      'duplicate_version_code builds/b40-again.yaml version_code',
      'duplicate_sha256 builds/b40-again.yaml sha256',
    ]);
    assert.equal(found(rebuilt), ['duplicate_version_code builds/b40-again.yaml version_code']);
  }
  const spared = baseOf(aState(), [aBuild(40)]);
  assert.equal(codes(aState({ builds: [aBuild(41), aBuild(42), same] }), spared), []);
});

test('withdrawing the standing current passes, newly promoting a withdrawn build does not', () => {
  const head = aState({ builds: [aBuild(41), aBuild(42, { withdrawn })] });
  assert.equal(codes(head, standing), ['current_withdrawn current']);
  const before = baseOf(
    aState({ rollout: { current: 'b41', lastSafe: 'b40' }, builds: [aBuild(40), aBuild(41)] }),
  );
  assert.equal(codes(head, before), [
    'promotes_withdrawn current',
    'cohort_seed_reused cohort_seed',
    'current_withdrawn current',
  ]);
});

for (const [name, before, after, expected] of [
  ['at 10 %', {}, { cohortSeed: 'x' }, ['cohort_seed_changed cohort_seed']],
  ['at 0 %', { exposure: { kind: 'percent', percent: 0 } }, { cohortSeed: 'x' }, []],
  ['at 100 %', { exposure: { kind: 'percent', percent: 100 } }, { cohortSeed: 'x' }, []],
  ['while rolled back', { rollback: true }, { cohortSeed: 'x' }, []],
  ['with another current', {}, { cohortSeed: 'x', current: 'b43' }, []],
  [
    'in a ramp',
    { exposure: aRamp(hours(-1), ...STEPS) },
    { cohortSeed: 'x' },
    ['cohort_seed_changed cohort_seed'],
  ],
  ['before a ramp', { exposure: aRamp(hours(1), ...STEPS) }, { cohortSeed: 'x' }, []],
] as const satisfies readonly (readonly [string, Partial<Rollout>, Partial<Rollout>, string[]])[])
  test(`a changed cohort_seed ${name}: ${expected.length === 0 ? 'well' : 'refused'}`, () => {
    const builds = [aBuild(41), aBuild(42), aBuild(43)];
    const base = baseOf(aState({ rollout: before, builds }));
    assert.equal(codes(aState({ rollout: after, builds }), base), expected);
  });

// ---------------------------------------------------------------- the start of a ramp

const rampFrom = (startMs: number | undefined, steps: readonly (readonly [number, number?])[] = STEPS) => ({
  exposure: aRamp(startMs, ...steps),
});
const YEAR_MS = 365 * DAY_MS;
const DAYS_14 = 14 * DAY_MS;

for (const [name, startMs, expected] of [
  ['now', NOW_MS, []],
  ['within the first step', hours(-3), []],
  ['beyond the first step', hours(-27), ['ramp_restarts ramp']],
  ['14 days ago', NOW_MS - DAYS_14, ['ramp_restarts ramp']],
  ['more than 14 days ago', NOW_MS - DAYS_14 - 1, ['ramp_start_past ramp.start', 'ramp_restarts ramp']],
  ['14 days ahead', NOW_MS + DAYS_14, []],
  ['more than 14 days ahead', NOW_MS + DAYS_14 + 1, ['ramp_start_far ramp.start']],
  ['a year ahead', NOW_MS + YEAR_MS, ['ramp_start_far ramp.start']],
  ['left out', undefined, []],
] as const satisfies readonly (readonly [string, number | undefined, string[]])[])
  test(`a new build on a ramp that starts ${name}: ${expected[0] ?? 'well'}`, () => {
    const builds = [aBuild(41), aBuild(42)];
    const base = baseOf(
      aState({ rollout: { current: 'b41', lastSafe: undefined, ...PLAIN_100 }, builds: [aBuild(41)] }),
    );
    const head = aState({ rollout: rampFrom(startMs), builds });
    assert.equal(codes(head, base), expected, 'proposed');
    const merged = told(checkState(head, base, { nowMs: NOW_MS }));
    assert.equal(
      merged,
      expected.filter(e => e.startsWith('ramp_restarts')),
      'what is merged is applied, however late',
    );
    assert.equal(codes(head), [], 'proposed, with nothing to compare it with');
  });

test('with nothing known of it a ramp begins at its first step, and that is said', () => {
  for (const startMs of [undefined, hours(-27), NOW_MS - YEAR_MS])
    assert.equal(told(checkState(promote(rampFrom(startMs)), undefined, { nowMs: NOW_MS })), [
      'ramp_restarts ramp',
    ]);
});

test('a mid-ramp edit stays legal however old the start is', () => {
  const old = NOW_MS - 20 * DAY_MS;
  const base = baseOf(promote(rampFrom(old)));
  const edited = rampFrom(old, [[1, 4], [10, 24], [75, 24], [100]]);
  assert.equal(codes(promote(edited), base), []);
  assert.equal(codes(promote({ ...edited, wifiOnly: false, lastSafe: 'b41' }), base), []);
  assert.equal(codes(promote({ ...rampFrom(old + 1) }), base), [
    'ramp_start_past ramp.start',
    'ramp_restarts ramp',
  ]);
});

test('no way back is refused for an old start: it begins at step 1, and a warning says so', () => {
  const builds = [aBuild(40), aBuild(41), aBuild(42), aBuild(43)];
  const of = (rollout: Partial<Rollout>) => aState({ rollout, builds });
  const long = rampFrom(NOW_MS - YEAR_MS);
  const stood = {
    ...baseOf(of({ current: 'b41', lastSafe: 'b40', ...PLAIN_100 })),
    formerCurrents: new Set(['b42']),
  };
  for (const [name, head, base] of [
    [
      'to the ramp of an older build',
      of({ current: 'b41', lastSafe: 'b40', ...long }),
      baseOf(of(rampFrom(NOW_MS))),
    ],
    ['of a hotfix', of(long), baseOf(of({ current: 'b43', lastSafe: 'b41', ...PLAIN_100 }))],
    ['of a pointer that was turned back', of(long), stood],
    ['of a rollback', of(long), baseOf(of({ ...long, rollback: true }))],
  ] as const)
    assert.equal(codes(head, base), ['ramp_restarts ramp'], name);
  const never = { ...stood, formerCurrents: new Set(['b41']) };
  assert.equal(codes(of(long), never)[0], 'ramp_start_past ramp.start', 'a build that never stood');
});

test('another rollout that stood in between restarts a ramp that looks the same', () => {
  const state = promote(rampFrom(NOW_MS));
  const found = checkState(state, baseOf(state), { nowMs: hours(9), broken: true });
  assert.equal(told(found), ['ramp_restarts ramp']);
});

test('a ramp that takes exposure back says so', () => {
  const base = baseOf(promote(aRollout(50)));
  assert.equal(codes(promote(rampFrom(undefined)), base), ['ramp_narrows ramp']);
  const steep = rampFrom(hours(-10), [[25, 4], [50, 24], [100]]);
  const flat = rampFrom(hours(-10), [[25, 4], [40, 24], [100]]);
  assert.equal(codes(promote(flat), baseOf(promote(steep))), ['ramp_narrows ramp']);
  assert.equal(codes(promote(steep), baseOf(promote(steep))), []);
});

test('where nobody knows how far a ramp has come the seed counts as in use', () => {
  const base = { ...baseOf(promote(rampFrom(NOW_MS))), progress: undefined };
  const head = promote({ ...rampFrom(NOW_MS), cohortSeed: 'x' });
  assert.equal(codes(head, base), ['cohort_seed_changed cohort_seed']);
});

test('a ramp that was suspended before its first step decides what the seed may do', () => {
  const state = promote({ ...rampFrom(hours(-100)), suspend: suspended(-200, 1) });
  const head = promote({ ...rampFrom(hours(-100)), suspend: suspended(-200, 1), cohortSeed: 'x' });
  const waiting = { ...baseOf(state), progress: newRamp({ startMs: undefined }, hours(-100)) };
  assert.equal(codes(head, waiting), [], 'nobody is exposed yet');
  const served = { ...waiting, progress: { ...waiting.progress, step: 0 } };
  assert.equal(codes(head, served), ['cohort_seed_changed cohort_seed']);
});

test('a version_name with invisible characters is an error where it is new, and a warning where it was declared', () => {
  const bad = aBuild(43, { versionName: '4.3\u202e9' });
  const head = aState({ rollout: 10, builds: [aBuild(41), aBuild(42), bad] });
  const about = (base?: Standing) =>
    checkState(head, base, { nowMs: NOW_MS })
      .filter(f => f.code === 'version_name_invalid')
      .map(f => [f.severity, f.file, f.path.join()]);
  const at = ['builds/b43.yaml', 'version_name'];
  const before = aState({ rollout: 10, builds: [aBuild(41), aBuild(42)] });
  assert.equal(about(baseOf(before)), [['error', ...at]]);
  assert.equal(about(baseOf(head)), [['warning', ...at]]);
  assert.equal(about(baseOf(before, [bad])), [['warning', ...at]]);
  assert.equal(about(), [['warning', ...at]]);
});

// ---------------------------------------------------------------- gates, approvals, seeds

const gatedRamp = (gate: Partial<Gate>, approved?: number, second = 50): Partial<Rollout> => ({
  exposure: {
    kind: 'ramp',
    ramp: {
      startMs: undefined,
      steps: [
        { percent: 5, holdMs: DAY_MS },
        { percent: second, holdMs: DAY_MS, approval: true },
        { percent: 100, holdMs: undefined },
      ],
      ...(approved !== undefined && { approvedPercent: approved }),
      gate: { ...DEFAULT_GATE, ...gate },
    },
  },
});

test('an approval is a commit of its own, later than the ramp and its steps', () => {
  const base = baseOf(aState({ rollout: 0 }));
  assert.equal(codes(promote(gatedRamp({}, 50)), base), ['approval_early ramp.approved_percent']);
  const stood = baseOf(promote(gatedRamp({})));
  assert.equal(codes(promote(gatedRamp({}, 50)), stood), [], 'later it is well');
  const ramp = gatedRamp({}, 50);
  const wider = gatedRamp({}, 50, 60);
  assert.equal(codes(promote(wider), stood), ['approval_early ramp.approved_percent']);
  assert.equal(codes(promote(wider), baseOf(promote(ramp))), [], 'what was approved before stays approved');
  if (ramp.exposure?.kind !== 'ramp') throw new Error('a ramp');
  const steps = ramp.exposure.ramp.steps.map(({ percent, holdMs }) => ({ percent, holdMs }));
  const free = {
    exposure: { kind: 'ramp', ramp: { startMs: undefined, steps, gate: DEFAULT_GATE } },
  } as const;
  assert.equal(
    codes(promote(ramp), baseOf(promote(free))),
    ['approval_early ramp.approved_percent'],
    'the step did not ask for an approval before',
  );
});

test('a gate that would go back to something newer, one without a brake, one that sees too late', () => {
  const older = {
    ...gatedRamp({ onBreach: 'rollback' }),
    current: 'b41',
    lastSafe: 'b42',
    forceDowngrade: true,
    reason: 'x',
  };
  assert.ok(codes(promote(older)).includes('gate_rollback ramp.gate.on_breach'));
  const halting = { ...older, ...gatedRamp({ onBreach: 'halt' }) };
  assert.not.ok(codes(promote(halting)).includes('gate_rollback ramp.gate.on_breach'));
  assert.equal(codes(promote(gatedRamp({ onBreach: 'rollback' }))), [], 'back to something older is well');
  assert.equal(codes(promote(gatedRamp({ silenceAfterMs: DAY_MS }))), [], 'as long as the first hold');
  assert.equal(codes(promote(gatedRamp({ silenceAfterMs: DAY_MS + HOUR_MS }))), [
    'gate_hold_short ramp.steps.0.hold',
  ]);
  const { exposure } = gatedRamp({});
  if (exposure?.kind !== 'ramp') throw new Error('a ramp');
  const one = {
    exposure: { ...exposure, ramp: { ...exposure.ramp, steps: [{ percent: 50, holdMs: undefined }] } },
  };
  assert.equal(codes(promote(one)), ['gate_no_brake ramp.steps']);
  const told2 = told(
    checkState(promote(gatedRamp({})), undefined, { nowMs: NOW_MS, reviewing: true, pollMs: 12 * HOUR_MS }),
  );
  assert.equal(told2, ['gate_silence_after ramp.gate.silence_after']);
});

test('the same seed for another build, and percents that look like fractions', () => {
  const builds = [aBuild(41), aBuild(42), aBuild(43)];
  const base = baseOf(aState({ rollout: { cohortSeed: 's' }, builds }));
  const next = (over: Partial<Rollout>) =>
    codes(aState({ rollout: { current: 'b43', lastSafe: 'b41', ...over }, builds }), base);
  assert.equal(next({ cohortSeed: 's' }), ['cohort_seed_reused cohort_seed']);
  assert.equal(next({ cohortSeed: 't' }), []);
  assert.equal(next({ cohortSeed: 's', ...PLAIN_100 }), []);
  assert.equal(codes(aState({ rollout: 0.5 })), ['percent_fraction rollout_percent']);
  assert.equal(codes(aState({ rollout: 1 })), []);
  assert.equal(codes(aState({ rollout: { exposure: aRamp(undefined, [0.1, 4], [1]) } })), [
    'percent_fraction ramp.steps',
  ]);
});

test.run();
