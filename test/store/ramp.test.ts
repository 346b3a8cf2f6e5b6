/** The steps of a ramp as they are kept: percent, times and verdict, and what a way back to a lower step removes. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Judgement } from '../../controller/domain/gate/judge-step.ts';
import { HOUR_MS, NOW_MS } from '../support/state.ts';
import { withStore } from '../support/store.ts';

const HOLD: Judgement = { verdict: 'hold', reasons: ['hold_time'], figures: undefined, memory: {} };

/** What is kept when the ramp stands on this step. */
const kept = (step: number, judgement: Judgement | undefined, exposureMs = 0) => ({
  buildId: 'b42',
  progress: {
    rampId: 1,
    beginsAtMs: NOW_MS,
    step,
    enteredAtMs: NOW_MS + step * HOUR_MS,
    exposureMs,
    servedMs: exposureMs,
    judgement,
  },
  percent: step < 0 ? undefined : 10 * (step + 1),
  decidedAtMs: NOW_MS,
  decidedBy: 'ramp',
});

test('each step is kept with its percent, times and last verdict; without a verdict it has none', () =>
  withStore(async ({ ramps }) => {
    await ramps.keep(kept(0, undefined), [], []);
    await ramps.keep(kept(0, HOLD, 4.6), [], []);
    await ramps.keep(kept(1, undefined), [], []);
    assert.equal(await ramps.steps(1), [
      { step: 0, percent: 10, enteredAtMs: NOW_MS, exposureMs: 5, verdict: 'hold' },
      { step: 1, percent: 20, enteredAtMs: NOW_MS + HOUR_MS, exposureMs: 0, verdict: undefined },
    ]);
    assert.equal(await ramps.steps(2), []);
  }));

test('a ramp that went back to a lower step no longer counts the steps above as entered', () =>
  withStore(async ({ ramps }) => {
    for (const step of [0, 1, 2]) await ramps.keep(kept(step, HOLD), [], []);
    const other = kept(2, HOLD);
    await ramps.keep({ ...other, progress: { ...other.progress, rampId: 2 } }, [], []);
    await ramps.keep(kept(1, HOLD), [], []);
    const entered = async (rampId: number) => (await ramps.steps(rampId)).map(({ step }) => step);
    assert.equal([await entered(1), await entered(2)], [[0, 1], [2]], 'another ramp keeps its own');
  }));

test.run();
