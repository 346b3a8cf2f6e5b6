/** Device acceptance 1, the poll path: at startup and at the 6-hour tick an eligible device downloads, verifies, installs, reports. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { poll } from '../support/agent/agent-process.ts';
import { deviceWithin, withDevice } from '../support/agent/journey.ts';
import { withController } from '../support/controller.ts';

test('on startup an eligible device downloads, verifies signer and sha256, installs, and posts the result', () =>
  withController(async journey => {
    await journey.merge(10);
    await withDevice(journey, deviceWithin(10, true), [], async ({ agent, deviceId }) => {
      const install = await agent.until('ota.install.ok');
      await agent.until('ota.report');
      const order = agent.lines.map(line => line.event);
      for (const [before, after] of [
        ['ota.check', 'ota.eligible'],
        ['ota.eligible', 'ota.download.start'],
        ['ota.download.start', 'ota.verify.ok'],
        ['ota.verify.ok', 'ota.install.ok'],
      ] as const)
        assert.ok(order.indexOf(before) < order.indexOf(after), `${before} comes before ${after}`);
      assert.is(install.build_id, 'b42');
      const named = await poll('the result in the controller’s log', () => {
        const lines = journey.log.filter(l => l.request_id === install.request_id);
        return lines.some(l => l.event === 'ota.result') ? lines : undefined;
      });
      const events = named.map(l => l.event);
      for (const event of ['ota.manifest.200', 'ota.download.200', 'ota.result'])
        assert.ok(events.includes(event), event);
      assert.ok(
        named.filter(l => 'build_id' in l).every(l => l.build_id === 'b42' && l.device_id === deviceId),
      );
      assert.is(await journey.metric('ota_installs_total', { outcome: 'ok' }), 1);
    });
  }));

test('a device outside the cohort gets no update and logs ota.ineligible.cohort', () =>
  withController(async journey => {
    await journey.merge(10);
    await withDevice(journey, deviceWithin(10, false), [], async ({ agent }) => {
      await agent.until('ota.ineligible.cohort');
      agent.tell({ poll: true });
      await poll('a second check', () =>
        agent.lines.filter(l => l.event === 'ota.hold').length === 2 ? true : undefined,
      );
      assert.is(journey.log.filter(l => l.event === 'ota.manifest.304' && l.status === 304).length, 1);
      assert.not.ok(agent.lines.some(l => l.event === 'ota.download.start'));
    });
  }));

test('at the 6-hour tick it asks again, and installs what became its own meanwhile', () =>
  withController(async journey => {
    await journey.merge(10);
    // Six hours pass in two seconds.
    await withDevice(journey, deviceWithin(10, false), ['--time-scale', '10800'], async ({ agent }) => {
      await agent.until('ota.hold');
      await journey.merge(100);
      const check = await agent.until('ota.install.ok');
      assert.is(check.version_code, 42);
      const asked = agent.lines.filter(l => l.event === 'ota.check');
      assert.is(asked[0]?.trigger, 'start');
      assert.is(asked.at(-1)?.trigger, 'poll');
    });
  }));

test.run();
