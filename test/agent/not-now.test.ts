/** What went wrong in the field because "cannot be read" was taken for an answer, and what was lost on the way out. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { StateStore } from '../../agent/ports.ts';
import { MemoryApks, MemoryState } from '../../agent/store/memory.ts';
import { DAY_MS, MINUTE_MS } from '../../controller/domain/duration.ts';
import { buildOf, pass, withAgent } from '../support/agent/with-agent.ts';

test('an unreadable signer delays the download and does not count as a mismatch', () =>
  withAgent({ idle: true }, async scene => {
    const { server, device, agent } = scene;
    server.offer = buildOf(42);
    device.hideSigner(true);
    await agent.start();
    await agent.settled();
    assert.is(server.downloads().length, 0, 'it downloaded what it could not have judged');
    assert.equal(
      server.reports().map(r => `${r.outcome}/${r.reason}`),
      ['deferred/unknown_conditions'],
    );
    device.hideSigner(false);
    await pass(scene, 2 * MINUTE_MS);
    assert.is(device.image.installed.versionCode, 42);
    assert.is(server.downloads().length, 1);
  }));

test('a signer that becomes unreadable during the download is waited for, and nothing is downloaded twice', () =>
  withAgent({ idle: true }, async scene => {
    const { server, device, agent } = scene;
    const build = buildOf(42);
    server.offer = build;
    server.onApk = (_, response) => {
      device.hideSigner(true);
      return response.writeHead(200, { 'content-length': build.apk.length }).end(build.apk);
    };
    await agent.start();
    await pass(scene, 10 * MINUTE_MS);
    assert.is(server.reports().filter(r => r.outcome === 'fail').length, 0);
    device.hideSigner(false);
    await pass(scene, 2 * MINUTE_MS);
    assert.is(device.image.installed.versionCode, 42);
    assert.is(server.downloads().length, 1);
  }));

/** The n-th time the file is opened for verification the device glitches. */
class GlitchingApks extends MemoryApks {
  glitches: number;

  constructor(glitches: number) {
    super();
    this.glitches = glitches;
  }

  override of(sha256: string) {
    const file = super.of(sha256);
    const open = file.open.bind(file);
    file.open = async () => {
      if (this.glitches-- > 0) throw new Error('the bus was reset');
      return open();
    };
    return file;
  }
}

test('a glitch while verifying is looked at again and does not end the attempt', () =>
  withAgent({ idle: true, files: new GlitchingApks(2) }, async scene => {
    const { server, device, agent } = scene;
    server.offer = buildOf(42);
    await agent.start();
    await pass(scene, 10 * MINUTE_MS);
    assert.is(device.image.installed.versionCode, 42);
    assert.is(server.downloads().length, 1);
    assert.equal(
      server.reports().map(r => `${r.outcome}/${r.reason}`),
      ['ok/installed'],
    );
  }));

test('verification that breaks for ever ends the attempt after five tries', () =>
  withAgent({ idle: true, files: new GlitchingApks(1000) }, async scene => {
    const { server, agent } = scene;
    server.offer = buildOf(42);
    await agent.start();
    await pass(scene, 30 * MINUTE_MS);
    assert.equal(
      server.reports().map(r => `${r.outcome}/${r.reason}`),
      ['fail/internal'],
    );
    assert.is(server.downloads().length, 1);
  }));

test('after a broken install the version that runs a minute later decides', () =>
  withAgent({ idle: true }, async scene => {
    const { server, device, agent } = scene;
    server.offer = buildOf(42);
    device.failInstall('throw');
    await agent.start();
    await agent.settled();
    assert.is(device.image.installCalls, 1, 'it did not try again at once');
    await pass(scene, 3 * MINUTE_MS);
    assert.is(device.image.installed.versionCode, 42);
    assert.is(device.image.installCalls, 2);
  }));

test('a check and a confirmation that differ are paused after the third time', () =>
  withAgent({ idle: true }, async scene => {
    const { server, agent } = scene;
    const [one, other] = [buildOf(42), buildOf(43)];
    let asked = 0;
    server.onCheck = () => {
      server.offer = asked++ % 2 === 0 ? one : other;
      return 'default';
    };
    await agent.start();
    await pass(scene, 60 * MINUTE_MS);
    assert.ok(server.downloads().length <= 3, `${server.downloads().length} downloads in an hour`);
    await pass(scene, DAY_MS);
    assert.ok(server.downloads().length <= 9, `${server.downloads().length} downloads in a day`);
  }));

/** Holds the save of a state until it is told to go on. */
class HeldStore implements StateStore {
  readonly #inner = new MemoryState();
  held: (() => void) | undefined;

  load() {
    return this.#inner.load();
  }

  async save(state: Parameters<StateStore['save']>[0]): Promise<void> {
    if (state.installed !== undefined && this.held === undefined)
      await new Promise<void>(resolve => {
        this.held = resolve;
      });
    await this.#inner.save(state);
  }
}

test('ota.install.ok is logged even if the agent is stopped while it is saved', () => {
  const store = new HeldStore();
  return withAgent({ idle: true, store }, async scene => {
    const { server, agent, typesOf } = scene;
    server.offer = buildOf(42);
    await agent.start();
    while (store.held === undefined) await new Promise(resolve => setImmediate(resolve));
    const stopped = agent.stop();
    store.held();
    await stopped;
    assert.equal(typesOf('ota.install'), ['ota.install.start', 'ota.install.ok']);
    assert.is(server.reports().length, 0, 'a stopping agent begins nothing new');
    await scene.restart();
    assert.equal(typesOf('ota.install'), ['ota.install.start', 'ota.install.ok']);
    assert.is(server.reports().length, 1);
  });
});

test('a stopping agent waits for a running install and reports it', () =>
  withAgent({ idle: true }, async scene => {
    const { server, device, agent, typesOf } = scene;
    server.offer = buildOf(42);
    const installed = device.install.bind(device);
    let begun = false;
    let goOn: () => void = () => {};
    device.install = async (...given) => {
      begun = true;
      await new Promise<void>(resolve => {
        goOn = resolve;
      });
      return installed(...given);
    };
    await agent.start();
    while (!begun) await new Promise(resolve => setImmediate(resolve));
    const stopped = agent.stop();
    goOn();
    await stopped;
    assert.equal(typesOf('ota.install'), ['ota.install.start', 'ota.install.ok']);
  }));

test('log times do not run backwards when the controller’s clock is a second behind', () =>
  withAgent({}, async ({ server, clock, agent, loggedMs }) => {
    for (const behindMs of [0, 1_500, 0, 2_500, 1_200, 4_000]) {
      server.dateMs = () => clock.wallMs() - behindMs;
      agent.poll();
      await agent.settled();
      clock.advance(200);
    }
    assert.equal(
      loggedMs,
      [...loggedMs].sort((a, b) => a - b),
    );
  }));

test('a larger correction of the clock is logged', () =>
  withAgent({}, async ({ server, clock, agent, events }) => {
    server.dateMs = () => clock.wallMs() - DAY_MS;
    agent.poll();
    await agent.settled();
    const told = events.find(event => event.type === 'ota.clock.corrected');
    assert.ok(told !== undefined);
  }));

test.run();
