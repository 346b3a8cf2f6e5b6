import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { countAdopted, nominalAdopted, progressOf } from '../../controller/cli/adoption.ts';
import type { DeviceOnWire } from '../../controller/cli/device-print.ts';
import type { RolloutOnWire } from '../../controller/cli/rollout-wire.ts';
import { bucketOf } from '../../controller/domain/cohort.ts';
import { DAY_MS, NOW_MS } from '../support/state.ts';

type Parts = {
  rollout?: Partial<RolloutOnWire['rollout']>;
  exposure?: Partial<RolloutOnWire['exposure']>;
  reconcile?: Partial<RolloutOnWire['reconcile']>;
  fleet?: Partial<RolloutOnWire['fleet']>;
};

const seen = (ms: number): string => new Date(ms).toISOString();
const aWire = ({ rollout, exposure, reconcile, fleet }: Parts = {}): RolloutOnWire => ({
  revision: 'a'.repeat(40),
  applied_at: seen(NOW_MS),
  rollout: {
    current: 'b42',
    last_safe: 'b41',
    rollout_percent: 10,
    ramp: null,
    cohort_seed: '',
    canary: { tags: ['qa'], devices: ['kiosk-7'], cohorts: [] },
    rollback: false,
    force_downgrade: false,
    suspend: null,
    ...rollout,
  },
  exposure: { declared_percent: 10, effective_percent: 10, next_change_at: null, ...exposure },
  fleet: { enrolled: 100, active: 100, running_current: 4, adoption_ratio: 0.04, ...fleet },
  missing_artifacts: [],
  reconcile: {
    applied_revision: 'a'.repeat(40),
    applied_at: seen(NOW_MS),
    attempted_revision: 'a'.repeat(40),
    problems: [],
    source_age_s: 1,
    source_fault: null,
    clock_held: false,
    ...reconcile,
  },
});
const aDevice = (device_id: string, over: Partial<DeviceOnWire> = {}): DeviceOnWire => ({
  device_id,
  tags: [],
  revoked_at: null,
  last_seen_at: seen(NOW_MS - 1000),
  version_code: 41,
  build_id: 'b41',
  sdk: 33,
  signer: null,
  ...over,
});

test('exposed are canaries and the devices below the threshold that are active and not revoked', () => {
  const ids = Array.from({ length: 200 }, (_, i) => `d${i}`);
  const inside = ids.filter(id => bucketOf(id, '') < 1000);
  const [first = '', second = '', third = ''] = inside;
  const devices = [
    ...ids.map(id =>
      aDevice(id, {
        ...(id === first && { build_id: 'b42', version_code: 42 }),
        ...(id === second && { last_seen_at: seen(NOW_MS - 4 * DAY_MS) }),
        ...(id === third && { revoked_at: seen(NOW_MS) }),
      }),
    ),
    aDevice('kiosk-7', { build_id: null, version_code: 42 }),
    aDevice('tagged', { tags: ['qa'] }),
    aDevice('never', { tags: ['qa'], last_seen_at: null }),
  ];
  assert.equal(countAdopted(aWire(), devices, 42, NOW_MS), {
    exposed: inside.length - 2 + 2,
    running: 2,
    exact: true,
  });
});

test('a fleet too large to list is judged by its percentage', () => {
  assert.equal(nominalAdopted(aWire({ fleet: { active: 20_000, running_current: 2_500 } })), {
    exposed: 2_000,
    running: 2_000,
    exact: false,
  });
});

test('waiting ends when the share of the exposed devices runs the build', () => {
  const at = (running: number, target: number) =>
    progressOf(aWire(), { exposed: 40, running, exact: true }, target, NOW_MS);
  assert.is(at(37, 95).state, 'waiting');
  assert.equal(at(38, 95), { state: 'reached', wanted: 38, why: '38 of 40 exposed devices run b42' });
  assert.is(at(39, 100).state, 'waiting');
});

test('a rollback, a suspend, a withdrawal and a refused revision halt', () => {
  const halted = (parts: Parts, why: RegExp): void => {
    const progress = progressOf(aWire(parts), { exposed: 40, running: 40, exact: true }, 95, NOW_MS);
    assert.is(progress.state, 'halted');
    assert.match(progress.why, why);
  };
  halted({ rollout: { rollback: true }, exposure: { effective_percent: 0 } }, /b42 is rolled back to b41/);
  const suspend = { reason: 'holiday', since: seen(NOW_MS - 1), until: seen(NOW_MS + 1) };
  halted({ rollout: { suspend }, exposure: { effective_percent: 0 } }, /suspended until .*: holiday/);
  halted({ exposure: { effective_percent: 0 } }, /b42 is withdrawn/);
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
  halted(
    { reconcile: { attempted_revision: 'b'.repeat(40), problems: [problem] } },
    /revision bbbbbbbbbbbb was refused: no build b43/,
  );
  const over = progressOf(
    aWire({ rollout: { suspend: { ...suspend, until: seen(NOW_MS) } } }),
    { exposed: 4, running: 0, exact: true },
    95,
    NOW_MS,
  );
  assert.is(over.state, 'waiting');
});

test('nothing exposed: before a ramp starts and before devices check in it waits, at a plain 0 % there is nothing to wait for', () => {
  const none = { exposed: 0, running: 0, exact: true };
  const ramp = aWire({
    exposure: { declared_percent: 0, effective_percent: 0, next_change_at: seen(NOW_MS + 1) },
  });
  assert.is(progressOf(ramp, none, 95, NOW_MS).state, 'waiting');
  assert.is(progressOf(aWire(), none, 95, NOW_MS).state, 'waiting');
  assert.is(
    progressOf(aWire({ exposure: { declared_percent: 0, effective_percent: 0 } }), none, 95, NOW_MS).state,
    'reached',
  );
});

test.run();
