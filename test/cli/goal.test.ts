/** What a watch makes of a controller's answer. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Begun, failLimitArgument, type Verdict, verdictOf } from '../../controller/cli/goal.ts';
import type { ProgressOnWire, RolloutOnWire } from '../../controller/cli/rollout-wire.ts';
import { GOAL } from '../../controller/domain/progress.ts';
import { DAY_MS, NOW_MS } from '../support/state.ts';

type Rollout = NonNullable<RolloutOnWire['rollout']>;
type Exposure = NonNullable<RolloutOnWire['exposure']>;

const iso = (ms: number): string => new Date(ms).toISOString();

const aProgress = (over: Partial<ProgressOnWire> = {}): ProgressOnWire => ({
  revision: 'a'.repeat(40),
  build_id: 'b42',
  kind: 'rollout',
  counted_at: iso(NOW_MS),
  active_window_s: 259_200,
  exposed: 40,
  seen: 40,
  offered: 40,
  running: 40,
  waiting: 0,
  held: [],
  staying: 0,
  canaries: { declared_devices: 0, declared_tags: [], exposed: 0, offered: 0, running: 0 },
  waiting_devices: [],
  unseen_devices: [],
  results: { ok: 0, confirmed: 0, fail: 0, deferred: 0, skipped: 0, verify_fail: 0, reasons: [] },
  last_step: true,
  done: true,
  waits_for: [],
  ...over,
});

interface Parts {
  readonly rollout?: Partial<Rollout>;
  readonly exposure?: Partial<Exposure>;
  readonly reconcile?: Partial<RolloutOnWire['reconcile']>;
  readonly progress?: Partial<ProgressOnWire> | null;
}

const anAnswer = ({ rollout, exposure, reconcile, progress = {} }: Parts = {}): RolloutOnWire => ({
  revision: 'a'.repeat(40),
  applied_at: iso(NOW_MS),
  rollout: {
    current: 'b42',
    last_safe: 'b41',
    rollout_percent: 10,
    ramp: null,
    cohort_seed: '',
    canary: { tags: [], devices: [], cohorts: [] },
    rollback: false,
    force_downgrade: false,
    suspend: null,
    ...rollout,
  },
  exposure: {
    declared_percent: 10,
    effective_percent: 10,
    next_change_at: null,
    ramp: null,
    halts: [],
    ...exposure,
  },
  fleet: { enrolled: 100, active: 100, running_current: 4, adoption_ratio: 0.04 },
  progress: progress === null ? null : aProgress(progress),
  missing_artifacts: [],
  reconcile: {
    applied_revision: 'a'.repeat(40),
    applied_at: iso(NOW_MS),
    attempted_revision: 'a'.repeat(40),
    problems: [],
    source_age_s: 1,
    source_fault: null,
    clock_held: false,
    ...reconcile,
  },
});

const judge = (parts: Parts, over: Partial<Parameters<typeof verdictOf>[2]> = {}, begun?: Begun): Verdict =>
  verdictOf(anAnswer(parts), begun, { ...GOAL, ...over }, NOW_MS);

test('a watch is done when all devices run the build; until then it says what it waits for', () => {
  assert.equal(judge({}), { state: 'reached', why: 'b42: 40 of 40 offered devices run it' });
  assert.equal(judge({ progress: { running: 38 } }), {
    state: 'waiting',
    why: '38 of 40 offered devices run b42',
  });
  assert.is(judge({ progress: { running: 38 } }, { targetPercent: 95 }).state, 'reached');
  assert.match(
    judge({ progress: { running: 30, held: [{ reason: 'signer_mismatch', devices: 10 }] } }).why,
    /30 of 40 offered devices run b42 \(held: signer_mismatch 10\)/,
  );
});

test('devices that are left out are named', () => {
  const { why } = judge(
    {
      progress: {
        exposed: 60,
        running: 39,
        waiting: 1,
        waiting_devices: ['slow-1'],
        unseen_devices: ['u1', 'u2', 'u3', 'u4', 'u5', 'u6'],
      },
    },
    { targetPercent: 95 },
  );
  assert.is(
    why,
    'b42: 39 of 40 offered devices run it; not yet: slow-1; 20 exposed devices were not seen: u1, u2, u3, u4, u5, …',
  );
});

test('a count of another revision, or none yet, is waited for', () => {
  assert.is(judge({ progress: null }).state, 'waiting');
  assert.is(judge({ progress: { revision: 'b'.repeat(40) } }).state, 'waiting');
  const older = { ...anAnswer(), progress: undefined };
  assert.is(verdictOf(older, undefined, GOAL, NOW_MS).state, 'halted');
});

test('what changed since the first look ends the watch', () => {
  const begun: Begun = { buildId: 'b42', kind: 'rollout' };
  const back = { kind: 'rollback', build_id: 'b41' } as const;
  assert.equal(judge({ rollout: { rollback: true }, progress: back }, {}, begun), {
    state: 'halted',
    why: 'b42 is rolled back to b41',
  });
  assert.match(judge({ progress: back }, {}, begun).why, /b42 is withdrawn; devices are offered b41/);
  assert.match(judge({ progress: { build_id: 'b43' } }, {}, begun).why, /b43 replaced b42 during the wait/);
  assert.is(judge({ rollout: { rollback: true }, progress: back }, {}).state, 'reached');
});

test('a suspend, a withdrawal without a way back and a refused revision halt', () => {
  const suspend = { reason: 'holiday', since: iso(NOW_MS), until: iso(NOW_MS + DAY_MS) };
  assert.match(judge({ rollout: { suspend } }).why, /suspended until .*: holiday/);
  assert.is(judge({ rollout: { suspend: { ...suspend, until: iso(NOW_MS) } } }).state, 'reached');
  assert.match(
    judge({ rollout: { last_safe: null }, exposure: { effective_percent: 0 } }).why,
    /b42 is withdrawn and not offered to any device/,
  );
  const problem = {
    severity: 'error',
    code: 'unknown_build',
    file: 'rollout.yaml',
    line: 1,
    column: 1,
    path: '',
    message: 'no build b43',
    hint: null,
  } as const;
  assert.match(
    judge({ reconcile: { attempted_revision: 'b'.repeat(40), problems: [problem] } }).why,
    /revision bbbbbbbbbbbb was refused: no build b43/,
  );
});

const aHalt = {
  id: 1,
  build_id: 'b42',
  kind: 'gate',
  mode: 'halt',
  at: iso(NOW_MS),
  by: 'gate',
  reason: '5 of 50 devices failed',
  declared: false,
  pull_request: null,
} as const;

test('a gate that halted, a brake, and a gate that needs a person end the watch', () => {
  const none = { exposed: 0, seen: 0, offered: 0, running: 0 };
  assert.equal(judge({ exposure: { halts: [aHalt] }, progress: none }), {
    state: 'halted',
    why: 'the gate has halted b42: 5 of 50 devices failed',
  });
  const hand = { ...aHalt, kind: 'hand', by: 'admin:ruth', reason: 'reboots' } as const;
  assert.is(
    judge({ exposure: { halts: [hand] }, progress: none }).why,
    'b42 is braked by admin:ruth: reboots',
  );
  const ramp = (verdict: 'hold' | 'waiting_for_person' | 'waiting_for_approval') => ({
    ramp_id: 1,
    begins_at: iso(NOW_MS),
    step: 2,
    entered_at: iso(NOW_MS),
    exposure_s: 60,
    verdict,
    reasons: ['no data'],
  });
  const waiting = (verdict: Parameters<typeof ramp>[0]) =>
    judge({ exposure: { ramp: ramp(verdict) }, progress: { last_step: false } });
  assert.equal(waiting('waiting_for_person'), {
    state: 'halted',
    why: 'the gate of step 2 waits for a person: no data',
  });
  assert.is(
    waiting('waiting_for_approval').why,
    'the next step after step 2 needs an approval: raise approved_percent',
  );
  assert.is(waiting('hold').state, 'waiting');
});

test('nobody exposed: it waits where a step, a canary or a new device may come, else it ends', () => {
  const none = { exposed: 0, seen: 0, offered: 0, running: 0 };
  const zero = { declared_percent: 0, effective_percent: 0 };
  assert.is(judge({ progress: none }).state, 'waiting');
  assert.is(
    judge({ exposure: { ...zero, next_change_at: iso(NOW_MS + 1) }, progress: { ...none, last_step: false } })
      .state,
    'waiting',
  );
  const canary = { tags: [], devices: [], cohorts: ['lab'] };
  assert.is(judge({ exposure: zero, rollout: { canary }, progress: none }).state, 'waiting');
  assert.equal(judge({ exposure: zero, progress: none }), {
    state: 'halted',
    why: 'no device is offered b42, and waiting will not change that',
  });
});

const failed = (ok: number, fail: number): Partial<ProgressOnWire> => ({
  results: {
    ok,
    confirmed: ok,
    fail,
    deferred: 0,
    skipped: 0,
    verify_fail: 0,
    reasons: [{ outcome: 'fail', reason: 'install_failed', devices: fail, attempts: fail * 2 }],
  },
});

test('a share of failures counts from ten reports on, or from all devices of a smaller rollout', () => {
  const failOn = failLimitArgument('fail>2%');
  const state = (ok: number, fail: number, offered = 40) =>
    judge({ progress: { ...failed(ok, fail), offered, running: 0 } }, { failOn }).state;
  assert.is(state(8, 1), 'waiting');
  assert.is(state(9, 1), 'halted');
  assert.is(state(49, 1), 'waiting', 'exactly 2 % is not more');
  assert.is(state(48, 1), 'halted');
  assert.is(state(1, 1, 2), 'halted');
  assert.is(state(0, 1, 2), 'waiting');
});

test('a number of failures counts at once', () => {
  const failOn = failLimitArgument('fail>5');
  assert.is(judge({ progress: { ...failed(0, 5), running: 0 } }, { failOn }).state, 'waiting');
  assert.match(
    judge({ progress: { ...failed(0, 6), running: 0 } }, { failOn }).why,
    /^6 of 6 devices that ended an attempt failed, over fail>5: install_failed 6$/,
  );
});

test('a limit is a share or a whole number', () => {
  assert.equal(failLimitArgument(' fail > 2.5 % '), { limit: 2.5, unit: 'percent', text: 'fail>2.5%' });
  for (const text of ['', 'fail', 'fail>', 'fail>x', 'fail>101%', 'fail>2.5', 'ok>2%', 'fail<2%', 'fail>-1'])
    assert.throws(() => failLimitArgument(text), /Expected a limit like/, text);
});

test.run();
