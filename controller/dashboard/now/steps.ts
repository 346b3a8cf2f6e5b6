/** The steps of the ramp: past, present and future, with times. */
import { forecast } from '../../domain/ramp/forecast.ts';
import { rampOf } from '../../domain/ramp/progress.ts';
import { type Html, html, type Part } from '../html.ts';
import { icon } from '../icons.ts';
import { clockOf, NBSP, percents, since, span } from '../words.ts';
import type { InForce, NowFacts } from './facts.ts';
import type { NowState } from './state.ts';

const STOPPED: ReadonlySet<NowState> = new Set(['halted', 'braked', 'rolled_back', 'withdrawn']);

/** No time is shown for a step that waits for a person. */
const ASKS: Readonly<Partial<Record<NowState, (isNext: boolean) => string>>> = {
  asks: isNext => (isNext ? 'once you answer' : 'after that'),
  needs_approval: isNext => (isNext ? 'once it is approved' : 'after that'),
};

/** Undefined for a plain percent. */
export function stepsView(state: NowState, it: InForce, facts: NowFacts): Html | undefined {
  const { snapshot } = it;
  const ramp = rampOf(snapshot.rollout);
  if (ramp === undefined) return undefined;
  const steps = forecast(
    snapshot.rollout,
    snapshot.progress,
    facts.nowMs,
    snapshot.state.policy?.freezeWindows ?? [],
  );
  return html`<ol class="steps n${Math.min(10, steps.length)}" aria-label="Steps of the ramp">${steps.map(
    step => {
      const approval =
        ramp.steps[step.index]?.approval === true && step.percent > (ramp.approvedPercent ?? 0);
      if (step.state === 'past') return past(step.index, step.percent, it, facts.nowMs);
      if (step.state === 'now') return now(state, step.percent, step.holdMs, it);
      const isNext = step.index === (snapshot.progress?.step ?? -1) + 1;
      return later(state, step.percent, ASKS[state]?.(isNext) ?? step.atMs, approval, facts.nowMs);
    },
  )}</ol>`;
}

function past(index: number, percent: number, { entered }: InForce, nowMs: number): Html {
  const endedMs = entered.find(row => row.step > index)?.enteredAtMs;
  return html`<li class="step done"><b>${percents(percent)}${icon('ok', 'ok', 'passed')}</b><span class="when">${endedMs === undefined ? 'passed' : `passed ${clockOf(endedMs, nowMs)}${NBSP}UTC`}</span></li>`;
}

function now(state: NowState, percent: number, holdMs: number | undefined, { snapshot }: InForce): Html {
  const exposureMs = snapshot.progress?.exposureMs ?? 0;
  const stopped = STOPPED.has(state);
  const filled = holdMs === undefined || holdMs === 0 ? 100 : Math.min(100, (exposureMs * 100) / holdMs);
  const words: Part =
    holdMs === undefined
      ? 'the last step'
      : exposureMs >= holdMs
        ? 'its hold is over'
        : `${span(exposureMs)} of ${span(holdMs)}`;
  const mark = stopped
    ? icon('halt', 'stop', 'stopped')
    : state === 'suspended'
      ? icon('pause', 'pause', 'suspended')
      : state === 'completed'
        ? icon('ok', 'ok', 'completed')
        : icon('move', 'move', 'now');
  const look = stopped ? ' halted' : state === 'suspended' ? ' paused' : state === 'completed' ? ' over' : '';
  const bar =
    look === '' &&
    html`<svg class="bar" aria-hidden="true"><rect width="100%" height="4" class="f-line"/><rect width="${filled.toFixed(1)}%" height="4" class="f-current"/></svg>`;
  return html`<li class="step now${look}" aria-current="step">${bar}<b>${percents(percent)}${mark}</b><span class="when">${words}</span></li>`;
}

function later(
  state: NowState,
  percent: number,
  atMs: number | string | undefined,
  approval: boolean,
  nowMs: number,
): Html {
  const mark = approval ? icon('person', 'none', 'needs an approval') : icon('wait', 'none', 'later');
  if (STOPPED.has(state))
    return html`<li class="step later"><b>${percents(percent)}${approval && mark}</b><span class="when">not reached</span></li>`;
  const when =
    typeof atMs === 'string'
      ? atMs
      : atMs === undefined
        ? 'after the freeze window'
        : atMs <= nowMs
          ? 'next'
          : html`${clockOf(atMs, nowMs)}${NBSP}UTC<span class="wide">, ${since(atMs, nowMs)}</span>`;
  const foretold = typeof atMs === 'number' && atMs > nowMs;
  const also =
    typeof atMs === 'string'
      ? undefined
      : approval
        ? 'needs an approval'
        : foretold
          ? 'at the earliest'
          : undefined;
  return html`<li class="step later"><b>${percents(percent)}${mark}</b><span class="when">${when}</span>${also !== undefined && html`<span class="when qq q2">${also}</span>`}</li>`;
}
