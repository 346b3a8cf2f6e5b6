import { randomUUID } from 'node:crypto';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { HOUR_MS } from '../../controller/domain/duration.ts';
import { signNudge } from '../../controller/domain/nudge/message.ts';
import { buildOf, DEVICE_ID, NUDGE_KEY, pass, type Scene, withAgent } from '../support/agent/with-agent.ts';

const nudge = (
  scene: Scene,
  more: Partial<Parameters<typeof signNudge>[2]> = {},
  deviceId = DEVICE_ID,
  key = NUDGE_KEY,
) =>
  signNudge(key, deviceId, {
    buildId: 'b42',
    requestId: randomUUID(),
    issuedAtMs: scene.clock.wallMs(),
    ...more,
  });

const ignored = ({ events }: Scene) => events.flatMap(e => (e.type === 'ota.nudge.ignored' ? [e.code] : []));

async function receive(scene: Scene, message: Readonly<Record<string, unknown>>): Promise<void> {
  scene.agent.receive(message);
  await scene.agent.settled();
}

test('it polls at start and every six hours with jitter', () =>
  withAgent({}, async scene => {
    assert.is(scene.server.checks().length, 1);
    await pass(scene, 5.99 * HOUR_MS, HOUR_MS);
    assert.is(scene.server.checks().length, 1);
    await pass(scene, HOUR_MS);
    assert.is(scene.server.checks().length, 2);
    await pass(scene, 24 * HOUR_MS, 10 * 60_000);
    assert.ok(
      [5, 6].includes(scene.server.checks().length),
      `${scene.server.checks().length} checks in 31 h`,
    );
  }));

test('the controller sets the pace with Ota-Poll-Interval', () =>
  withAgent(
    {
      prepare: server => {
        server.onCheck = (_, response) => {
          response.setHeader('ota-poll-interval', '600;jitter=60');
          return 'default';
        };
      },
    },
    async scene => {
      await pass(scene, 2 * HOUR_MS);
      assert.ok(scene.server.checks().length >= 11, `${scene.server.checks().length}`);
    },
  ));

test('a check says what runs, on what, and names the hold it has', () =>
  withAgent({}, async scene => {
    const [first] = scene.server.checks();
    assert.is(first?.query.get('version_code'), '41');
    assert.is(first?.query.get('sdk'), '33');
    assert.match(first?.query.get('signer') ?? '', /^[0-9a-f]{64}$/);
    assert.match(String(first?.headers['ota-request-id']), /^[0-9a-f-]{36}$/);
    assert.is(first?.headers['if-none-match'], undefined);
    scene.agent.poll();
    await scene.agent.settled();
    assert.is(scene.server.checks()[1]?.headers['if-none-match'], '"none"');
    assert.equal(scene.typesOf('ota.hold').length, 2);
    assert.equal(scene.typesOf('ota.ineligible.cohort').length, 2, 'outside_cohort is logged as such');
  }));

test('a check that fails is tried again with growing full jitter, Retry-After first', () =>
  withAgent(
    {
      prepare: server => {
        server.onCheck = (_, response) => response.writeHead(503, { 'retry-after': '120' }).end();
      },
    },
    async scene => {
      await pass(scene, 119_000);
      assert.is(scene.server.checks().length, 1);
      await pass(scene, 15_000);
      assert.is(scene.server.checks().length, 2);
      scene.server.onCheck = (_, response) => response.destroy();
      await pass(scene, 6 * HOUR_MS);
      const tries = scene.server.checks().length;
      assert.ok(tries > 6 && tries < 60, `${tries} checks in six hours of outage`);
      scene.server.onCheck = undefined;
      await pass(scene, HOUR_MS);
      assert.is(scene.agent.state.checkFailures, 0);
    },
  ));

test('a valid nudge makes it check at once, in the nudge’s name, to the end', () =>
  withAgent({}, async scene => {
    scene.server.offer = buildOf(42);
    const message = nudge(scene);
    await receive(scene, message);
    assert.is(scene.device.image.installed.versionCode, 42);
    assert.is(scene.server.reports()[0]?.request_id, message.request_id);
    assert.is(scene.server.downloads()[0]?.headers['ota-request-id'], message.request_id);
  }));

test('forged, stale, future, replayed, malformed nudges and those for another device only count', () =>
  withAgent({}, async scene => {
    const good = nudge(scene);
    await receive(scene, good);
    const checks = scene.server.checks().length;
    await receive(scene, { ...good, hmac: '0'.repeat(64), request_id: randomUUID() });
    await receive(scene, nudge(scene, { issuedAtMs: scene.clock.wallMs() - 11 * 60_000 }));
    await receive(scene, nudge(scene, { issuedAtMs: scene.clock.wallMs() + 6 * 60_000 }));
    await receive(scene, good);
    await receive(scene, { type: 'update' });
    await receive(scene, nudge(scene, {}, 'kiosk-8'));
    await receive(scene, nudge(scene, {}, DEVICE_ID, Buffer.alloc(32, 8)));
    assert.is(scene.server.checks().length, checks);
    assert.equal(ignored(scene), [
      'bad_hmac',
      'stale',
      'future',
      'replayed',
      'malformed',
      'bad_hmac',
      'bad_hmac',
    ]);
  }));

test('the replay window outlives the process', () =>
  withAgent({}, async scene => {
    const message = nudge(scene);
    await receive(scene, message);
    await scene.restart();
    const checks = scene.server.checks().length;
    await receive(scene, message);
    assert.equal(ignored(scene), ['replayed']);
    assert.is(scene.server.checks().length, checks);
  }));

test('more valid nudges than can be remembered are refused, not forgotten', () =>
  withAgent({}, async scene => {
    for (let n = 0; n < 260; n++) scene.agent.receive(nudge(scene));
    await scene.agent.settled();
    assert.equal(new Set(ignored(scene)), new Set(['flood']));
    assert.is(scene.agent.state.seenNudges.length, 256);
  }));

test('a nudge that finds nothing to do is answered, so that its sender knows', () =>
  withAgent({ versionCode: 42 }, async scene => {
    scene.server.offer = buildOf(42);
    const message = nudge(scene);
    await receive(scene, message);
    assert.equal(
      scene.server.reports().map(r => [r.request_id, r.build_id, r.outcome, r.reason]),
      [[message.request_id, 'b42', 'skipped', 'already_installed']],
    );
  }));

test('repeated nudges do not reinstall', () =>
  withAgent({}, async scene => {
    scene.server.offer = buildOf(42);
    for (let n = 0; n < 3; n++) await receive(scene, nudge(scene));
    assert.is(scene.device.image.installCalls, 1);
    assert.equal(
      scene.server.reports().map(r => r.outcome),
      ['ok', 'skipped', 'skipped'],
    );
  }));

test('nudges during an attempt coalesce into one check after it', () =>
  withAgent({}, async scene => {
    const { server, agent } = scene;
    server.offer = buildOf(42);
    let release: () => void = () => {};
    server.onApk = (_, response) => {
      server.onApk = undefined;
      release = () => response.destroy();
    };
    agent.poll();
    for (let n = 0; n < 500 && server.downloads().length === 0; n++) await new Promise(r => setTimeout(r, 2));
    for (let n = 0; n < 5; n++) agent.receive(nudge(scene));
    await new Promise(r => setTimeout(r, 5));
    const checks = server.checks().length;
    release();
    await agent.settled();
    await pass(scene, 60_000);
    assert.is(scene.device.image.installCalls, 1);
    // One because of the nudges, and one to confirm before the install.
    assert.is(server.checks().length, checks + 2);
  }));

test('without a nudge key every nudge is ignored, and polling carries the device', () =>
  withAgent({}, async scene => {
    const { agent } = scene;
    agent.receive({});
    await agent.settled();
    assert.equal(ignored(scene), ['malformed']);
  }));

test('a push token is sent once, and again when it changes', () =>
  withAgent({ pushToken: 'fcm-token-1' }, async scene => {
    const puts = () => scene.server.seen.filter(s => s.method === 'PUT').map(s => s.body);
    assert.equal(puts(), ['{"fcm_token":"fcm-token-1"}']);
    await scene.restart();
    assert.is(puts().length, 1);
  }));

test('neither token nor key nor URL secrets appear in any event', () =>
  withAgent(
    {
      prepare: s => {
        s.offer = buildOf(42);
      },
    },
    async scene => {
      await receive(scene, nudge(scene));
      const text = JSON.stringify(scene.events) + JSON.stringify(scene.agent.state);
      assert.not.ok(text.includes('test-token'));
      assert.not.ok(text.includes(NUDGE_KEY.toString('hex')));
      assert.not.ok(scene.server.seen.some(s => s.query.toString().includes('test-token')));
    },
  ));

test.run();
