/** `ota simulate --gate`: simulates a ramp with a modelled fleet, in virtual time. Offline. */
import { HOUR_MS } from '../domain/duration.ts';
import type { Gate } from '../domain/gate/gate.ts';
import { countText } from '../domain/plan/words.ts';
import type { Rollout } from '../domain/release.ts';
import { drawCurve } from './curve.ts';
import { EXIT, type ExitCode, type Io, outJson, paint } from './io.ts';
import type { GateOptions } from './simulate-gate-options.ts';
import { type Distribution, playMany } from './simulation-many.ts';
import type { Scenario } from './simulation-model.ts';
import { type Look, type Played, play } from './simulation-run.ts';
import { table } from './table.ts';

interface Shown extends Pick<GateOptions, 'runs' | 'random'> {
  readonly json?: boolean;
}

export function playGate(scenario: Scenario, rollout: Rollout, options: Shown, io: Io): ExitCode {
  for (const note of notesOn(scenario, rollout)) io.err(`${paint(io).dim('note')}: ${note}\n`);
  if (options.runs === undefined) playOnce(scenario, options, io);
  else playOften(scenario, options.runs, options, io);
  return EXIT.fine;
}

function notesOn({ ramp: { gate }, fleet }: Scenario, { exposure }: Rollout): string[] {
  const notes: string[] = [];
  if (exposure.kind === 'percent')
    notes.push(
      'the rollout has no ramp; simulated with the steps 1, 5, 10, 25, 50 and 100 % and the default gate',
    );
  else if (exposure.ramp.gate === undefined)
    notes.push('the ramp has no gate: time alone opens its steps. Simulated with the default gate');
  if (gate !== undefined && gate.silenceAfterMs < 2 * fleet.pollHours * HOUR_MS)
    notes.push('silence_after is shorter than two polls, so healthy devices count as silent');
  return notes;
}

/** The same fleet without a gate and without anybody watching. */
const byTimeAlone = (scenario: Scenario): Scenario => ({
  ...scenario,
  ramp: { ...scenario.ramp, gate: undefined },
});

function playOnce(scenario: Scenario, { random = 1, json }: Shown, io: Io): void {
  const looks: Look[] = [];
  const gated = play(scenario, random, { onLook: look => looks.push(look) });
  const byTime = play(byTimeAlone(scenario), random);
  if (json === true)
    outJson(io, {
      ...headWire(scenario, random),
      ...playedWire(gated),
      looks: changes(looks).map(lookWire),
      curve: looks.map(pointWire),
      by_time: playedWire(byTime),
    });
  else printOnce(scenario, random, looks, gated, byTime, io);
}

function playOften(scenario: Scenario, runs: number, { random = 1, json }: Shown, io: Io): void {
  const gated = playMany(() => scenario, runs, random);
  const byTime = playMany(() => byTimeAlone(scenario), runs, random);
  if (json === true)
    outJson(io, { ...headWire(scenario, random), ...manyWire(gated), by_time: manyWire(byTime) });
  else printOften(scenario, random, gated, byTime, io);
}

// ---------------------------------------------------------------- JSON

const headWire = ({ fleet, build }: Scenario, random: number) => ({
  devices: fleet.devices,
  random,
  fail_ratio: build.failShare,
  silent_ratio: build.brickShare,
  verify_fail_ratio: build.verifyShare,
});

const playedWire = ({ end, reasons, endHour, percent, taken, enteredHours }: Played) => ({
  end,
  reasons,
  end_hour: endHour,
  percent,
  taken,
  entered_hours: enteredHours,
});

const lookWire = ({ hour, percent, verdict, reasons, taken, fail, silent }: Look) => ({
  hour,
  percent,
  verdict,
  reasons,
  taken,
  fail,
  silent,
});

const pointWire = ({ hour, percent, taken }: Look) => ({ hour, percent, taken });

const manyWire = (d: Distribution) => ({
  runs: d.runs,
  halted: d.halted,
  asked: d.asked,
  done: d.done,
  open: d.open,
  taken_ratio_median: d.takenMedian ?? null,
  taken_ratio_p95: d.takenP95 ?? null,
  hours_median: d.hoursMedian ?? null,
  hours_p95: d.hoursP95 ?? null,
});

// ---------------------------------------------------------------- text

const whole = (count: number): string => count.toLocaleString('en-US');
const percentOf = (share: number, digits = 1): string => `${Number((share * 100).toFixed(digits))} %`;

function headLine({ fleet, build }: Scenario, random: number): string {
  const world = [
    `${percentOf(fleet.awayShare)} away`,
    `${percentOf(fleet.nightShare)} off at night`,
    `${percentOf(fleet.deferShare)} of polls deferred`,
    `${percentOf(fleet.nudgedShare)} nudged`,
    `poll every ${Number(fleet.pollHours.toFixed(2))} h`,
  ];
  const faults = [
    build.failShare > 0 ? `fails on ${percentOf(build.failShare)}` : '',
    build.brickShare > 0
      ? `silences ${percentOf(build.brickShare)}${build.brickAfterHours > 0 ? ` after ${build.brickAfterHours} h` : ''}`
      : '',
    build.verifyShare > 0 ? `wrong bytes on ${percentOf(build.verifyShare)}` : '',
  ].filter(fault => fault !== '');
  return (
    `${whole(fleet.devices)} modelled devices (random ${random}): ${world.join(', ')}\n` +
    `the build: ${faults.length === 0 ? 'good' : faults.join(', ')}\n`
  );
}

const gateLine = ({
  installFailRatioMax,
  silenceMax,
  silenceAfterMs,
  minReports,
  maxWaitMs,
  noData,
}: Gate): string =>
  `the gate: fail ${percentOf(installFailRatioMax)}, silence ${percentOf(silenceMax)} after ${silenceAfterMs / HOUR_MS} h, ` +
  `${countText(minReports, 'report')}, wait ${maxWaitMs / HOUR_MS} h, no data: ${noData}\n`;

/** The looks at which the step or the verdict changed, and the last one. */
const changes = (looks: readonly Look[]): Look[] =>
  looks.filter((look, i) => {
    const before = looks[i - 1];
    return i === looks.length - 1 || before?.percent !== look.percent || before.verdict !== look.verdict;
  });

function printOnce(
  scenario: Scenario,
  random: number,
  looks: readonly Look[],
  gated: Played,
  byTime: Played,
  io: Io,
): void {
  const { bold } = paint(io);
  const { gate } = scenario.ramp;
  const { devices } = scenario.fleet;
  io.out(`${headLine(scenario, random)}${gate === undefined ? '' : gateLine(gate)}\n`);
  io.out(
    table(
      [
        ['hour', 'exposed', 'took it', 'failed', 'silent', 'verdict', 'why'].map(h => bold(h)),
        ...changes(looks).map(l => [
          String(l.hour),
          `${l.percent} %`,
          whole(l.taken),
          whole(l.fail),
          whole(l.silent),
          l.verdict,
          l.reasons.join(', '),
        ]),
      ],
      [0, 1, 2, 3, 4],
    ),
  );
  const points = looks.map(l => ({
    exposed: l.percent,
    taken: (l.taken / Math.max(1, devices)) * 100,
  }));
  io.out(`\n${drawCurve(points, ['0', `${looks.at(-1)?.hour ?? 0} h`])}         █ took it  ─ exposed\n\n`);
  io.out(`${bold(endLine(gated, devices))}\n`);
  io.out(`by time alone: ${endLine(byTime, devices)}\n`);
}

function endLine({ end, endHour, percent, taken, enteredHours }: Played, devices: number): string {
  const took = `${whole(taken)} ${taken === 1 ? 'device' : 'devices'} took it (${percentOf(devices === 0 ? 0 : taken / devices, 2)})`;
  switch (end) {
    case 'halt':
      return `halted after ${endHour} h at ${percent} %; ${took}`;
    case 'waiting_for_person':
      return `a person is asked after ${endHour} h at ${percent} %; ${took}`;
    case 'done':
      return `at ${percent} % after ${enteredHours.at(-1) ?? endHour} h, followed up by ${endHour} h; ${took}`;
    case 'open':
      return `still at ${percent} % after ${endHour} h; ${took}`;
  }
}

function printOften(
  scenario: Scenario,
  random: number,
  gated: Distribution,
  byTime: Distribution,
  io: Io,
): void {
  const { bold } = paint(io);
  const { gate } = scenario.ramp;
  const last = random + gated.runs - 1;
  const share = (value: number | undefined): string => (value === undefined ? '–' : percentOf(value, 2));
  const hours = (value: number | undefined): string => (value === undefined ? '–' : `${value} h`);
  const row = (label: string, of: (d: Distribution) => string): string[] => [label, of(gated), of(byTime)];
  io.out(
    `${headLine(scenario, random)}${gate === undefined ? '' : gateLine(gate)}${gated.runs} runs, random ${random} to ${last}\n\n`,
  );
  io.out(
    table(
      [
        ['', 'gate', 'time alone'].map(h => bold(h)),
        row('halted', d => percentOf(d.halted, 2)),
        row('a person was asked', d => percentOf(d.asked, 2)),
        row('went through', d => percentOf(d.done + d.open, 2)),
        row('took it when stopped, median', d => share(d.takenMedian)),
        row('took it when stopped, p95', d => share(d.takenP95)),
        row('last step opened, median', d => hours(d.hoursMedian)),
        row('last step opened, p95', d => hours(d.hoursP95)),
      ],
      [1, 2],
    ),
  );
}
