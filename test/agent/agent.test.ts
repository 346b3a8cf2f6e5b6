import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { buildOf, withAgent } from '../support/agent/with-agent.ts';

test('an eligible device downloads, verifies, confirms, installs and reports', () =>
  withAgent(
    {
      prepare: s => {
        s.offer = buildOf(42);
      },
    },
    async ({ server, device, agent, typesOf }) => {
      assert.is(device.image.installed.versionCode, 42);
      assert.is(device.image.installCalls, 1);
      assert.is(server.downloads().length, 1);
      assert.is(server.checks().length, 2);
      const [report] = server.reports();
      assert.is(server.reports().length, 1);
      assert.is(report?.outcome, 'ok');
      assert.is(report?.reason, 'installed');
      assert.is(report?.version_code, 42);
      assert.is(agent.state.phase.name, 'idle');
      assert.equal(typesOf(), [
        'ota.check',
        'ota.eligible',
        'ota.download.start',
        'ota.download.ok',
        'ota.verify.ok',
        'ota.install.start',
        'ota.install.ok',
        'ota.attempt.end',
        'ota.report',
      ]);
      const ids = new Set([...server.checks(), ...server.downloads()].map(s => s.headers['ota-request-id']));
      assert.equal([...ids], [report?.request_id]);
    },
  ));

test.run();
