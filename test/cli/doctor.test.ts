import { createHmac } from 'node:crypto';
import { rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ota, type Ran } from '../support/cli.ts';
import { type Journey, withController } from '../support/controller.ts';

const doctor = (journey: Journey, ...argv: string[]): Promise<Ran> =>
  ota(['doctor', ...argv], { cwd: journey.folder, url: journey.url, token: journey.adminToken });

interface Told {
  readonly failing: boolean;
  readonly checks: readonly { part: string; state: string; text: string; cure: string | null }[];
}

const told = async (journey: Journey): Promise<Record<string, string>> => {
  const { checks } = JSON.parse((await doctor(journey, '--json')).out) as Told;
  return Object.fromEntries(checks.map(c => [c.part, c.state]));
};

test('a controller on a laptop has no failing part; what is not set up is off', () =>
  withController(async journey => {
    await journey.merge(100);
    const { code, out, err } = await doctor(journey);
    assert.is(code, 0, out + err);
    for (const part of ['git here', 'clock here', 'clock', 'source', 'artifacts', 'keys', 'operators'])
      assert.match(out, new RegExp(`^${part} +fine`, 'm'));
    for (const part of ['certificate', 'push', 'github', 'webhook'])
      assert.match(out, new RegExp(`^${part} +off`, 'm'));
    assert.match(out, /→ to nudge, set OTA_FCM_CREDENTIALS/);
  }));

test('a failing part is shown with its cure, and the exit code is 1', () =>
  withController(
    async journey => {
      await journey.merge(100);
      assert.is((await told(journey)).push, 'failing');
      const { code, out } = await doctor(journey);
      assert.is(code, 1);
      assert.match(
        out,
        /^push +failing +FCM refuses our credentials or cannot be reached \[network_error\]\n +→ allow https/m,
      );
      const stored = path.join(journey.folder, 'data', 'artifacts', `${journey.builds.b42.build.sha256}.apk`);
      await rm(stored);
      await journey.controller.tick();
      assert.match((await doctor(journey)).out, /^artifacts +failing +the APK of b42 is missing or damaged/m);
      await rename(journey.repository.folder, `${journey.repository.folder}-gone`);
      await journey.controller.reconcile.run();
      assert.is((await told(journey)).source, 'failing');
    },
    {
      runtime: {
        pusher: { send: async () => [], check: async () => ({ result: 'failed', code: 'network_error' }) },
      },
    },
  ));

test('a webhook is fine once a delivery with a right signature came, and failing after one with a wrong one', () =>
  withController(
    async journey => {
      assert.is((await told(journey)).webhook, 'warning');
      const deliver = (id: string, signature: string) =>
        fetch(`${journey.url}/v1/webhooks/github`, {
          method: 'POST',
          headers: {
            'content-type': 'application/json',
            'x-github-delivery': id,
            'x-github-event': 'ping',
            'x-hub-signature-256': signature,
          },
          body: '{}',
        });
      const right = createHmac('sha256', 'secret-of-the-webhook').update('{}').digest('hex');
      assert.is((await deliver('delivery-1', `sha256=${right}`)).status, 202);
      assert.is((await told(journey)).webhook, 'fine');
      await journey.pass(1_000);
      assert.is((await deliver('delivery-2', `sha256=${'0'.repeat(64)}`)).status, 401);
      assert.is((await told(journey)).webhook, 'failing');
      await journey.restart();
      assert.is((await told(journey)).webhook, 'fine', 'a wrong one may be anybody’s and is not kept');
    },
    { settings: { OTA_GITHUB_WEBHOOK_SECRET: 'secret-of-the-webhook' } },
  ));

test('a controller that cannot be reached, or takes no token, is a finding with its cure', async () => {
  const nobody = await ota(['doctor'], { url: 'http://127.0.0.1:1', token: 'x' });
  assert.is(nobody.code, 1);
  assert.match(
    nobody.out,
    /^controller +failing +cannot reach .*\[controller_unreachable\]\n +→ check that the controller is running/m,
  );
  const none = await ota(['doctor'], {});
  assert.match(
    none.out,
    /^controller +failing +OTA_ADMIN_TOKEN is not set \[token_missing\]\n +→ set it to an admin token/m,
  );
});

test.run();
