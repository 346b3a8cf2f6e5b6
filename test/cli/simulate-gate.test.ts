import path from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { drawCurve } from '../../controller/cli/curve.ts';
import { DEFAULT_GATE } from '../../controller/domain/gate/gate.ts';
import { ota } from '../support/cli.ts';
import { withFolder } from '../support/folder.ts';
import { releaseFiles, writeReleases } from '../support/releases.ts';
import { aBuild, aRamp, HOUR_MS, NOW_MS } from '../support/state.ts';

const builds = [aBuild(41), aBuild(42)];

const inFolder = (work: (cwd: string) => Promise<void>, exposure = aRamp(NOW_MS, [2, 12], [20, 24], [100])) =>
  withFolder(async cwd => {
    await writeReleases(path.join(cwd, 'releases'), releaseFiles({ builds, rollout: { exposure } }));
    await work(cwd);
  });
const simulate = (cwd: string, ...args: string[]) =>
  ota(['simulate', '--gate', ...args], { cwd, nowMs: NOW_MS });

test('a bad build is simulated until it is halted, drawn, and compared with a ramp without a gate', () =>
  inFolder(async cwd => {
    const { code, out, err } = await simulate(cwd, '--count', '5000', '--fail', '20');
    assert.is(code, 0, err);
    assert.match(out, /^5,000 modelled devices \(random 1\): 10 % away, 20 % off at night/);
    assert.match(out, /^the build: fails on 20 %$/m);
    assert.match(out, /^hour +exposed +took it +failed +silent +verdict +why$/m);
    assert.match(out, /^ *\d+ +2 % .*halt +install_failures$/m);
    assert.match(out, /^ {4}2 % │─+$/m);
    assert.match(out, /^halted after \d+ h at 2 %; \d+ devices took it \(\d(\.\d+)? %\)$/m);
    assert.match(
      out,
      /^by time alone: at 100 % after 36 h, followed up by \d+ h; [\d,]+ devices took it \(8\d/m,
    );
    assert.match(err, /note: the ramp has no gate/);
  }));

test('the devices of each step are those whose bucket is really inside', () =>
  inFolder(async cwd => {
    const counted = JSON.parse((await ota(['simulate', '--count', '300', '--json'], { cwd })).out);
    const played = JSON.parse((await simulate(cwd, '--count', '300', '--away', '0', '--json')).out);
    assert.is(played.end, 'done');
    const exposed = counted.steps.map((s: { actual: number }) => s.actual);
    for (const { percent, taken } of played.curve) {
      const step = [2, 20, 100].indexOf(percent);
      assert.ok(taken <= exposed[step], `${percent} % ${taken}`);
    }
    assert.ok(played.taken > 280, String(played.taken));
  }));

test('one JSON object says how it ended, each change of verdict, the curve and the time alone', () =>
  inFolder(async cwd => {
    const args = ['--count', '2000', '--silent', '100', '--silent-after', '8h', '--random', '9', '--json'];
    const { out } = await simulate(cwd, ...args);
    const told = JSON.parse(out);
    assert.equal(Object.keys(told), [
      'devices',
      'random',
      'fail_ratio',
      'silent_ratio',
      'verify_fail_ratio',
      'end',
      'reasons',
      'end_hour',
      'percent',
      'taken',
      'entered_hours',
      'looks',
      'curve',
      'by_time',
    ]);
    assert.is(told.random, 9);
    assert.is(told.end, 'halt');
    assert.equal(told.reasons, ['silence']);
    assert.is(told.percent, 2);
    assert.is(told.looks.at(-1).verdict, 'halt');
    assert.is(told.curve.length, told.end_hour);
    assert.is(told.by_time.percent, 100);
    assert.is((await simulate(cwd, ...args)).out, out);
  }));

test('with --runs it says how often each end comes', () =>
  inFolder(async cwd => {
    const { out } = await simulate(cwd, '--count', '500', '--fail', '50', '--runs', '20', '--nudged', '90');
    assert.match(out, /^20 runs, random 1 to 20$/m);
    assert.match(out, /^halted +\d+ % +0 %$/m);
    assert.match(out, /^went through +0 % +100 %$/m);
    const { gated, ...rest } = JSON.parse(
      (await simulate(cwd, '--count', '500', '--fail', '50', '--runs', '20', '--json')).out,
    );
    assert.is(gated, undefined);
    assert.is(rest.runs, 20);
    assert.is(rest.halted + rest.asked, 1);
    assert.is(rest.by_time.done, 1);
  }));

test('a ramp is played with its own gate', () => {
  const steps = [
    { percent: 2, holdMs: 12 * HOUR_MS },
    { percent: 100, holdMs: undefined },
  ];
  const gate = { ...DEFAULT_GATE, installFailRatioMax: 0.1, maxWaitMs: 24 * HOUR_MS };
  return inFolder(
    async cwd => {
      const { out, err } = await simulate(cwd, '--count', '2000', '--fail', '8');
      assert.not.match(err, /has no gate/);
      assert.match(
        out,
        /^the gate: fail 10 %, silence 2 % after 18 h, 50 reports, wait 24 h, no data: hold$/m,
      );
      assert.match(out, /^at 100 % after /m);
    },
    { kind: 'ramp', ramp: { startMs: NOW_MS, steps, gate } },
  );
});

test('an outage is shown as time that does not count for the ramp', () =>
  inFolder(async cwd => {
    const hours = async (...args: string[]): Promise<number> =>
      JSON.parse((await simulate(cwd, '--count', '2000', '--json', ...args)).out).entered_hours.at(-1);
    const calm = await hours();
    const later = await hours('--outage', '4h+30h');
    assert.ok(later - calm >= 20 && later - calm <= 40, `${calm} ${later}`);
    const short = await hours('--outage', '0+1h');
    assert.ok(Math.abs(short - calm) <= 4, `${calm} ${short}`);
  }));

test('a rollout without a ramp is simulated with the default ramp, and the output says so', () =>
  inFolder(
    async cwd => {
      const { out, err } = await simulate(cwd, '--count', '200', '--json');
      assert.match(err, /the rollout has no ramp; simulated with the steps 1, 5, 10, 25, 50 and 100 %/);
      assert.is(JSON.parse(out).entered_hours.length, 6);
    },
    { kind: 'percent', percent: 10 },
  ));

test('polls that are longer than the silence say so', () =>
  inFolder(async cwd => {
    const { err } = await simulate(cwd, '--count', '50', '--poll', '12h');
    assert.match(err, /silence_after is shorter than two polls/);
  }));

test('options of the one kind of simulation are refused with the other', () =>
  inFolder(async cwd => {
    for (const args of [
      ['--fail', '3'],
      ['--silent-after', '8h'],
      ['--poll-spread', '1'],
      ['--outage', '1h+1h'],
      ['--runs', '3'],
    ]) {
      const { code, err } = await ota(['simulate', ...args], { cwd });
      assert.is(code, 2);
      assert.match(
        err,
        new RegExp(`${args[0]} describes the modelled fleet and needs --gate; add --gate \\[usage\\]`),
      );
    }
    for (const args of [
      ['--percents', '1,2'],
      ['--base', 'HEAD'],
      ['--version-code', '41'],
    ]) {
      const { code, err } = await simulate(cwd, ...args);
      assert.is(code, 2);
      assert.match(err, new RegExp(`${args[0]} cannot be used with --gate`));
    }
  }));

test('values that cannot be are refused with what is expected', () =>
  inFolder(async cwd => {
    for (const [flag, value, expected] of [
      ['--fail', '101', /from 0 to 100/],
      ['--fail', '-1', /from 0 to 100/],
      ['--fail', 'many', /from 0 to 100/],
      ['--poll', '5s', /from 15m to 7d/],
      ['--poll', '8d', /from 15m to 7d/],
      ['--poll-spread', '51', /at most 50 %/],
      ['--silent-after', '0h', /a duration like/],
      ['--outage', '24h', /like 24h\+30h/],
      ['--outage', '1h+2h+3h', /like 24h\+30h/],
      ['--outage', '+', /like 24h\+30h/],
      ['--runs', '0', /from 1 to 10000/],
      ['--random', '1.5', /whole number/],
      ['--count', '1000001', /from 1 to 1000000/],
    ] as const) {
      const { code, out, err } = await simulate(cwd, `${flag}=${value}`);
      assert.is(code, 2, `${flag} ${value}`);
      assert.match(err, expected);
      assert.is(out, '');
    }
  }));

test('an invalid rollout is reported and not simulated', () =>
  withFolder(async cwd => {
    await writeReleases(path.join(cwd, 'releases'), { 'rollout.yaml': 'kind: Rollout\n' });
    const { code, out, err } = await simulate(cwd);
    assert.is(code, 1);
    assert.is(out, '');
    assert.match(err, /refused/);
  }));

test('a curve keeps its width, its scale fits the widest exposure, and nothing is no curve', () => {
  const points = [
    { exposed: 1, taken: 0 },
    { exposed: 5, taken: 2.5 },
  ];
  const lines = drawCurve(points, ['0', '2 h']).split('\n');
  assert.is(lines.length, 13);
  assert.match(lines[0] ?? '', /^ {4}5 % │ {32}─{32}$/);
  assert.match(lines[9] ?? '', /^ {8}│ {32}█{32}$/);
  assert.match(lines[11] ?? '', /^ {9}0 +2 h$/);
  assert.is(drawCurve([], ['0', '0 h']), '');
});

test.run();
