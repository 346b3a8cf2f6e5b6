/** The modelled fleet, and what the gate makes of it. Seeds are fixed: each figure here is the same on every machine. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { playMany } from '../../controller/cli/simulation-many.ts';
import {
  type Absence,
  type BuildModel,
  type FleetModel,
  GOOD_BUILD,
  type Scenario,
  TYPICAL,
  TYPICAL_FLEET,
} from '../../controller/cli/simulation-model.ts';
import { type Look, type Played, play } from '../../controller/cli/simulation-run.ts';

interface Over extends Partial<Omit<Scenario, 'fleet' | 'build'>> {
  readonly fleet?: Partial<FleetModel>;
  readonly build?: Partial<BuildModel>;
}
const scenario = ({ fleet, build, ...rest }: Over = {}): Scenario => ({
  ...TYPICAL,
  ...rest,
  fleet: { ...TYPICAL_FLEET, ...fleet },
  build: { ...GOOD_BUILD, ...build },
});
const away = (who: Absence['who'], fromHour: number, hours: number, share = 1): Absence => ({
  who,
  share,
  from: 'start',
  fromHour,
  hours,
});
function watched(of: Scenario, seed: number): { played: Played; looks: Look[] } {
  const looks: Look[] = [];
  return { played: play(of, seed, { onLook: look => looks.push(look) }), looks };
}

test('the same seed plays the same rollout, another seed another one', () => {
  const of = scenario({ fleet: { devices: 500 }, build: { failShare: 0.03 } });
  assert.equal(watched(of, 7), watched(of, 7));
  assert.is.not(JSON.stringify(watched(of, 7)), JSON.stringify(watched(of, 8)));
});

test('a rollout only widens, one step a look, and its counts only grow', () => {
  const percents = TYPICAL.ramp.steps.map(s => s.percent);
  const { looks, played } = watched(scenario({ fleet: { devices: 500 } }), 1);
  assert.is(played.end, 'done');
  for (const [i, look] of looks.entries()) {
    const before = looks[i - 1];
    if (before === undefined) continue;
    assert.ok(look.taken >= before.taken && look.fail >= before.fail);
    const step = percents.indexOf(look.percent) - percents.indexOf(before.percent);
    assert.ok(step === 0 || (step === 1 && before.verdict === 'advance'));
  }
});

test('nobody takes a build before its step, and everybody who is there takes it in the end', () => {
  const { looks, played } = watched(scenario({ fleet: { devices: 1_000 } }), 3);
  for (const look of looks)
    assert.ok(look.taken <= Math.round((1_000 * look.percent) / 100), String(look.hour));
  assert.ok(played.taken > 0.85 * 1_000 && played.taken <= 900);
});

test('a build that fails on a tenth of 5,000 devices is stopped at about one percent of them', () => {
  const of = scenario({ build: { failShare: 0.1 } });
  const { halted, asked, takenMedian = 1, takenP95 = 1 } = playMany(() => of, 40);
  assert.is(halted + asked, 1);
  assert.ok(halted > 0.7, String(halted));
  assert.ok(takenMedian <= 0.012 && takenP95 <= 0.04, `${takenMedian} ${takenP95}`);
});

for (const [name, build] of [
  ['at once', { brickShare: 1 }],
  ['after 8 h', { brickShare: 1, brickAfterHours: 8 }],
] as const)
  test(`a build that silences its devices ${name} is halted within the first step`, () => {
    const { played } = watched(scenario({ build }), 1);
    assert.is(played.end, 'halt');
    assert.equal(played.reasons, ['silence']);
    assert.is(played.percent, 1);
    assert.ok(played.takenShare <= 0.015);
  });

test('good builds reach everybody with no person, through weekends, outages and a controller that was away', () => {
  for (const over of [
    {},
    { build: { failShare: 0.01 } },
    { away: [away('devices', 10, 60, 0.3)] },
    { away: [away('network', 20, 30)] },
    { away: [away('network', 5, 168)] },
    { away: [away('controller', 20, 30)] },
    { fleet: { vanishPerDay: 0.005 } },
    { fleet: { nudgedShare: 0.9 } },
  ] satisfies Over[]) {
    const { done } = playMany(() => scenario(over), 4);
    assert.is(done, 1, JSON.stringify(over));
  }
});

test('a network that is down adds its hours to the ramp and halts nothing', () => {
  const calm = play(scenario(), 1);
  const { looks, played } = watched(scenario({ away: [away('network', 20, 30)] }), 1);
  assert.is(played.end, 'done');
  assert.ok(looks.some(l => l.reasons.includes('starved')));
  const later = (played.enteredHours.at(-1) ?? 0) - (calm.enteredHours.at(-1) ?? 0);
  assert.ok(later >= 20 && later <= 40, String(later));
});

test('while the controller is away nothing is judged and no time passes on the ramp', () => {
  const { looks } = watched(scenario({ away: [away('controller', 5, 30)] }), 1);
  assert.not(looks.some(l => l.hour > 5 && l.hour <= 35));
  assert.not(looks.some(l => l.hour <= 42 && l.percent > 1));
});

test('a step at 50 % that bricks all who take it is halted by silence, although half of the fleet goes dark', () => {
  const { played, looks } = watched(scenario({ build: { brickShare: 1, brickFromPercent: 50 } }), 1);
  assert.is(played.end, 'halt');
  assert.equal(played.reasons, ['silence']);
  assert.is(played.percent, 50);
  assert.not(looks.some(l => l.reasons.includes('starved')));
});

test('a lab of canaries that is switched off on Friday does not change a single look', () => {
  const lab = { fleet: { canaries: 12 } };
  const on = watched(scenario(lab), 1);
  const off = watched(scenario({ ...lab, away: [away('canaries', 30, 62)] }), 1);
  assert.is(on.played.end, 'done');
  assert.is(off.played.end, 'done');
  assert.not(off.looks.some(l => l.reasons.includes('silence') || l.reasons.includes('canary_failures')));
});

test('canaries that fail a day ahead of the ramp halt it before anybody is exposed', () => {
  const { played } = watched(
    scenario({ fleet: { canaries: 12 }, build: { canaryFailShare: 1 }, leadHours: 24 }),
    1,
  );
  assert.is(played.end, 'halt');
  assert.equal(played.reasons, ['canary_failures']);
  assert.is(played.taken, 0);
  assert.ok(played.endHour < 0);
});

test('nothing is entered in a freeze window', () => {
  const { played } = watched(scenario({ freezes: [{ fromHour: 5, hours: 64 }] }), 1);
  assert.is(played.end, 'done');
  assert.not(played.enteredHours.some(hour => hour >= 5 && hour < 69));
});

test('wrong bytes on a tenth of the devices halt', () => {
  const many = play(scenario({ build: { verifyShare: 0.1 } }), 1);
  assert.is(many.end, 'halt');
  assert.equal(many.reasons, ['verify_failures']);
});

test('a fleet of 50 has a device in its first step, and is asked rather than halted', () => {
  const { looks } = watched(scenario({ fleet: { devices: 50 } }), 1);
  assert.ok(looks.some(l => l.percent === 1 && l.taken === 1));
  const bad = playMany(() => scenario({ fleet: { devices: 50 }, build: { failShare: 0.5 } }), 50);
  assert.is(bad.halted + bad.asked, 1);
});

test('without a gate a build that fails everywhere goes to everybody', () => {
  const of = scenario({ ramp: { ...TYPICAL.ramp, gate: undefined }, build: { failShare: 1 } });
  const { played } = watched(of, 1);
  assert.is(played.end, 'done');
  assert.is(played.percent, 100);
  assert.ok(played.takenShare > 0.8);
});

test('an empty fleet, and one that never checks in, ask a person', () => {
  assert.is(play(scenario({ fleet: { devices: 0 } }), 1).end, 'waiting_for_person');
  assert.is(play(scenario({ fleet: { awayShare: 1 } }), 1).end, 'waiting_for_person');
});

test.run();
