/** How often a gate halts good and bad builds: many rollouts in virtual time, judged by the controller's own code. */
import { type Distribution, playMany } from '../controller/cli/simulation-many.ts';
import { CASES, type Case, scenarioOf } from './gates-scenarios.ts';

export interface GateRow extends Distribution {
  readonly name: string;
  readonly devices: number;
  /** Share of devices that a nudge reaches when a step opens; the others wait for their poll. */
  readonly nudged: number;
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
  /** Runs of the cases that are played more often. */
  readonly oftenRuns: number;
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
  const { devices } = size;
  const runs = one.often === true ? size.oftenRuns : size.runs;
  const distribution = playMany(seed => scenarioOf(one.of, devices, nudged, seed), runs);
  const isMet = devices === AIMS_AT ? meets(one, distribution) : undefined;
  return { name: one.name, devices, nudged, ...distribution, isMet };
}

function meets(one: Case, row: Distribution): boolean | undefined {
  if (one.aim === 'reaches_all') return row.halted <= FALSE_HALTS_MAX && row.asked + row.open === 0;
  if (one.aim === 'halts_nothing') return row.halted <= FALSE_HALTS_MAX;
  if (one.takenMedianMax === undefined || one.takenP95Max === undefined) return undefined;
  const { takenMedian = 1, takenP95 = 1 } = row;
  const isStopped = row.halted + row.asked === 1;
  return isStopped && takenMedian <= one.takenMedianMax && takenP95 <= one.takenP95Max;
}
