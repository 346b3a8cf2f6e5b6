/** The scenarios for the gate: good builds, builds at the limit and bad ones, also with outages and weekends. */
import {
  type Absence,
  type BuildModel,
  type FleetModel,
  GOOD_BUILD,
  type Scenario,
  TYPICAL,
  TYPICAL_FLEET,
} from '../controller/cli/simulation-model.ts';
import { type Random, randomOf } from '../controller/cli/simulation-random.ts';

/** The expected end: the build reaches everybody without a person, or is stopped; or the result is only shown. */
export type Aim = 'reaches_all' | 'halts_nothing' | 'stopped' | 'shown';

export interface Case {
  readonly name: string;
  readonly aim: Aim;
  /** Played more often: false halts are counted in thousands of runs. */
  readonly often?: true;
  /** Largest share of the fleet that may have taken a stopped build, at 5,000 devices. */
  readonly takenMedianMax?: number;
  readonly takenP95Max?: number;
  /** `random` draws when things happen; it is another stream than the fleet's own. */
  readonly of: (random: Random) => Varied;
}

interface Varied extends Partial<Omit<Scenario, 'fleet' | 'build'>> {
  readonly fleet?: Partial<FleetModel>;
  readonly build?: Partial<BuildModel>;
}

const weekend = (random: Random, from: Absence['from']): Absence => ({
  who: 'devices',
  share: 0.3,
  from,
  fromHour: random.between(0, from === 'start' ? 36 : 12),
  hours: 60,
});
const out = (who: Absence['who'], fromHour: number, hours: number): Absence => ({
  who,
  share: 1,
  from: 'start',
  fromHour,
  hours,
});
const always = (varied: Varied) => (): Varied => varied;
const LAB = { canaries: 12 };

export const CASES: readonly Case[] = [
  { name: 'good', aim: 'reaches_all', often: true, of: always({}) },
  {
    name: 'good, 1 % of installs fail',
    aim: 'reaches_all',
    often: true,
    of: always({ build: { failShare: 0.01 } }),
  },
  {
    name: 'good, 30 % off over a weekend, early',
    aim: 'reaches_all',
    often: true,
    of: random => ({ away: [weekend(random, 'start')] }),
  },
  {
    name: 'good, 30 % off over a weekend, at 100 %',
    aim: 'reaches_all',
    of: random => ({ away: [weekend(random, 'last_step')] }),
  },
  {
    name: 'good, 1 % fail, network down for 30 h',
    aim: 'reaches_all',
    often: true,
    of: random => ({
      build: { failShare: 0.01 },
      away: [out('network', random.between(0, 96), 30)],
    }),
  },
  {
    name: 'good, network down for a week',
    aim: 'reaches_all',
    of: random => ({ away: [out('network', random.between(0, 96), 168)] }),
  },
  {
    name: 'good, controller away for 30 h',
    aim: 'reaches_all',
    of: random => ({ away: [out('controller', random.between(0, 96), 30)] }),
  },
  {
    name: 'good, 0.5 % of the fleet vanish a day',
    aim: 'reaches_all',
    of: always({ fleet: { vanishPerDay: 0.005 } }),
  },
  {
    name: 'good, 12 canaries, lab off from Friday on',
    aim: 'reaches_all',
    of: random => ({ fleet: LAB, leadHours: 24, away: [out('canaries', random.between(-20, 90), 62)] }),
  },
  {
    name: 'good, 1 % fail, frozen from Friday to Monday',
    aim: 'reaches_all',
    of: random => ({
      build: { failShare: 0.01 },
      freezes: [{ fromHour: random.between(0, 96), hours: 64 }],
    }),
  },
  {
    name: 'good, wrong bytes on 1 of 10,000 devices',
    aim: 'halts_nothing',
    of: always({ build: { verifyShare: 0.0001 } }),
  },
  { name: 'at the limit, 2 % fail', aim: 'shown', of: always({ build: { failShare: 0.02 } }) },
  { name: 'fails on 5 %', aim: 'stopped', of: always({ build: { failShare: 0.05 } }) },
  {
    name: 'fails on 10 %',
    aim: 'stopped',
    takenMedianMax: 0.012,
    takenP95Max: 0.04,
    of: always({ build: { failShare: 0.1 } }),
  },
  { name: 'fails on 50 %', aim: 'stopped', of: always({ build: { failShare: 0.5 } }) },
  {
    name: 'fails on 50 %, 12 canaries a day ahead',
    aim: 'stopped',
    of: always({ fleet: LAB, leadHours: 24, build: { failShare: 0.5, canaryFailShare: 0.5 } }),
  },
  {
    name: 'fails on 10 %, network down for 30 h',
    aim: 'stopped',
    of: random => ({
      build: { failShare: 0.1 },
      away: [out('network', random.between(0, 24), 30)],
    }),
  },
  { name: 'wrong bytes on 5 % of devices', aim: 'stopped', of: always({ build: { verifyShare: 0.05 } }) },
  { name: 'bricks 10 % at once', aim: 'stopped', of: always({ build: { brickShare: 0.1 } }) },
  {
    name: 'bricks all at once',
    aim: 'stopped',
    takenMedianMax: 0.015,
    takenP95Max: 0.015,
    of: always({ build: { brickShare: 1 } }),
  },
  {
    name: 'bricks all after 8 h',
    aim: 'stopped',
    takenMedianMax: 0.015,
    takenP95Max: 0.015,
    of: always({ build: { brickShare: 1, brickAfterHours: 8 } }),
  },
  {
    name: 'bricks all, 30 % off over a weekend',
    aim: 'stopped',
    takenMedianMax: 0.015,
    takenP95Max: 0.015,
    of: random => ({ build: { brickShare: 1 }, away: [weekend(random, 'start')] }),
  },
  {
    name: 'bricks all that take it at 50 %',
    aim: 'stopped',
    of: always({ build: { brickShare: 1, brickFromPercent: 50 } }),
  },
];

/** The scenario of one run. Ramps begin at any hour of the day. */
export function scenarioOf(of: Case['of'], devices: number, nudgedShare: number, seed: number): Scenario {
  const random = randomOf(seed ^ 0x5eed);
  const beginsAtHour = random.between(0, 24);
  const { fleet, build, ...rest } = of(random);
  return {
    ...TYPICAL,
    beginsAtHour,
    ...rest,
    fleet: { ...TYPICAL_FLEET, devices, nudgedShare, ...fleet },
    build: { ...GOOD_BUILD, ...build },
  };
}
