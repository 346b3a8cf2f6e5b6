/** Renewing the device token when the controller asks for it (SPEC §5, `Ota-Token: renew`). */
import { readFileSync } from 'node:fs';
import { stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Agent } from '../../agent/agent.ts';
import { virtualClock } from '../../agent/clock.ts';
import { controllerUrl } from '../../agent/http/origin.ts';
import { seededRandom } from '../../agent/random.ts';
import { SimulatedDevice } from '../../agent/simulated/device.ts';
import { CredentialFile, MemoryCredentials } from '../../agent/store/credentials.ts';
import { MemoryApks, MemoryState } from '../../agent/store/memory.ts';
import { MINUTE_MS } from '../../controller/domain/duration.ts';
import { faultCode } from '../../controller/domain/fault.ts';
import { signNudge } from '../../controller/domain/nudge/message.ts';
import { type ProtocolServer, TOKEN } from '../support/agent/protocol-server.ts';
import {
  buildOf,
  DEVICE_ID,
  imageOf,
  NUDGE_KEY,
  pass,
  type Scene,
  withAgent,
} from '../support/agent/with-agent.ts';
import { withController } from '../support/controller.ts';
import { withFolder } from '../support/folder.ts';

const NEW_TOKEN = 'a-new-token-of-the-device';
const NEW_KEY = Buffer.alloc(32, 3);

/** From now on answers ask for a renewal, until the new token is presented. */
function asking(server: ProtocolServer): void {
  server.tokens = [TOKEN, NEW_TOKEN];
  server.onCheck = (seen, response) => {
    if (seen.headers.authorization === `Bearer ${TOKEN}`) response.setHeader('ota-token', 'renew');
    return 'default';
  };
  server.onRenewal = (_, response) =>
    response
      .writeHead(200, { 'content-type': 'application/json' })
      .end(JSON.stringify({ device_id: DEVICE_ID, token: NEW_TOKEN, nudge_key: NEW_KEY.toString('base64') }));
}

const tokenOfLastCheck = ({ server }: Scene): string | undefined =>
  server.checks().at(-1)?.headers.authorization?.replace('Bearer ', '');

test('a device that is asked to renews its token, within minutes and once', () =>
  withAgent({ prepare: asking }, async scene => {
    const { server, agent, typesOf } = scene;
    assert.is(
      server.renewals().length,
      0,
      'not at once: a fleet that is asked together does not come together',
    );
    await pass(scene, 11 * MINUTE_MS);
    assert.is(server.renewals().length, 1);
    assert.equal(typesOf('ota.token'), ['ota.token.renewed']);
    agent.poll();
    await agent.settled();
    assert.is(tokenOfLastCheck(scene), NEW_TOKEN);
    await pass(scene, 60 * MINUTE_MS);
    assert.is(server.renewals().length, 1);
  }));

test('a device that is not asked never renews', () =>
  withAgent({}, async scene => {
    await pass(scene, 60 * MINUTE_MS);
    assert.is(scene.server.renewals().length, 0);
  }));

test('no renewal during an attempt: it follows the report', () =>
  withAgent({ idle: true }, async scene => {
    const { server, agent } = scene;
    asking(server);
    const build = buildOf(42);
    server.offer = build;
    let goOn: () => void = () => {};
    const held = new Promise<void>(resolve => {
      goOn = resolve;
    });
    server.onApk = (_, response) => {
      void held.then(() => response.writeHead(200, { 'content-length': build.apk.length }).end(build.apk));
    };
    await agent.start();
    while (server.downloads().length === 0) await new Promise(resolve => setImmediate(resolve));
    scene.clock.advance(11 * MINUTE_MS);
    await new Promise(resolve => setTimeout(resolve, 50));
    assert.is(server.renewals().length, 0);
    goOn();
    await agent.settled();
    const order = server.seen.map(s => s.path.split('/').at(-1));
    assert.equal(order, ['update', 'apk', 'update', 'action-result', 'token']);
  }));

test('a renewal that failed is not tried again before the next answer that asks', () =>
  withAgent({ prepare: asking }, async scene => {
    const { server, agent, typesOf } = scene;
    server.onRenewal = (_, response) => response.writeHead(500).end();
    await pass(scene, 60 * MINUTE_MS);
    assert.is(server.renewals().length, 1);
    assert.equal(typesOf('ota.token'), ['ota.token.fail']);
    agent.poll();
    await agent.settled();
    await pass(scene, 11 * MINUTE_MS);
    assert.is(server.renewals().length, 2);
  }));

for (const [name, body] of [
  ['not JSON', 'hello'],
  ['no token', JSON.stringify({ nudge_key: NEW_KEY.toString('base64') })],
  ['no nudge key', JSON.stringify({ token: NEW_TOKEN })],
  ['a short nudge key', JSON.stringify({ token: NEW_TOKEN, nudge_key: 'AAAA' })],
  ['a token with a line break', JSON.stringify({ token: 'a\nb', nudge_key: NEW_KEY.toString('base64') })],
] as const)
  test(`an answer with ${name} changes nothing`, () =>
    withAgent({ prepare: asking }, async scene => {
      scene.server.onRenewal = (_, response) => response.writeHead(200).end(body);
      await pass(scene, 11 * MINUTE_MS);
      assert.equal(scene.typesOf('ota.token'), ['ota.token.fail']);
      scene.agent.poll();
      await scene.agent.settled();
      assert.is(tokenOfLastCheck(scene), TOKEN);
    }));

const nudge = (key: Buffer, requestId: string, issuedAtMs: number) =>
  signNudge(key, DEVICE_ID, { buildId: 'b42', requestId, issuedAtMs });

test('nudges of both keys are followed for a day, and then only those of the new one', () =>
  withAgent({ prepare: asking }, async scene => {
    const { server, agent, clock, typesOf } = scene;
    server.dateMs = () => clock.wallMs();
    await pass(scene, 11 * MINUTE_MS);
    agent.receive(nudge(NEW_KEY, 'nudge-0001', clock.wallMs()));
    agent.receive(nudge(NUDGE_KEY, 'nudge-0002', clock.wallMs()));
    await agent.settled();
    assert.is(typesOf('ota.nudge').length, 2);
    await pass(scene, 25 * 60 * MINUTE_MS, 60 * MINUTE_MS);
    agent.receive(nudge(NUDGE_KEY, 'nudge-0003', clock.wallMs()));
    agent.receive(nudge(NEW_KEY, 'nudge-0004', clock.wallMs()));
    await agent.settled();
    assert.equal(typesOf('ota.nudge'), ['ota.nudge', 'ota.nudge', 'ota.nudge.ignored', 'ota.nudge']);
  }));

test('the new token and key are on disk before their first use, for the owner alone', () =>
  withFolder(async folder => {
    const given = { token: TOKEN, nudgeKey: NUDGE_KEY };
    const credentials = await CredentialFile.open(folder, given);
    const file = path.join(folder, 'credentials.json');
    await withAgent({ prepare: asking, credentials }, async scene => {
      const { server, agent } = scene;
      const standing = server.onCheck;
      const onDisk: string[] = [];
      server.onCheck = (seen, response) => {
        if (seen.headers.authorization === `Bearer ${NEW_TOKEN}`) onDisk.push(readFileSync(file, 'utf8'));
        return standing?.(seen, response);
      };
      await pass(scene, 11 * MINUTE_MS);
      agent.poll();
      await agent.settled();
      assert.is(onDisk.length, 1);
      assert.match(onDisk[0] ?? '', NEW_TOKEN);
    });
    assert.is((await stat(file)).mode & 0o777, 0o600);
    const again = await CredentialFile.open(folder, given);
    assert.is(again.token(), NEW_TOKEN);
    assert.equal(again.nudgeKeys(0)[0], NEW_KEY);
    const anew = await CredentialFile.open(folder, { token: 'given-anew', nudgeKey: NUDGE_KEY });
    assert.is(anew.token(), 'given-anew', 'a token that an operator gave later wins');
  }));

test('a token that cannot be written down is not used', () =>
  withFolder(async folder => {
    const credentials = await CredentialFile.open(folder, { token: TOKEN, nudgeKey: NUDGE_KEY });
    const failing = {
      token: () => credentials.token(),
      nudgeKeys: (nowMs: number) => credentials.nudgeKeys(nowMs),
      renew: () => Promise.reject(new Error('the disk is full')),
    };
    await withAgent({ prepare: asking, credentials: failing }, async scene => {
      await pass(scene, 11 * MINUTE_MS);
      assert.equal(scene.typesOf('ota.token'), ['ota.token.fail']);
      scene.agent.poll();
      await scene.agent.settled();
      assert.is(tokenOfLastCheck(scene), TOKEN);
    });
  }));

test('an unreadable file is reported, and nothing is guessed', () =>
  withFolder(async folder => {
    await writeFile(path.join(folder, 'credentials.json'), '{"token": 1}');
    const opened = CredentialFile.open(folder, { token: TOKEN, nudgeKey: undefined });
    assert.is(await opened.then(() => 'opened', faultCode), 'credentials_broken');
  }));

test('against the controller: a server key is rotated, and the device ends on the new one', () => {
  const [older, newer] = [`k1:${'1'.repeat(64)}`, `k2:${'2'.repeat(64)}`];
  return withController(
    async journey => {
      await journey.merge(100);
      const [enrolled] = await journey.enrol([DEVICE_ID]);
      const token = enrolled?.token ?? '';
      await journey.restart({ OTA_TOKEN_KEY: newer, OTA_TOKEN_KEY_PREVIOUS: older });
      const nudgeKey = Buffer.from(enrolled?.nudge_key ?? '', 'base64');
      const credentials = new MemoryCredentials({ token, nudgeKey });
      const clock = virtualClock(Date.now());
      const events: string[] = [];
      const agent = new Agent({
        deviceId: DEVICE_ID,
        controller: controllerUrl(journey.url),
        credentials,
        clock,
        random: seededRandom(1),
        platform: new SimulatedDevice({ image: imageOf(42) }),
        files: new MemoryApks(),
        store: new MemoryState(),
        observe: event => events.push(event.type),
      });
      await agent.start();
      await agent.settled();
      clock.advance(11 * MINUTE_MS);
      await agent.settled();
      assert.ok(events.includes('ota.token.renewed'), events.join());
      assert.match(credentials.token(), /^v1\.k2\./);
      agent.poll();
      await agent.settled();
      assert.is(events.filter(type => type === 'ota.hold').length, 2, events.join());
      agent.kill();
    },
    { settings: { OTA_TOKEN_KEY: older } },
  );
});

test.run();
