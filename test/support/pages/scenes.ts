/** The states of *Now*, as scenes. */
import { DEFAULT_GATE } from '../../../controller/domain/gate/gate.ts';
import type { Rollout } from '../../../controller/domain/release.ts';
import { DAY_MS, HOUR_MS } from '../state.ts';
import { type Builds, idsIn, type Past, SCENE_MS, type Scene, SEED } from './scene.ts';

export const RAMP: Rollout['exposure'] = {
  kind: 'ramp',
  ramp: {
    startMs: undefined,
    steps: [
      { percent: 1, holdMs: 24 * HOUR_MS },
      { percent: 10, holdMs: 24 * HOUR_MS },
      { percent: 25, holdMs: 24 * HOUR_MS },
      { percent: 50, holdMs: 24 * HOUR_MS, approval: true },
      { percent: 100, holdMs: undefined },
    ],
    gate: DEFAULT_GATE,
  },
};

/** b43 over b42, in steps unless told otherwise. */
const over =
  (rollout: Partial<Rollout> = {}) =>
  (builds: Builds) => ({
    builds: [builds.b41, builds.b42, builds.b43],
    rollout: {
      current: 'b43',
      lastSafe: 'b42',
      exposure: RAMP,
      cohortSeed: SEED,
      canary: { tags: ['qa'], devices: [], cohorts: [] },
      rollback: false,
      forceDowngrade: false,
      mustInstall: false,
      deadlineMs: undefined,
      wifiOnly: true,
      minBatteryPercent: 30,
      suspend: undefined,
      reason: undefined,
      ...rollout,
    },
  });

const IN_STEP_2 = {
  step: 1,
  enteredAtMs: SCENE_MS - (20 * HOUR_MS + 50 * 60_000),
  exposureMs: 20 * HOUR_MS + 50 * 60_000,
};

const INSIDE = idsIn('kiosk', 80, 10, 'inside');
const OUTSIDE = idsIn('tablet', 400, 10, 'outside');
const CANARIES = ['lab-1', 'lab-2', 'lab-3', 'lab-4'];

/** 80 devices of the 10 % and 400 outside; `fails` of those that took b43 could not install it. */
async function fleet({ devices, took, adoption, builds }: Past, fails: number): Promise<void> {
  await adoption(300, ago => (ago > 45 ? 0 : ago > 21 ? 8 : Math.round(74 * (1 - Math.exp((ago - 21) / 5)))));
  const { b41, b42, b43 } = builds;
  await devices(OUTSIDE.slice(0, 380), { build: b42, tags: ['store-berlin'] });
  await devices(OUTSIDE.slice(380), { build: b41, agoMs: 20 * HOUR_MS, sdk: 29 });
  await devices(idsIn('drawer', 12, 10, 'outside'), { build: b41, agoMs: 12 * DAY_MS });
  await devices(INSIDE, { build: b42, tags: ['kiosk'] });
  await devices(INSIDE.slice(70 - fails, 70), { build: b42, tags: ['kiosk'], sdk: 29 });
  await devices(INSIDE.slice(71, 73), { build: b42, tags: ['kiosk'], sdk: 30 });
  await devices(INSIDE.slice(75, 76), { build: b42, tags: ['kiosk'], sdk: 26 });
  await devices(CANARIES, { build: b42, tags: ['qa'] });
  const ran = INSIDE.slice(0, 70 - fails);
  await took(ran, b43, { outcome: 'ok', reason: 'installed', agoMs: 19 * HOUR_MS });
  await took(INSIDE.slice(70 - fails, 70), b43, {
    outcome: 'fail',
    reason: 'install_failed',
    detail: 'INSTALL_FAILED_DEXOPT',
    agoMs: 3 * HOUR_MS,
  });
  await took(INSIDE.slice(70, 74), b43, { outcome: 'deferred', reason: 'wifi', agoMs: HOUR_MS });
  await took(INSIDE.slice(74, 75), b43, { outcome: 'deferred', reason: 'battery', agoMs: 2 * HOUR_MS });
  await took(INSIDE.slice(75, 76), b43, { outcome: 'fail', reason: 'storage', agoMs: 4 * HOUR_MS });
  await took(CANARIES, b43, { outcome: 'ok', reason: 'installed', agoMs: 40 * HOUR_MS });
}

export const SCENES = {
  ramping: { state: over(), progress: IN_STEP_2, past: past => fleet(past, 1) },
  halted: { state: over(), progress: IN_STEP_2, past: past => fleet(past, 9) },
  braked: {
    state: over(),
    progress: IN_STEP_2,
    past: async past => {
      await fleet(past, 1);
      const at = { atMs: SCENE_MS - 40_000, by: 'admin:ops-admin' };
      await past.store.halts.press(
        {
          ...at,
          buildId: 'b43',
          kind: 'hand',
          mode: 'halt',
          reason: 'kiosks in Berlin reboot in a loop',
          evidence: null,
        },
        [],
      );
    },
  },
  'rolled-back': {
    state: over({ rollback: true, reason: 'crash loop on Android 10' }),
    appliedAgoMs: 2 * HOUR_MS,
    progress: IN_STEP_2,
    past: past => fleet(past, 3),
  },
  suspended: {
    state: over({
      suspend: {
        reason: 'stock-taking in all stores',
        sinceMs: SCENE_MS - 3 * HOUR_MS,
        untilMs: SCENE_MS + 4 * DAY_MS - (2 * HOUR_MS + 50 * 60_000),
      },
    }),
    progress: IN_STEP_2,
    past: past => fleet(past, 1),
  },
  asks: {
    state: over(),
    progress: { ...IN_STEP_2, exposureMs: 80 * HOUR_MS, enteredAtMs: SCENE_MS - 80 * HOUR_MS },
    appliedAgoMs: 110 * HOUR_MS,
    past: async past => {
      const { devices, took, adoption, builds } = past;
      await adoption(300, ago => (ago > 100 ? 0 : 9));
      await devices(OUTSIDE.slice(0, 200), { build: builds.b42 });
      await devices(INSIDE, { build: builds.b42 });
      await took(INSIDE.slice(0, 9), builds.b43, { outcome: 'ok', reason: 'installed', agoMs: 60 * HOUR_MS });
    },
  },
  'needs-approval': {
    state: over(),
    appliedAgoMs: 90 * HOUR_MS,
    progress: {
      step: 2,
      enteredAtMs: SCENE_MS - 30 * HOUR_MS,
      exposureMs: 30 * HOUR_MS,
    },
    past: async past => {
      const { devices, took, builds } = past;
      await devices(OUTSIDE.slice(0, 200), { build: builds.b42 });
      const reached = idsIn('till', 120, 25, 'inside');
      await devices(reached, { build: builds.b42 });
      await took(reached, builds.b43, { outcome: 'ok', reason: 'installed', agoMs: 26 * HOUR_MS });
    },
  },
  refused: {
    state: over(),
    progress: IN_STEP_2,
    past: past => fleet(past, 1),
    next: files => ({
      ...files,
      'rollout.yaml': (files['rollout.yaml'] ?? '')
        .replace('cohort_seed:', 'rollout_percent: 50\ncohort_seed:')
        .replace('min_battery_percent', 'min_batery_percent'),
    }),
  },
  completed: {
    state: over({ exposure: { kind: 'percent', percent: 100 } }),
    appliedAgoMs: 6 * DAY_MS,
    past: async past => {
      const { devices, took, builds } = past;
      await devices(OUTSIDE, { build: builds.b43 });
      await devices(INSIDE.slice(0, 2), { build: builds.b42 });
      await took(INSIDE.slice(0, 1), builds.b43, { outcome: 'fail', reason: 'storage' });
    },
  },
  'source-lost': { state: over(), progress: IN_STEP_2, past: past => fleet(past, 1), sourceLost: true },
  'clock-held': { state: over(), progress: IN_STEP_2, past: past => fleet(past, 1), jumpMs: 2 * DAY_MS },
  empty: {},
} as const satisfies Record<string, Scene>;
