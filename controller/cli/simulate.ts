/** `ota simulate`: how many devices a percentage really reaches, and what a change would offer each device. Offline. */
import type { BuildId } from '../domain/ids.ts';
import { countText } from '../domain/plan/words.ts';
import type { Standing } from '../domain/standing.ts';
import { countArgument, percentsArgument } from './arguments.ts';
import { readText } from './device-import.ts';
import { type ListedDevice, parseDeviceList } from './device-list.ts';
import { EXIT, type ExitCode, type Io, outJson, paint } from './io.ts';
import { baseAt, judgeHead, pictureAt } from './judging.ts';
import { textOf } from './problem-formats.ts';
import { examples, type Verb } from './program.ts';
import { playGate } from './simulate-gate.ts';
import {
  addGateOptions,
  type GateOptions,
  rampStepsOf,
  refuseStray,
  scenarioOf,
} from './simulate-gate-options.ts';
import { type CohortStep, cohortSteps, decisionCounts, stepsOf, syntheticDevices } from './simulation.ts';
import { table } from './table.ts';
import { openWorkspace, type Workspace } from './workspace.ts';

interface SimulateOptions extends GateOptions {
  readonly gate?: boolean;
  readonly devices?: string;
  readonly count: number;
  readonly seed?: string;
  readonly percents?: number[];
  readonly base?: string;
  readonly head?: string;
  readonly versionCode?: number;
  readonly dir: string;
  readonly json?: boolean;
}

export const simulate: Verb = (program, choose) => {
  const command = program
    .command('simulate')
    .summary('count what a rollout means for a list of devices, before and after a change')
    .description(
      'Counts which devices each step of the rollout includes and what they would be offered. Without a list of\n' +
        'devices it makes some up. Nothing is sent to the controller.\n' +
        'With --gate it simulates the ramp hour by hour with a fleet that behaves as the options say.',
    )
    .option(
      '--devices <file>',
      'one id per line, CSV or JSON (device_id, tags, version_code, sdk); "-" reads standard input',
    )
    .option('--count <n>', 'number of made-up devices if no list is given', countArgument(1, 1_000_000), 1000)
    .option('--seed <text>', 'use this cohort_seed instead of the rollout’s')
    .option(
      '--percents <list>',
      'steps to count, with commas (default: the ramp, or 1,5,10,25,50,100)',
      percentsArgument,
    )
    .option('--base <revision>', 'compare with this Git revision')
    .option('--head <revision>', 'use this revision instead of the files as they are now')
    .option(
      '--version-code <n>',
      'the version_code of devices without one in the list (default: last_safe)',
      countArgument(0, 2_100_000_000),
    )
    .option('--dir <dir>', 'the folder that holds rollout.yaml', 'releases')
    .option('--json', 'print one JSON object');
  addGateOptions(command)
    .addHelpText(
      'after',
      examples(
        'ota simulate --count 500',
        'ota simulate --devices fleet.csv --base origin/main',
        'ota device list --json | ota simulate --devices -',
        'ota simulate --devices fleet.txt --seed b43-7 --percents 1,2.5,10',
        'ota simulate --gate --count 5000 --fail 10',
        'ota simulate --gate --count 100000 --silent 100 --silent-after 8h --nudged 90',
        'ota simulate --gate --count 500 --fail 1 --outage 24h+30h --runs 200',
      ),
    )
    .action((options: SimulateOptions) => choose(io => runSimulate(options, io)));
};

interface Sides {
  readonly before: Standing | undefined;
  readonly after: Standing;
}

async function runSimulate(options: SimulateOptions, io: Io): Promise<ExitCode> {
  refuseStray(options);
  const nowMs = io.nowMs();
  const devices =
    options.devices === undefined
      ? syntheticDevices(options.count)
      : parseDeviceList(
          await readText(options.devices, io),
          options.devices === '-' ? 'standard input' : options.devices,
        );
  const workspace = await openWorkspace(io, options.dir);
  const sides = await readSides(workspace, options, io);
  if (sides === undefined) return EXIT.invalid;
  const { rollout } = sides.after.state;
  const seed = options.seed ?? rollout.cohortSeed;
  const stepsAt = (percents: readonly number[]): CohortStep[] =>
    cohortSteps(
      devices.map(d => d.deviceId),
      seed,
      percents,
    );
  if (options.gate === true) {
    const steps = stepsAt(rampStepsOf(rollout).map(s => s.percent));
    return playGate(scenarioOf(rollout, steps, devices.length, options), rollout, options, io);
  }
  const steps = stepsAt(options.percents ?? stepsOf(rollout));
  const counts = [sides.before, sides.after].map(side => side && countsOf(side, devices, options, nowMs));
  const result = {
    devices: devices.length,
    synthetic: options.devices === undefined,
    cohort_seed: seed,
    steps: steps.map(({ offByPoints, ...s }) => ({ ...s, off_by_points: Number(offByPoints.toFixed(3)) })),
    before: counts[0] === undefined ? undefined : Object.fromEntries(counts[0]),
    after: Object.fromEntries(counts[1] ?? []),
  };
  if (options.json === true) outJson(io, result);
  else print(result, steps, counts[0], counts[1] ?? new Map(), io);
  return EXIT.fine;
}

async function readSides(workspace: Workspace, options: SimulateOptions, io: Io): Promise<Sides | undefined> {
  const nowMs = io.nowMs();
  const base = options.base === undefined ? undefined : await baseAt(workspace, options.base, nowMs);
  const before = base?.standing;
  for (const warning of base?.warnings ?? []) io.err(textOf(warning, paint(io)));
  const tree = options.head === undefined ? await workspace.working() : await workspace.at(options.head);
  const { plan, problems } = await judgeHead(workspace, tree, before, nowMs);
  if (plan !== undefined) return { before, after: plan.head };
  for (const problem of problems) io.err(textOf(problem, paint(io)));
  io.err(`${paint(io).red('refused')}: the desired state is invalid, so nothing can be counted\n`);
  return undefined;
}

/** `--seed` replaces the seed of the rollout. */
function countsOf(
  side: Standing,
  devices: readonly ListedDevice[],
  options: SimulateOptions,
  nowMs: number,
): Map<string, number> {
  const { seed } = options;
  const { state } = side;
  const shown =
    seed === undefined
      ? side
      : { ...side, state: { ...state, rollout: { ...state.rollout, cohortSeed: seed } } };
  const assumed = options.versionCode ?? versionOf(side, state.rollout.lastSafe) ?? 0;
  return decisionCounts(pictureAt(shown, nowMs), devices, assumed, nowMs);
}

const versionOf = ({ state }: Standing, id: BuildId | undefined): number | undefined =>
  id === undefined ? undefined : state.builds.get(id)?.versionCode;

const stepRows = (steps: readonly CohortStep[], devices: number): string[][] =>
  steps.map(s => [
    `${s.percent} %`,
    s.nominal.toFixed(s.nominal % 1 === 0 ? 0 : 1),
    String(s.actual),
    devices === 0 ? '' : `${((s.actual / devices) * 100).toFixed(2)} %`,
    `${s.offByPoints >= 0 ? '+' : ''}${s.offByPoints.toFixed(2)}`,
  ]);

function print(
  result: { devices: number; synthetic: boolean; cohort_seed: string },
  steps: readonly CohortStep[],
  before: Map<string, number> | undefined,
  after: Map<string, number>,
  io: Io,
): void {
  const { bold, dim } = paint(io);
  const seed = result.cohort_seed === '' ? 'no cohort_seed' : `cohort_seed ${result.cohort_seed}`;
  io.out(`${countText(result.devices, result.synthetic ? 'made-up device' : 'device')}, ${seed}\n\n`);
  io.out(
    table(
      [
        ['step', 'nominal', 'actual', 'share', 'off by points'].map(h => bold(h)),
        ...stepRows(steps, result.devices),
      ],
      [0, 1, 2, 3, 4],
    ),
  );
  const labels = [...new Set([...(before?.keys() ?? []), ...after.keys()])].sort();
  const rows = labels.map(label => {
    const is = after.get(label) ?? 0;
    if (before === undefined) return [label, String(is)];
    const was = before.get(label) ?? 0;
    return [
      label,
      String(was),
      String(is),
      was === is ? dim('same') : `${is > was ? '+' : '−'}${Math.abs(is - was)}`,
    ];
  });
  const head = before === undefined ? ['decision', 'devices'] : ['decision', 'before', 'after', 'change'];
  io.out(`\n${table([head.map(h => bold(h)), ...rows], [1, 2, 3])}`);
}
