/** What a plan leads to with a fleet whose check-ins were observed, beside what the simulated fleet really did. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { NO_GAPS } from '../../../controller/domain/check-in-gaps.ts';
import { DEFAULT_GATE, type Gate } from '../../../controller/domain/gate/gate.ts';
import { countFleet, type FleetDevice } from '../../../controller/domain/plan/fleet.ts';
import { type Plan, plan } from '../../../controller/domain/plan/index.ts';
import { planJson } from '../../../controller/domain/plan/json.ts';
import { renderPlanMarkdown } from '../../../controller/domain/plan/markdown.ts';
import { forecastPlan, type Outlook, takersIn } from '../../../controller/domain/plan/outlook.ts';
import { renderPlanText } from '../../../controller/domain/plan/text.ts';
import type { Ramp, RampStep } from '../../../controller/domain/release.ts';
import { aStanding, aState, HOUR_MS, NOW_MS, type StateParts } from '../../support/state.ts';

const POLL_MS = 6 * HOUR_MS;
const GAPS = { devices: 4_500, quantilesMs: Array(21).fill(6 * HOUR_MS) as number[] };
const STOOD: StateParts = {
  rollout: { current: 'b41', lastSafe: undefined, exposure: { kind: 'percent', percent: 100 } },
};
const STEPS: readonly RampStep[] = [
  { percent: 1, holdMs: 12 * HOUR_MS },
  { percent: 10, holdMs: 24 * HOUR_MS },
  { percent: 100, holdMs: undefined },
];

function ramped(gate: Partial<Gate> | undefined, over: Partial<Ramp> = {}): Plan {
  const ramp: Ramp = {
    startMs: undefined,
    steps: STEPS,
    ...(gate !== undefined && { gate: { ...DEFAULT_GATE, ...gate } }),
    ...over,
  };
  const head = aStanding(aState({ rollout: { exposure: { kind: 'ramp', ramp } } }));
  return plan(aStanding(aState(STOOD)), head, NOW_MS);
}

const even = (devices: number) => (percent: number) => Math.round((devices * percent) / 100);

function outlook(planned: Plan, devices: number, gaps = GAPS): Outlook {
  const forecast = forecastPlan(planned, { gaps, pollMs: POLL_MS, takersAt: even(devices) });
  if (forecast.kind !== 'known') throw new Error('known');
  return forecast.outlook;
}
const hoursOf = (ms: number | undefined): number | undefined =>
  ms === undefined ? undefined : Math.round((ms - NOW_MS) / HOUR_MS);

test('without a gate a step lasts as long as its hold', () => {
  const { steps, nearlyAllAtMs } = outlook(ramped(undefined), 4_500);
  assert.equal(
    steps.map(s => [hoursOf(s.beginsAtMs), hoursOf(s.overAtMs), s.devices, s.needed]),
    [
      [0, 12, 45, undefined],
      [12, 36, 405, undefined],
      [36, undefined, 4_050, undefined],
    ],
  );
  assert.equal(
    steps.map(s => s.reports),
    [45, 405, 4_050],
  );
  // 10 % run it already, so the rest must reach 85 of 90: 5.7 h after the last step began.
  assert.is(hoursOf(nearlyAllAtMs), 42);
});

test('with a gate a step lasts until two polls after enough devices took it, as in the simulation', () => {
  const { steps } = outlook(ramped({}), 4_500);
  const [first, second, last] = steps;
  // docs/gates.md: the first step of 12 h lasts 18 to 20 h, later ones are decided by few of many.
  assert.equal([first?.needed, hoursOf(first?.overAtMs)], [30, 19]);
  assert.is(first?.reports, 45);
  assert.equal([second?.needed, (hoursOf(second?.overAtMs) ?? 0) - 19], [50, 24]);
  assert.is((hoursOf(last?.overAtMs) ?? 0) - 43, 13, 'its follow-up');
});

test('too few check-ins within max_wait ask a person, and the steps after it have no moment', () => {
  const slow = { devices: 9, quantilesMs: Array(21).fill(5 * 24 * HOUR_MS) as number[] };
  const { steps, nearlyAllAtMs } = outlook(ramped({}), 900, slow);
  assert.equal(
    steps.map(s => [s.waits, hoursOf(s.overAtMs), hoursOf(s.beginsAtMs)]),
    [
      ['person', undefined, 0],
      ['person', undefined, undefined],
      [undefined, undefined, undefined],
    ],
  );
  assert.is(nearlyAllAtMs, undefined);
  const proceeds = outlook(ramped({ noData: 'proceed' }), 900, slow).steps[0];
  assert.equal([proceeds?.waits, hoursOf(proceeds?.overAtMs)], [undefined, 60]);
});

test('an approval that is not given yet is told, and one that is does not wait', () => {
  const [one, ten, all] = STEPS;
  if (one === undefined || ten === undefined || all === undefined) throw new Error('three steps');
  const steps = [one, { ...ten, approval: true } as const, all];
  const [first, second] = outlook(ramped(undefined, { steps }), 900).steps;
  assert.equal([first?.waits, hoursOf(first?.overAtMs), second?.beginsAtMs], ['approval', 12, undefined]);
  const given = outlook(ramped(undefined, { steps, approvedPercent: 10 }), 900).steps;
  assert.equal(
    given.map(s => s.waits),
    [undefined, undefined, undefined],
  );
});

test('a standing step has been served for a while, and steps that are over are left out', () => {
  const state = aState({
    rollout: { exposure: { kind: 'ramp', ramp: { startMs: undefined, steps: STEPS } } },
  });
  const head = aStanding(state, NOW_MS - 20 * HOUR_MS);
  const edited = aStanding(
    { ...state, rollout: { ...state.rollout, wifiOnly: false } },
    NOW_MS - 20 * HOUR_MS,
  );
  const { steps } = outlook(plan(head, edited, NOW_MS), 900);
  assert.equal(
    steps.map(s => [s.percent, hoursOf(s.overAtMs)]),
    [
      [10, 16],
      [100, undefined],
    ],
  );
});

test('only active devices that can take the build or run it count, canaries apart', () => {
  const seen = { tags: [], versionCode: 41, lastSeenMs: NOW_MS - HOUR_MS };
  const fleet: FleetDevice[] = [
    { ...seen, deviceId: 'active' },
    { ...seen, deviceId: 'runs', versionCode: 42 },
    { ...seen, deviceId: 'gone', lastSeenMs: NOW_MS - 100 * HOUR_MS },
    { ...seen, deviceId: 'old-android', sdk: 20 },
    { ...seen, deviceId: 'canary', tags: ['qa'] },
    { deviceId: 'never', tags: [], versionCode: undefined },
  ];
  const head = aStanding(
    aState({
      rollout: {
        exposure: { kind: 'percent', percent: 100 },
        canary: { tags: ['qa'], devices: [], cohorts: [] },
      },
    }),
  );
  const planned = plan(aStanding(aState(STOOD)), head, NOW_MS);
  assert.is(takersIn(countFleet(planned, fleet))(100), 2);
  assert.is(takersIn(countFleet(planned, fleet, 200 * HOUR_MS))(100), 3);
});

test('the comment has one table with the likely end and the reports, and says what is not known', () => {
  const planned = ramped({});
  const forecast = forecastPlan(planned, { gaps: GAPS, pollMs: POLL_MS, takersAt: even(4_500) });
  const markdown = renderPlanMarkdown(planned, { forecast, fleet: countFleet(planned, []) });
  assert.match(
    markdown,
    /\| Step \| Begins \| Holds \| Devices \| New offers \| To be served \| Likely over \| Reports by then \|/,
  );
  assert.match(markdown, /\| \*\*1 %\*\* ◀ now \| merge \| 12h \|.*\| merge \+ 19h \| 45 \(30 needed\) \|/);
  assert.match(
    markdown,
    /95 % of the active devices that are offered the build run it by merge \+ 49h; .*4500 devices, 6h at the median/,
  );
  const text = renderPlanText(planned, { forecast });
  assert.match(text, /Forecast\n {6}1 % {2}likely over: merge \+ 19h; 45 devices can take it/);
  const json = planJson(planned, undefined, forecast) as { forecast: { steps: { over_at: string }[] } };
  assert.is(json.forecast.steps.length, 3);
  const unknown = forecastPlan(planned, { gaps: NO_GAPS, pollMs: POLL_MS, takersAt: even(9) });
  for (const said of [
    renderPlanMarkdown(planned, { forecast: unknown }),
    renderPlanText(planned, { forecast: unknown }),
  ]) {
    assert.match(said, /There is no forecast of [^:]*: no device has checked in twice/);
    assert.not.match(said, /[Ll]ikely over[ :|]/);
  }
  assert.not.match(renderPlanText(planned), /Forecast/);
});

test('a plain percent says when nearly all of its devices run it', () => {
  const head = aStanding(aState({ rollout: 25 }));
  const planned = plan(aStanding(aState(STOOD)), head, NOW_MS);
  const { steps, nearlyAllAtMs } = outlook(planned, 900);
  assert.equal(steps, []);
  assert.is(hoursOf(nearlyAllAtMs), 6);
});

test.run();
