/** What docs/gates.md shows: played rollouts over time, and how many failures prove a breach. */
import {
  type BuildModel,
  GOOD_BUILD,
  type Scenario,
  TYPICAL,
} from '../../controller/cli/simulation-model.ts';
import { type Played, play } from '../../controller/cli/simulation-run.ts';
import { decidableAt } from '../../controller/domain/gate/decidable.ts';
import { DEFAULT_GATE } from '../../controller/domain/gate/gate.ts';
import { type Line, plot } from './plot.ts';

const BLUE = '#0072b2';
const ORANGE = '#d55e00';
const GREEN = '#009e73';
const PINK = '#cc79a7';
const GREY = '#767676';
const SEED = 1;
const DEVICES = TYPICAL.fleet.devices;
const LEAST = 0.02;
const UNTIL_HOURS = 120;

const scenario = (build: Partial<BuildModel>, gated = true): Scenario => ({
  ...TYPICAL,
  build: { ...GOOD_BUILD, ...build },
  ramp: gated ? TYPICAL.ramp : { ...TYPICAL.ramp, gate: undefined },
});

const ENDS: Readonly<Record<Played['end'], string>> = {
  done: 'reaches all',
  halt: 'halted',
  waiting_for_person: 'a person is asked',
  open: 'still open',
};

function curve(name: string, colour: string, of: Scenario, dashed = false): Line {
  const points: [number, number][] = [[0, LEAST]];
  const { end } = play(of, SEED, {
    onLook: ({ hour, taken }) => {
      if (hour <= UNTIL_HOURS) points.push([hour, Math.max(LEAST, (taken / DEVICES) * 100)]);
    },
  });
  return { name: `${name}: ${ENDS[end]}`, colour, dashed, points };
}

/** Each line ends with a dot where the rollout ended; a halt leaves it where it is. */
export const rollouts = (): string =>
  plot(
    'Share of 5,000 devices that took the build, over the hours of a ramp',
    {
      title: 'hours from the first step',
      from: 0,
      to: UNTIL_HOURS,
      log: false,
      ticks: [0, 12, 24, 36, 48, 60, 72, 84, 96, 108, 120].map(h => [h, String(h)]),
    },
    {
      title: 'took the build, % of the fleet',
      from: LEAST,
      to: 100,
      log: true,
      ticks: [
        [0.02, '0.02 %'],
        [0.1, '0.1 %'],
        [1, '1 %'],
        [10, '10 %'],
        [100, '100 %'],
      ],
    },
    [
      curve('good, gated', GREEN, scenario({})),
      curve('fails on 10 %, by time alone', GREY, scenario({ failShare: 0.1 }, false), true),
      curve('fails on 10 %, gated', ORANGE, scenario({ failShare: 0.1 })),
      curve('silences all after 8 h, gated', BLUE, scenario({ brickShare: 1, brickAfterHours: 8 })),
      curve('fails on 5 %, gated', PINK, scenario({ failShare: 0.05 })),
    ],
  );

const SIZES = [
  2, 3, 4, 5, 7, 10, 15, 20, 30, 45, 60, 80, 100, 150, 225, 300, 450, 700, 1_000, 1_500, 2_250, 4_500, 10_000,
  20_000,
];

const shares = (of: (devices: number) => number | undefined): [number, number][] =>
  SIZES.flatMap((devices): [number, number][] => {
    const share = of(devices);
    return share === undefined ? [] : [[devices, share * 100]];
  });

export const bounds = (): string =>
  plot(
    'Share of failing devices that halts, by the number of devices that took the build',
    {
      title: 'devices that took the build',
      from: 2,
      to: 20_000,
      log: true,
      ticks: [2, 5, 10, 45, 100, 450, 1_000, 4_500, 20_000].map(n => [n, n.toLocaleString('en-US')]),
    },
    {
      title: 'failing, % of them',
      from: 1,
      to: 100,
      log: true,
      ticks: [1, 2, 5, 10, 20, 50, 100].map(p => [p, `${p} %`]),
    },
    [
      {
        name: 'observed share that halts',
        colour: ORANGE,
        points: shares(n => {
          const { failuresToHalt } = decidableAt(DEFAULT_GATE, n);
          return failuresToHalt === undefined ? undefined : failuresToHalt / n;
        }),
      },
      {
        name: 'true share that is halted in four cases of five',
        colour: BLUE,
        points: shares(n => decidableAt(DEFAULT_GATE, n).likelyHaltedAt),
      },
      {
        name: 'the limit: above it a step holds',
        colour: GREY,
        dashed: true,
        points: SIZES.map(n => [n, 2]),
      },
    ],
  );
