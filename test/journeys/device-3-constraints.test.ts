/** Device acceptance 3, constraints: an update is available, the agent defers and says why, and goes on when it may. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { withDevice } from '../support/agent/journey.ts';
import { withController } from '../support/controller.ts';

test('wifi_only and not on Wi-Fi: the manifest says update available, the agent logs ota.defer.wifi; on Wi-Fi it proceeds', () =>
  withController(async journey => {
    await journey.merge({ exposure: { kind: 'percent', percent: 100 }, wifiOnly: true });
    await withDevice(journey, 'kiosk-1', ['--no-wifi'], async ({ agent }) => {
      await agent.until('ota.defer.wifi');
      assert.ok(journey.log.some(l => l.event === 'ota.manifest.200' && l.build_id === 'b42'));
      const told = await agent.until('ota.report');
      assert.equal([told.outcome, told.reason], ['deferred', 'wifi']);
      assert.not.ok(agent.lines.some(l => l.event === 'ota.download.start'));
      agent.tell({ conditions: { unmetered_wifi: true } });
      await agent.until('ota.install.ok');
    });
  }));

test('battery under 30 % and not charging: it defers until the threshold is met', () =>
  withController(async journey => {
    await journey.merge(100);
    await withDevice(journey, 'kiosk-2', ['--battery', '12'], async ({ agent }) => {
      await agent.until('ota.defer.battery');
      agent.tell({ conditions: { battery_percent: 29 } });
      agent.tell({ poll: true });
      await agent.until('ota.defer.battery', agent.lines.length);
      assert.not.ok(agent.lines.some(l => l.event === 'ota.download.start'));
      agent.tell({ conditions: { battery_percent: 30 } });
      await agent.until('ota.install.ok');
    });
  }));

test('a charging device needs no threshold', () =>
  withController(async journey => {
    await journey.merge(100);
    await withDevice(journey, 'kiosk-3', ['--battery', '3', '--charging', '--once'], async ({ agent }) => {
      assert.is(await agent.exit(), 0);
      assert.ok(agent.lines.some(l => l.event === 'ota.install.ok'));
    });
  }));

test('not during a phone call: it waits until the phone is idle', () =>
  withController(async journey => {
    await journey.merge(100);
    await withDevice(journey, 'kiosk-4', ['--in-call'], async ({ agent }) => {
      await agent.until('ota.defer.call');
      agent.tell({ conditions: { in_call: false } });
      await agent.until('ota.install.ok');
    });
  }));

test.run();
