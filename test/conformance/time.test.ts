/** SPEC §2 "Ramp" through the whole controller: what time may do, and what it may not. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { effectivePercent } from '../../controller/domain/decision.ts';
import { type Journey, withController } from '../support/controller.ts';
import { aRamp, HOUR_MS as HOUR } from '../support/state.ts';

interface RolloutView {
  readonly exposure: { readonly effective_percent: number };
  readonly reconcile: { readonly clock_held: boolean };
}

const B41_FOR_ALL = {
  current: 'b41',
  lastSafe: undefined,
  exposure: { kind: 'percent', percent: 100 },
} as const;
const RAMP = aRamp(undefined, [1, 4], [10, 24], [100]);
const exposureOf = ({ controller }: Journey): number | undefined => {
  const { snapshot } = controller.reconcile;
  return snapshot === undefined ? undefined : effectivePercent(snapshot, controller.clock.nowMs());
};

test('a wall clock that jumps holds exposure where it stands, says so, and goes on once it is right again', () => {
  const wall = { jumpedMs: 0 };
  return withController(
    async journey => {
      await journey.merge({ exposure: aRamp(undefined, [1, 4], [10, 24], [100]) });
      const view = async () => (await journey.admin('GET', '/v1/rollout')).json as RolloutView;
      const jumps = () => journey.log.filter(l => l.event === 'ota.clock.jump').length;
      wall.jumpedMs = 48 * HOUR;
      await journey.controller.tick();
      const held = await view();
      assert.is(held.exposure.effective_percent, 1);
      assert.is(held.reconcile.clock_held, true);
      assert.is(jumps(), 1);
      assert.is(
        journey.log.some(l => l.event === 'ota.rollout.update' && l.by === 'time'),
        false,
      );
      // The way back does not wait for a right clock.
      await journey.merge({ rollback: true });
      assert.is((await view()).exposure.effective_percent, 0);
      wall.jumpedMs = 0;
      await journey.controller.tick();
      assert.is((await view()).reconcile.clock_held, false);
      assert.is(jumps(), 1);
      assert.ok(journey.log.some(l => l.event === 'ota.clock.ok'));
    },
    { runtime: { wallMs: () => Date.now() + wall.jumpedMs } },
  );
});

test('a start with a clock that is 300 days ahead opens no step, whatever time it is said to be', () => {
  const wall = { jumpedMs: 0 };
  return withController(
    async journey => {
      await journey.merge({ exposure: RAMP });
      const before = exposureOf(journey);
      assert.is(before, 1);
      await journey.controller.stop('down');
      wall.jumpedMs = 300 * 24 * HOUR;
      await journey.restart();
      assert.is(exposureOf(journey), before);
      const view = (await journey.admin('GET', '/v1/rollout')).json as RolloutView;
      assert.is(view.reconcile.clock_held, true);
      assert.is(await journey.metric('ota_clock_held'), 1);
      assert.is(journey.log.filter(l => l.event === 'ota.clock.start').length, 1);
      // A folder has no time of its own: an operator says that the clock is right.
      const confirmed = await journey.admin('POST', '/v1/clock/confirm');
      assert.is((confirmed.json as { was_held: boolean }).was_held, true);
      assert.is(journey.controller.clock.held, false);
      assert.is(await journey.metric('ota_clock_held'), 0);
      const again = await journey.admin('POST', '/v1/clock/confirm');
      assert.is((again.json as { was_held: boolean }).was_held, false);
      const { events } = (await journey.admin('GET', '/v1/events')).json as { events: { action: string }[] };
      assert.is(events.filter(e => e.action === 'clock.confirm').length, 1);
    },
    { runtime: { wallMs: () => Date.now() + wall.jumpedMs } },
  );
});

test('a held clock gives a ramp no time, and a suspend neither', () => {
  const wall = { jumpedMs: 0, movedMs: 0 };
  return withController(
    async journey => {
      await journey.merge({ exposure: RAMP });
      const served = async (hours: number) => {
        for (let n = 0; n < hours * 60; n += 1) {
          wall.movedMs += 60_000;
          await journey.controller.look();
        }
      };
      await served(3);
      wall.jumpedMs = 48 * HOUR;
      await served(20);
      wall.jumpedMs = 0;
      await served(0.9);
      assert.is(exposureOf(journey), 1);
      await served(0.2);
      assert.is(exposureOf(journey), 10);
    },
    {
      runtime: {
        wallMs: () => Date.now() + wall.jumpedMs + wall.movedMs,
        monotonicMs: () => performance.now() + wall.movedMs,
      },
    },
  );
});

test('a process that was stopped for hours has not served them, and opens one step at most', () => {
  const moved = { ms: 0 };
  return withController(
    async journey => {
      await journey.merge({ exposure: RAMP });
      moved.ms = 90 * HOUR;
      await journey.controller.look();
      assert.is(exposureOf(journey), 1);
    },
    {
      runtime: {
        wallMs: () => Date.now() + moved.ms,
        monotonicMs: () => performance.now() + moved.ms,
      },
    },
  );
});

test('ending a rollback of the same current begins the ramp at its first step, and says so', () =>
  withController(async journey => {
    const startMs = Math.floor(Date.now() / 1000) * 1000;
    const ramp = aRamp(startMs, [1, 4], [10, 24], [100]);
    const codes = () => journey.controller.reconcile.status().problems.map(p => p.code);
    await journey.merge(B41_FOR_ALL);
    await journey.merge({ exposure: ramp });
    await journey.pass(5 * HOUR);
    assert.is(exposureOf(journey), 10);
    await journey.merge({ exposure: ramp, rollback: true });
    await journey.pass(30 * HOUR);
    assert.is(exposureOf(journey), 0);
    await journey.merge({ exposure: ramp });
    assert.equal(codes(), ['ramp_restarts']);
    assert.is(exposureOf(journey), 1);
  }));

test.run();
