/**
 * Real agents over HTTP against the real controller, in virtual time: what they make of a gated ramp lies inside the
 * distributions that docs/gates.md prints for the modelled fleet of the same size. Nothing sleeps: both sides live by
 * one clock that the test moves.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { virtualClock } from '../../agent/clock.ts';
import { Fleet } from '../../agent/fleet/fleet.ts';
import { seededRandom } from '../../agent/random.ts';
import { DEFAULT_GATE } from '../../controller/domain/gate/gate.ts';
import { chooseSeed } from '../../controller/domain/seed.ts';
import { type Journey, withController } from '../support/controller.ts';
import { aRamp, HOUR_MS } from '../support/state.ts';

const MINUTE_MS = 60_000;
const DEVICES = 500;
const STEPS = [[1, 12], [5, 12], [10, 24], [25, 24], [50, 24], [100]] as const;
const ids = Array.from({ length: DEVICES }, (_, n) => `kiosk-${n}`);

/** `median / p95` of a row for 500 devices: polls alone come first, and where both kinds agree there is one figure. */
function printed(build: string): { halted: number; took: number; hours: number } {
  const text = readFileSync(path.resolve(import.meta.dirname, '../../docs/gates.md'), 'utf8');
  const section = text.slice(text.indexOf('**500 devices**'), text.indexOf('**5,000 devices**'));
  const cells = section
    .split('\n')
    .find(line => line.startsWith(`| ${build} |`))
    ?.split('|')
    .map(cell => cell.trim());
  const polls = (cell = ''): string => cell.split(' · ')[0] ?? '';
  const p95 = (cell = ''): number => Number(polls(cell).split(' / ')[1]);
  assert.ok(cells !== undefined, `docs/gates.md has a row for ${build}`);
  return { halted: Number(polls(cells?.[3])), took: p95(cells?.[6]), hours: p95(cells?.[7]) };
}

interface World {
  readonly journey: Journey;
  readonly fleet: Fleet;
  /** Lets that much time pass for both sides; the gate counts every five minutes. */
  pass(ms: number): Promise<void>;
}

/** 10 % of those enrolled never check in, and a quarter of the time a device has no Wi-Fi. */
async function withAgents(seed: number, use: (world: World) => Promise<void>): Promise<void> {
  const clock = virtualClock(Date.now());
  const runtime = { wallMs: () => Math.floor(clock.wallMs()), monotonicMs: () => clock.monotonicMs() };
  await withController(
    async journey => {
      const random = seededRandom(seed);
      const enrolled = await journey.enrol(ids);
      const alive = enrolled.filter(() => random() >= 0.1);
      const fleet = new Fleet({
        url: journey.url,
        seed,
        clock,
        devices: alive.map(d => ({
          deviceId: d.device_id,
          token: d.token,
          versionCode: 41,
          buildId: 'b41',
          signer: journey.builds.b41.build.signerFingerprint,
        })),
      });
      const pass = async (ms: number): Promise<void> => {
        for (let minute = 1; minute <= ms / MINUTE_MS; minute += 1) {
          clock.advance(MINUTE_MS);
          await journey.controller.look();
          if (minute % 5 !== 0) continue;
          await fleet.settled();
          await journey.controller.tick();
        }
      };
      const redraw = (): void => {
        for (const { device_id } of alive)
          fleet.member(device_id).device.set({ unmeteredWifi: random() >= 0.25 });
        clock.timer(6 * HOUR_MS, redraw);
      };
      try {
        await journey.merge({
          current: 'b41',
          lastSafe: undefined,
          exposure: { kind: 'percent', percent: 100 },
        });
        for (const { device_id } of alive)
          clock.timer(random() * 6 * HOUR_MS, () => void fleet.member(device_id).start());
        redraw();
        await pass(7 * HOUR_MS);
        const exposure = aRamp(undefined, ...STEPS);
        if (exposure.kind !== 'ramp') throw new Error('a ramp');
        const steps = STEPS.map(([percent]) => percent);
        const { cohortSeed } = chooseSeed(
          'b42',
          alive.map(d => d.device_id),
          steps,
        );
        await journey.merge({
          cohortSeed,
          exposure: { kind: 'ramp', ramp: { ...exposure.ramp, gate: DEFAULT_GATE } },
        });
        await use({ journey, fleet, pass });
      } finally {
        await fleet.stop();
      }
    },
    { runtime },
  );
}

async function standing(journey: Journey) {
  const { exposure } = (await journey.admin('GET', '/v1/rollout')).json;
  return { halted: exposure.halts.length > 0, step: exposure.ramp.step, verdict: exposure.ramp.verdict };
}

/** Percent of all enrolled devices that took the build, as the audit row of the halt counted them. */
async function tookAtHalt(journey: Journey): Promise<number> {
  const { events } = (await journey.admin('GET', '/v1/events?limit=1000')).json;
  const halt = events.find((e: { action: string }) => e.action === 'halt');
  return (100 * halt.detail.evidence.cohort.taken) / DEVICES;
}

async function untilHalted({ journey, pass }: World, mostHours: number): Promise<void> {
  for (let hour = 0; hour < mostHours; hour += 1) {
    await pass(HOUR_MS);
    const { halted, verdict } = await standing(journey);
    if (halted) return;
    assert.is.not(verdict, 'waiting_for_person');
  }
  assert.unreachable(`nothing halted within ${mostHours} h`);
}

test('a build that fails on half of the devices is halted, with as few that took it as the table says', () =>
  withAgents(1, async world => {
    const dice = seededRandom(11);
    for (const { deviceId } of world.fleet.devices()) {
      const fails = dice() < 0.5;
      world.fleet
        .member(deviceId)
        .device.drawFaults(() => (fails ? { code: 'INSTALL_FAILED_INTERNAL_ERROR' } : undefined));
    }
    await untilHalted(world, 72);
    const took = await tookAtHalt(world.journey);
    const { took: most } = printed('fails on 50 %');
    assert.ok(took <= most, `${took} % took it, and the table says ${most} %`);
  }));

test('a build that silences all that take it never leaves the first step', () =>
  withAgents(2, async world => {
    for (const { deviceId } of world.fleet.devices()) {
      const member = world.fleet.member(deviceId);
      member.device.drawFaults(() => {
        member.stop();
        return undefined;
      });
    }
    await untilHalted(world, 72);
    const took = await tookAtHalt(world.journey);
    const { took: most } = printed('bricks all at once');
    assert.ok(took <= most, `${took} % took it, and the table says ${most} %`);
    assert.is((await standing(world.journey)).step, 1);
  }));

test('a good build reaches everybody without a person, in no more time than the table says', () =>
  withAgents(3, async ({ journey, pass }) => {
    const { hours: most } = printed('good');
    let hours = 0;
    for (let now = await standing(journey); now.step < STEPS.length; now = await standing(journey)) {
      assert.equal([now.halted, now.verdict === 'waiting_for_person'], [false, false]);
      await pass(HOUR_MS);
      hours += 1;
      assert.ok(
        hours <= most,
        `after ${hours} h it stands at step ${now.step}, and the table says ${most} h`,
      );
    }
    assert.ok(hours >= 96, `the holds alone are 96 h, and it took ${hours} h`);
  }));

test.run();
