/** Device acceptance 5, idempotency: on the version already, nothing happens; repeated FCM "update" does not reinstall. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { poll } from '../support/agent/agent-process.ts';
import { withDevice } from '../support/agent/journey.ts';
import { withController } from '../support/controller.ts';

test('already on the version: the controller says no update, the agent skips', () =>
  withController(async journey => {
    await journey.merge(100);
    await withDevice(journey, 'kiosk-1', ['--version-code', '42', '--once'], async ({ agent }) => {
      assert.is(await agent.exit(), 0);
      assert.equal(
        agent.lines.map(l => l.event),
        ['ota.check', 'ota.hold'],
      );
      assert.is(agent.lines[1]?.reason, 'up_to_date');
    });
  }));

test('repeated commands, new ones and replays, do not reinstall', () =>
  withController(async journey => {
    await journey.merge(100);
    await withDevice(journey, 'kiosk-2', [], async ({ agent, nudge }) => {
      await agent.until('ota.install.ok');
      await agent.until('ota.report');
      for (const requestId of ['again-0001', 'again-0002', 'again-0001'])
        agent.tell({ nudge: nudge('b42', { requestId }) });
      const skips = await poll('the answers', () => {
        const lines = journey.log.filter(l => l.event === 'ota.result' && l.outcome === 'skipped');
        return lines.length >= 1 && agent.lines.some(l => l.event === 'ota.nudge.ignored')
          ? lines
          : undefined;
      });
      assert.is(skips[0]?.reason, 'already_installed');
      await poll('rest', () => (agent.lines.at(-1)?.event === 'ota.report' ? true : undefined));
      assert.is(agent.lines.filter(l => l.event === 'ota.download.start').length, 1);
      assert.is(agent.lines.filter(l => l.event === 'ota.install.ok').length, 1);
      assert.is(await journey.metric('ota_installs_total', { outcome: 'ok' }), 1);
      assert.is(await journey.metric('ota_downloads_total'), 1);
    });
  }));

test('a restart after the install neither installs nor reports again', () =>
  withController(async journey => {
    await journey.merge(100);
    await withDevice(journey, 'kiosk-3', [], async ({ agent }) => {
      await agent.until('ota.report');
      await agent.kill('SIGKILL');
      const before = agent.lines.length;
      agent.start();
      await agent.until('ota.hold', before);
      assert.not.ok(
        agent.lines.slice(before).some(l => l.event === 'ota.report' || l.event === 'ota.download.start'),
      );
    });
  }));

test.run();
