/** The options of `ota simulate --gate`, and the scenario from these options and the rollout. */
import { type Command, InvalidArgumentError } from 'commander';
import { HOUR_MS } from '../domain/duration.ts';
import { Fault } from '../domain/fault.ts';
import { DEFAULT_GATE } from '../domain/gate/gate.ts';
import type { Rollout } from '../domain/release.ts';
import { countArgument, durationArgument, percentArgument } from './arguments.ts';
import type { CohortStep } from './simulation.ts';
import { type Scenario, type StepModel, TYPICAL, TYPICAL_RAMP } from './simulation-model.ts';

/** All are optional for commander. The defaults are applied here, so that an option without `--gate` can be refused. */
export interface GateOptions {
  readonly fail?: number;
  readonly silent?: number;
  readonly silentAfter?: number;
  readonly wrongBytes?: number;
  readonly away?: number;
  readonly nights?: number;
  readonly defer?: number;
  readonly poll?: number;
  readonly pollSpread?: number;
  readonly nudged?: number;
  readonly outage?: Outage;
  readonly runs?: number;
  readonly random?: number;
}

interface Outage {
  readonly fromHour: number;
  readonly hours: number;
}

const NEEDS_GATE = [
  'fail',
  'silent',
  'silentAfter',
  'wrongBytes',
  'away',
  'nights',
  'defer',
  'poll',
  'pollSpread',
  'nudged',
  'outage',
  'runs',
  'random',
] as const satisfies readonly (keyof GateOptions)[];
const COUNTS_ONLY = ['percents', 'base', 'versionCode'] as const;

export const addGateOptions = (command: Command): Command =>
  command
    .option('--gate', 'simulate the ramp and its gate hour by hour with a modelled fleet')
    .option(
      '--fail <percent>',
      'with --gate: devices on which the install fails (default: 0)',
      percentArgument,
    )
    .option(
      '--silent <percent>',
      'devices that go silent after they took the build (default: 0)',
      percentArgument,
    )
    .option('--silent-after <time>', 'how long after it they go silent (default: at once)', durationArgument)
    .option('--wrong-bytes <percent>', 'devices whose download does not verify (default: 0)', percentArgument)
    .option('--away <percent>', 'enrolled devices that never check in (default: 10)', percentArgument)
    .option('--nights <percent>', 'devices that are off from 22 to 6 (default: 20)', percentArgument)
    .option('--defer <percent>', 'polls that defer: Wi-Fi, battery, a call (default: 25)', percentArgument)
    .option('--poll <time>', 'poll interval (default: 6h)', pollArgument)
    .option('--poll-spread <percent>', 'how early or late a poll comes (default: 10)', spreadArgument)
    .option(
      '--nudged <percent>',
      'devices that a nudge reaches when a step opens (default: 0)',
      percentArgument,
    )
    .option('--outage <from+time>', 'when no device reaches the controller, like 24h+30h', outageArgument)
    .option(
      '--runs <n>',
      'simulate this many fleets and show how often each result occurs',
      countArgument(1, 10_000),
    )
    .option('--random <n>', 'another fleet of the same kind (default: 1)', countArgument(0, 4_000_000_000));

/** Shorter intervals would take hours to simulate, and longer ones are not realistic. */
function pollArgument(text: string): number {
  const ms = durationArgument(text);
  if (ms >= HOUR_MS / 4 && ms <= 168 * HOUR_MS) return ms;
  throw new InvalidArgumentError('Expected a poll interval from 15m to 7d.');
}

function spreadArgument(text: string): number {
  const percent = percentArgument(text);
  if (percent <= 50) return percent;
  throw new InvalidArgumentError('Expected at most 50 %: a poll is never skipped.');
}

function outageArgument(text: string): Outage {
  const [from = '', length = '', ...more] = text.split('+');
  try {
    // A duration argument cannot be 0, but an outage may begin at once.
    const fromMs = /^0[smhd]?$/.test(from) ? 0 : durationArgument(from);
    const lengthMs = durationArgument(more.length === 0 ? length : '');
    return { fromHour: fromMs / HOUR_MS, hours: lengthMs / HOUR_MS };
  } catch (error) {
    if (!(error instanceof InvalidArgumentError)) throw error;
    throw new InvalidArgumentError('Expected when it begins and how long it lasts, like 24h+30h.');
  }
}

/** Refuses an option that has no effect in this kind of simulation. */
export function refuseStray(options: object): void {
  const given = (name: string): boolean => Reflect.get(options, name) !== undefined;
  const isPlayed = Reflect.get(options, 'gate') === true;
  const stray = (isPlayed ? COUNTS_ONLY : NEEDS_GATE).find(given);
  if (stray === undefined) return;
  const flag = `--${stray.replace(/[A-Z]/g, letter => `-${letter.toLowerCase()}`)}`;
  throw new Fault(
    'usage',
    isPlayed
      ? `${flag} cannot be used with --gate, which simulates the ramp of one revision; remove one of them`
      : `${flag} describes the modelled fleet and needs --gate; add --gate`,
    { retry: 'never' },
  );
}

/** The steps to simulate: those of the ramp, or the usual ones. */
export const rampStepsOf = ({ exposure }: Rollout): readonly StepModel[] =>
  exposure.kind === 'ramp' ? exposure.ramp.steps : TYPICAL_RAMP.steps;

/** The scenario with the gate and steps of the rollout. Defaults replace what the rollout does not have. */
export function scenarioOf(
  rollout: Rollout,
  steps: readonly CohortStep[],
  devices: number,
  options: GateOptions,
): Scenario {
  const share = (percent: number | undefined, usual: number): number =>
    percent === undefined ? usual : percent / 100;
  const { fleet, build } = TYPICAL;
  const { outage } = options;
  return {
    ...TYPICAL,
    fleet: {
      ...fleet,
      devices,
      pollHours: options.poll === undefined ? fleet.pollHours : options.poll / HOUR_MS,
      pollSpread: share(options.pollSpread, fleet.pollSpread),
      awayShare: share(options.away, fleet.awayShare),
      nightShare: share(options.nights, fleet.nightShare),
      deferShare: share(options.defer, fleet.deferShare),
      nudgedShare: share(options.nudged, fleet.nudgedShare),
    },
    build: {
      ...build,
      failShare: share(options.fail, 0),
      verifyShare: share(options.wrongBytes, 0),
      brickShare: share(options.silent, 0),
      brickAfterHours: (options.silentAfter ?? 0) / HOUR_MS,
    },
    // The simulation starts now, whatever the ramp's start, and assumes that every approval is given in time.
    ramp: {
      startMs: undefined,
      gate: (rollout.exposure.kind === 'ramp' && rollout.exposure.ramp.gate) || DEFAULT_GATE,
      steps: rampStepsOf(rollout).map(({ percent, holdMs }, i) => ({
        percent,
        holdMs,
        devices: steps[i]?.actual ?? 0,
      })),
    },
    away: outage === undefined ? [] : [{ who: 'network', share: 1, from: 'start', ...outage }],
  };
}
