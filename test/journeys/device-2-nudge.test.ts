/** Device acceptance 2, the FCM "update": a signed command makes the agent check at once and go on if it is eligible. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { poll } from '../support/agent/agent-process.ts';
import { deviceWithin, withDevice } from '../support/agent/journey.ts';
import { withController } from '../support/controller.ts';

test('a signed command is followed at once and in its own name: check, download, install and report', () =>
  withController(async journey => {
    await journey.merge(0);
    await withDevice(journey, deviceWithin(10, true), [], async ({ agent, nudge }) => {
      await agent.until('ota.hold');
      await journey.merge(10);
      const message = nudge('b42');
      agent.tell({ nudge: message });
      assert.is((await agent.until('ota.download.start')).request_id, message.request_id);
      assert.is((await agent.until('ota.install.ok')).request_id, message.request_id);
      await agent.until('ota.report');
      assert.ok(
        journey.log.some(
          l => l.event === 'ota.result' && l.request_id === message.request_id && l.outcome === 'ok',
        ),
      );
    });
  }));

test('a signed command to a device that is not eligible ends in a skip', () =>
  withController(async journey => {
    await journey.merge(10);
    await withDevice(journey, deviceWithin(10, false), [], async ({ agent, nudge }) => {
      await agent.until('ota.hold');
      agent.tell({ nudge: nudge('b42') });
      const report = await agent.until('ota.report');
      assert.equal([report.outcome, report.reason, report.result], ['skipped', 'outside_cohort', 'accepted']);
    });
  }));

test('forged, stale, replayed and misdirected commands do nothing but count', () =>
  withController(async journey => {
    await journey.merge(0);
    await withDevice(journey, deviceWithin(10, true), [], async ({ agent, nudge }) => {
      await agent.until('ota.hold');
      await journey.merge(10);
      const stale = nudge('b42', { issuedAtMs: Date.now() - 11 * 60_000 });
      const good = nudge('b42');
      for (const message of [
        { ...good, hmac: 'f'.repeat(64) },
        { ...good, build_id: 'b41' },
        stale,
        { ...good, issued_at: '1' },
      ])
        agent.tell({ nudge: message });
      await poll('four refusals', () =>
        agent.lines.filter(l => l.event === 'ota.nudge.ignored').length === 4 ? true : undefined,
      );
      assert.is(agent.lines.filter(l => l.event === 'ota.check').length, 1);
      agent.tell({ nudge: good });
      await agent.until('ota.report');
      agent.tell({ nudge: good });
      await poll('the replay', () =>
        agent.lines.some(l => l.event === 'ota.nudge.ignored' && l.code === 'replayed') ? true : undefined,
      );
      assert.is(agent.lines.filter(l => l.event === 'ota.check').length, 2);
    });
  }));

test.run();
