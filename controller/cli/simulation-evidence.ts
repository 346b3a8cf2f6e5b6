/** The evidence of a modelled fleet at one look: the same counts as in the controller's store. */
import { HOUR_MS } from '../domain/duration.ts';
import { type Evidence, NO_EVIDENCE, type Takers } from '../domain/gate/evidence.ts';
import { DEFAULT_GATE } from '../domain/gate/gate.ts';
import { LEAST_CONTROL } from '../domain/gate/proof.ts';
import type { Fleet } from './simulation-fleet.ts';
import type { Scenario } from './simulation-model.ts';

type Count = keyof Takers;
const COUNTS: readonly Count[] = ['taken', 'ok', 'fail', 'verifyFail', 'followed'];

/** Running counts per step, so that a look does not have to visit every device. */
export class Tally {
  private readonly steps: Record<Count, number>[];
  private readonly canary: Record<Count, number> = none();

  constructor(steps: number) {
    this.steps = Array.from({ length: steps }, none);
  }

  add(fleet: Fleet, i: number, what: Count, by: number): void {
    const row = i >= fleet.canariesFrom ? this.canary : this.steps[fleet.ends.findIndex(end => i < end)];
    if (row !== undefined) row[what] += by;
  }

  total(what: Count): number {
    return this.steps.reduce((sum, step) => sum + step[what], 0);
  }

  all(): Record<Count, number> {
    const all = none();
    for (const what of COUNTS) all[what] = this.total(what);
    return all;
  }

  step(index: number): Record<Count, number> {
    return { ...(this.steps[index] ?? none()) };
  }

  canaries(): Evidence['canary'] {
    const { taken, fail, verifyFail } = this.canary;
    return { taken, fail, verifyFail };
  }
}

const none = (): Record<Count, number> => ({ taken: 0, ok: 0, fail: 0, verifyFail: 0, followed: 0 });

interface Seen {
  open: number;
  deferred: number;
  takenLongAgo: number;
  silent: number;
}

/** `up` in controller-up hours; `step` −1 before the first one. */
export function countEvidence(
  scenario: Scenario,
  fleet: Fleet,
  tally: Tally,
  step: number,
  up: number,
): Evidence {
  const silentAfter = (scenario.ramp.gate ?? DEFAULT_GATE).silenceAfterMs / HOUR_MS;
  const end = step < 0 ? 0 : (fleet.ends[step] ?? 0);
  const stepFrom = step < 1 ? 0 : (fleet.ends[step - 1] ?? 0);
  const before = seen(fleet, 0, stepFrom, up, silentAfter);
  const inStep = seen(fleet, stepFrom, end, up, silentAfter);
  const control = controlOf(scenario, fleet, end, up, silentAfter);
  return {
    ...NO_EVIDENCE,
    cohort: { ...tally.all(), ...sum(before, inStep) },
    step: { ...tally.step(step), open: inStep.open, deferred: inStep.deferred },
    canary: tally.canaries(),
    control: { devices: control.devices, silent: control.silent },
    starved: control.devices >= LEAST_CONTROL && control.seenLately < control.devices / 2,
  };
}

function seen(fleet: Fleet, from: number, to: number, up: number, silentAfter: number): Seen {
  const { takenAt, lastSeen, deferred } = fleet;
  const longAgo = up - silentAfter;
  const counts: Seen = { open: 0, deferred: 0, takenLongAgo: 0, silent: 0 };
  for (let i = from; i < to; i++) {
    const isSilent = (lastSeen[i] ?? 0) < longAgo;
    const taken = takenAt[i] ?? 0;
    if (taken === Number.NEGATIVE_INFINITY) {
      if (isSilent) continue;
      if (deferred[i] === 1) counts.deferred++;
      else counts.open++;
    } else if (taken <= longAgo) {
      counts.takenLongAgo++;
      if (isSilent) counts.silent++;
    }
  }
  return counts;
}

const sum = (a: Seen, b: Seen): Seen => ({
  open: a.open + b.open,
  deferred: a.deferred + b.deferred,
  takenLongAgo: a.takenLongAgo + b.takenLongAgo,
  silent: a.silent + b.silent,
});

/** Devices outside the cohort that were alive when the ramp began, at hour 0. */
function controlOf(
  { fleet: { pollHours, pollSpread } }: Scenario,
  fleet: Fleet,
  from: number,
  up: number,
  silentAfter: number,
): { devices: number; silent: number; seenLately: number } {
  const { lastSeen, canariesFrom } = fleet;
  const silentBefore = up - silentAfter;
  const lately = up - pollHours * (1 + pollSpread);
  let devices = 0;
  let silent = 0;
  let seenLately = 0;
  for (let i = from; i < canariesFrom; i++) {
    const last = lastSeen[i] ?? 0;
    if (last < -silentAfter) continue;
    devices++;
    if (last >= lately) seenLately++;
    else if (last < silentBefore) silent++;
  }
  return { devices, silent, seenLately };
}
