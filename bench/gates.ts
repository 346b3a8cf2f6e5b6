/** What a gate stops and what it lets through: many rollouts in virtual time, judged by the controller's own code. */
import { play } from '../controller/cli/simulation-run.ts';
import { CASES, type Case, scenarioOf } from './gates-scenarios.ts';

export interface GateRow {
  readonly name: string;
  readonly devices: number;
  /** Devices that a nudge reaches when a step opens; the others wait for their poll. */
  readonly nudged: number;
  /** Seeds 1 to `runs`. */
  readonly runs: number;
  /** Shares of runs. `open`: exposed to all at the horizon of four weeks, with follow-up that is still in doubt. */
  readonly halted: number;
  readonly asked: number;
  readonly done: number;
  readonly open: number;
  /** Share of the fleet that took it when the build was halted or a person was asked; undefined: never stopped. */
  readonly takenMedian: number | undefined;
  readonly takenP95: number | undefined;
  /** Hours until the last step opened; undefined: never. */
  readonly hoursMedian: number | undefined;
  readonly hoursP95: number | undefined;
  /** undefined: only shown. */
  readonly isMet: boolean | undefined;
}

export interface GateFigures {
  readonly rows: readonly GateRow[];
  readonly seconds: number;
}

export interface GateSizes {
  readonly devices: number;
  readonly runs: number;
  /** Runs of builds that must reach everybody: rare false halts need more of them. */
  readonly goodRuns: number;
}

const NUDGED = [0, 0.9] as const;
const AIMS_AT = 5_000;
const FALSE_HALTS_MAX = 0.003;

export function benchGates(sizes: readonly GateSizes[], say: (text: string) => void): GateFigures {
  const started = performance.now();
  const rows: GateRow[] = [];
  for (const size of sizes)
    for (const one of CASES) {
      say(`${size.devices} devices: ${one.name}`);
      for (const nudged of NUDGED) rows.push(rowOf(one, size, nudged));
    }
  return { rows, seconds: Math.round((performance.now() - started) / 100) / 10 };
}

function rowOf(one: Case, size: GateSizes, nudged: number): GateRow {
  const isGood = one.aim === 'reaches_all' || one.aim === 'halts_nothing';
  const runs = isGood ? size.goodRuns : size.runs;
  const ends = { halt: 0, waiting_for_person: 0, done: 0, open: 0 };
  const taken: number[] = [];
  const hours: number[] = [];
  for (let seed = 1; seed <= runs; seed++) {
    const scenario = scenarioOf(one.of, size.devices, nudged, seed);
    const played = play(scenario, seed);
    ends[played.end]++;
    if (played.end === 'halt' || played.end === 'waiting_for_person') taken.push(played.takenShare);
    const entered = played.enteredHours[scenario.ramp.steps.length - 1];
    if (entered !== undefined) hours.push(entered);
  }
  const row = {
    name: one.name,
    devices: size.devices,
    nudged,
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
  return { ...row, isMet: size.devices === AIMS_AT ? meets(one, row) : undefined };
}

function meets(one: Case, row: Omit<GateRow, 'isMet'>): boolean | undefined {
  if (one.aim === 'reaches_all') return row.halted <= FALSE_HALTS_MAX && row.asked + row.open === 0;
  if (one.aim === 'halts_nothing') return row.halted <= FALSE_HALTS_MAX;
  if (one.takenMedianMax === undefined || one.takenP95Max === undefined) return undefined;
  const { takenMedian = 1, takenP95 = 1 } = row;
  const isStopped = row.halted + row.asked === 1;
  return isStopped && takenMedian <= one.takenMedianMax && takenP95 <= one.takenP95Max;
}

/** The smallest value that at least a share `p` of the values do not exceed. */
function quantile(values: readonly number[], p: number): number | undefined {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(p * sorted.length) - 1)];
}
