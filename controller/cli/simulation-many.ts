/** Simulates many rollouts of one kind: how often each result occurs, and the share of the fleet that had the build then. */

import type { Scenario } from './simulation-model.ts';
import { type Played, play } from './simulation-run.ts';

export interface Distribution {
  readonly runs: number;
  /** Shares of runs. `open`: not finished at the horizon, mostly because the follow-up at 100 % stays undecided. */
  readonly halted: number;
  readonly asked: number;
  readonly done: number;
  readonly open: number;
  /** Share of the fleet that took the build before it was halted or a person was asked; undefined if never stopped. */
  readonly takenMedian: number | undefined;
  readonly takenP95: number | undefined;
  /** Hours until the last step opened; undefined if never. */
  readonly hoursMedian: number | undefined;
  readonly hoursP95: number | undefined;
}

/** Seeds `from` to `from + runs - 1`. */
export function playMany(scenarioOf: (seed: number) => Scenario, runs: number, from = 1): Distribution {
  const ends: Record<Played['end'], number> = { halt: 0, waiting_for_person: 0, done: 0, open: 0 };
  const taken: number[] = [];
  const hours: number[] = [];
  for (let seed = from; seed < from + runs; seed++) {
    const scenario = scenarioOf(seed);
    const { end, takenShare, enteredHours } = play(scenario, seed);
    ends[end]++;
    if (end === 'halt' || end === 'waiting_for_person') taken.push(takenShare);
    const entered = enteredHours[scenario.ramp.steps.length - 1];
    if (entered !== undefined) hours.push(entered);
  }
  return {
    runs,
    halted: ends.halt / runs,
    asked: ends.waiting_for_person / runs,
    done: ends.done / runs,
    open: ends.open / runs,
    takenMedian: quantile(taken, 0.5),
    takenP95: quantile(taken, 0.95),
    hoursMedian: quantile(hours, 0.5),
    hoursP95: quantile(hours, 0.95),
  };
}

/** The smallest value that at least a share `p` of the values do not exceed. */
function quantile(values: readonly number[], p: number): number | undefined {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(p * sorted.length) - 1)];
}
