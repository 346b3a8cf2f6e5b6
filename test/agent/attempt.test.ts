import { hash } from 'node:crypto';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Conditions } from '../../agent/readings.ts';
import { bucketOf } from '../../controller/domain/cohort.ts';
import { HOUR_MS } from '../../controller/domain/duration.ts';
import type { ProtocolServer, ServedBuild } from '../support/agent/protocol-server.ts';
import { buildOf, DEVICE_ID, key, pass, type Scene, withAgent } from '../support/agent/with-agent.ts';
import { testKey } from '../support/apk/index.ts';

const offering =
  (build: ServedBuild, manifest: Record<string, unknown> = {}) =>
  (server: ProtocolServer): void => {
    server.offer = build;
    server.manifest = manifest;
  };
const reasons = ({ server }: Scene) => server.reports().map(r => `${r.outcome}/${r.reason}`);

async function set(scene: Scene, conditions: Partial<Conditions>): Promise<void> {
  scene.device.set(conditions);
  await scene.agent.settled();
}

const WAITS: [string, Partial<Conditions>, string, Partial<Conditions>][] = [
  ['not on Wi-Fi', { unmeteredWifi: false }, 'ota.defer.wifi', { unmeteredWifi: true }],
  ['battery at 29 % and not charging', { batteryPercent: 29 }, 'ota.defer.battery', { batteryPercent: 30 }],
  ['battery low until it charges', { batteryPercent: 5 }, 'ota.defer.battery', { charging: true }],
  ['during a call', { inCall: true }, 'ota.defer.call', { inCall: false }],
];
for (const [name, bad, event, good] of WAITS)
  test(`${name}: it defers, logs ${event}, and goes on when that has changed`, () =>
    withAgent({ prepare: offering(buildOf(42)), device: { conditions: bad } }, async scene => {
      assert.ok(scene.typesOf().includes(event));
      assert.ok(scene.typesOf().includes('ota.eligible'));
      assert.is(scene.agent.state.phase.name, 'deferred');
      assert.is(scene.server.downloads().length, 0);
      assert.equal(reasons(scene), [`deferred/${event.split('.')[2]}`]);
      await set(scene, good);
      assert.is(scene.device.image.installed.versionCode, 42);
      const ids = scene.server.reports().map(r => r.request_id);
      assert.equal(reasons(scene).at(-1), 'ok/installed');
      assert.is(new Set(ids).size, 1, 'one attempt, one name');
    }));

for (const [name, unknown] of Object.entries({
  'Wi-Fi': { unmeteredWifi: undefined },
  battery: { batteryPercent: undefined },
  call: { inCall: undefined },
}))
  test(`what cannot be read counts as not now: ${name}`, () =>
    withAgent(
      { prepare: offering(buildOf(42)), device: { conditions: unknown as Partial<Conditions> } },
      async scene => {
        assert.equal(reasons(scene), ['deferred/unknown_conditions']);
        await pass(scene, HOUR_MS);
        assert.is(scene.device.image.installCalls, 0);
        assert.equal(reasons(scene), ['deferred/unknown_conditions'], 'told once');
      },
    ));

test('wifi_only: false needs no Wi-Fi', () =>
  withAgent(
    {
      prepare: offering(buildOf(42), { wifi_only: false }),
      device: { conditions: { unmeteredWifi: false } },
    },
    async scene => {
      assert.is(scene.device.image.installed.versionCode, 42);
    },
  ));

test('waiting, it looks again each minute where the platform tells of no change', () =>
  withAgent({ prepare: offering(buildOf(42)), device: { conditions: { inCall: true } } }, async scene => {
    const { device } = scene;
    device.watch = () => () => {};
    await scene.restart();
    device.conditions = async () => ({
      unmeteredWifi: true,
      batteryPercent: 80,
      charging: false,
      inCall: false,
    });
    await pass(scene, 61_000);
    assert.is(device.image.installed.versionCode, 42);
  }));

test('must_install overrides Wi-Fi after deadline_s from the first sight, never battery or a call', () =>
  withAgent(
    {
      prepare: offering(buildOf(42), { must_install: true, deadline_s: 72 * 3600 }),
      device: { conditions: { unmeteredWifi: false, batteryPercent: 20, inCall: true } },
    },
    async scene => {
      // The controller's clock moves with the device's.
      scene.server.dateMs = () => scene.clock.wallMs();
      await pass(scene, 71 * HOUR_MS, HOUR_MS);
      await scene.restart();
      assert.is(scene.device.image.installCalls, 0);
      await set(scene, { batteryPercent: 90, inCall: false });
      assert.is(scene.device.image.installCalls, 0, 'Wi-Fi is still waited for');
      await set(scene, { inCall: true });
      await pass(scene, 2 * HOUR_MS, HOUR_MS);
      assert.is(scene.device.image.installCalls, 0, 'a call is never overridden');
      await set(scene, { inCall: false });
      assert.is(scene.device.image.installed.versionCode, 42);
    },
  ));

test('constraints are read again right before the install', () =>
  withAgent({ idle: true }, async scene => {
    const { server, device, agent } = scene;
    offering(buildOf(42))(server);
    server.onCheck = () => {
      if (server.checks().length === 2) device.set({ inCall: true });
      return 'default';
    };
    await agent.start();
    await agent.settled();
    assert.is(agent.state.phase.name, 'deferred');
    assert.is(device.image.installCalls, 0);
    assert.equal(reasons(scene), ['deferred/call']);
    await set(scene, { inCall: false });
    assert.is(device.image.installed.versionCode, 42);
    assert.is(server.downloads().length, 1, 'the file was kept');
    assert.is(scene.typesOf('ota.verify.ok').length, 2, 'and verified again');
  }));

test('Wi-Fi lost in the middle of a download stops it, and Wi-Fi found resumes it', () =>
  withAgent({ idle: true }, async scene => {
    const { server, device, agent } = scene;
    const build = buildOf(42);
    offering(build)(server);
    server.onApk = (_, response) => {
      server.onApk = undefined;
      response.writeHead(200, { 'content-length': build.apk.length });
      response.write(build.apk.subarray(0, 500), () =>
        setTimeout(() => device.set({ unmeteredWifi: false }), 20),
      );
    };
    await agent.start();
    await agent.settled();
    assert.is(agent.state.phase.name, 'deferred');
    await set(scene, { unmeteredWifi: true });
    assert.is(device.image.installed.versionCode, 42);
    assert.is(server.downloads()[1]?.headers.range, 'bytes=500-');
  }));

test('own bucket: outside the announced percentage it does nothing and says so', () => {
  const percent = Math.floor(bucketOf(DEVICE_ID, '') / 100);
  return withAgent({ prepare: offering(buildOf(42), { staged_rollout_percent: percent }) }, async scene => {
    assert.is(scene.server.downloads().length, 0);
    assert.ok(scene.typesOf().includes('ota.ineligible.cohort'));
    scene.server.manifest = { staged_rollout_percent: percent + 1 };
    scene.agent.poll();
    await scene.agent.settled();
    assert.is(scene.device.image.installed.versionCode, 42);
  });
});

test('an offer of the running version is skipped', () =>
  withAgent({ idle: true, versionCode: 42 }, async scene => {
    const build = buildOf(42);
    offering({ ...build, versionCode: 43 }, { version_code: 42 })(scene.server);
    await scene.agent.start();
    await scene.agent.settled();
    assert.equal(reasons(scene), ['skipped/already_installed']);
    assert.is(scene.server.downloads().length, 0);
  }));

test('an older offer needs force_downgrade', () =>
  withAgent({ prepare: offering(buildOf(40)) }, async scene => {
    assert.equal(reasons(scene), ['skipped/downgrade_refused']);
    scene.server.manifest = { force_downgrade: true };
    scene.agent.poll();
    await scene.agent.settled();
    assert.is(scene.device.image.installed.versionCode, 40);
  }));

test('a downgrade that Android refuses is reported as downgrade_refused', () =>
  withAgent(
    { prepare: offering(buildOf(40), { force_downgrade: true }), device: { mayDowngrade: false } },
    async scene => {
      assert.equal(reasons(scene), ['fail/downgrade_refused']);
      assert.is(scene.device.image.installed.versionCode, 41);
    },
  ));

test('a rotated key is accepted when the APK itself proves it', () => {
  const next = testKey('release-next');
  return withAgent({ prepare: offering(buildOf(42, { key: next, lineage: [{ key }] })) }, async scene => {
    assert.is(scene.device.image.installed.versionCode, 42);
    assert.is(scene.server.reports()[0]?.outcome, 'ok');
  });
});

test('resumed over process restarts with Range and If-Range', () =>
  withAgent({ idle: true }, async scene => {
    const { server } = scene;
    const build = buildOf(42);
    offering(build)(server);
    server.onApk = (_, response) => {
      response.writeHead(200, { 'content-length': build.apk.length });
      response.write(build.apk.subarray(0, 700), () =>
        setTimeout(() => {
          server.onApk = undefined;
          scene.agent.kill();
          response.destroy();
        }, 20),
      );
    };
    await scene.agent.start();
    await scene.agent.settled();
    await scene.restart();
    assert.is(scene.device.image.installed.versionCode, 42);
    const [, resumed] = server.downloads();
    assert.is(resumed?.headers.range, 'bytes=700-');
    assert.match(String(resumed?.headers['if-range']), /^"[0-9a-f]{64}"$/);
    assert.equal(
      scene.events.flatMap(e => (e.type === 'ota.download.start' ? [e.fromByte] : [])),
      [0, 700],
    );
  }));

test('a server that has another file answers 200, and the download begins again', () =>
  withAgent({ idle: true }, async scene => {
    const build = buildOf(42);
    offering(build)(scene.server);
    const file = scene.files.of(hash('sha256', build.apk));
    await file.append(Buffer.from('of another time'));
    scene.server.onApk = (seen, response) => {
      assert.is(seen.headers.range, 'bytes=15-');
      response.writeHead(200, { 'content-length': build.apk.length }).end(build.apk);
    };
    await scene.agent.start();
    await scene.agent.settled();
    assert.is(scene.device.image.installed.versionCode, 42);
  }));

for (const [name, contentRange] of Object.entries({ 'another place': 'bytes 0-9/10', nothing: '' }))
  test(`a 206 that begins at ${name} is not glued on`, () =>
    withAgent({ idle: true }, async scene => {
      const build = buildOf(42);
      offering(build)(scene.server);
      await scene.files.of(hash('sha256', build.apk)).append(build.apk.subarray(0, 10));
      scene.server.onApk = (_, response) => {
        scene.server.onApk = undefined;
        response
          .writeHead(206, contentRange === '' ? {} : { 'content-range': contentRange })
          .end(Buffer.alloc(10));
      };
      await scene.agent.start();
      await scene.agent.settled();
      await pass(scene, 60_000);
      assert.is(scene.device.image.installed.versionCode, 42);
      assert.is(scene.server.downloads()[1]?.headers.range, undefined, 'from the beginning');
    }));

for (const status of [429, 503])
  test(`${status} with Retry-After is waited for and not counted, however often`, () =>
    withAgent({ idle: true }, async scene => {
      offering(buildOf(42))(scene.server);
      let busy = 12;
      scene.server.onApk = (_, response) => {
        if (busy-- <= 0) return 'default';
        return response.writeHead(status, { 'retry-after': '300' }).end();
      };
      await scene.agent.start();
      await scene.agent.settled();
      await pass(scene, 299_000);
      assert.is(scene.server.downloads().length, 1);
      await pass(scene, 2 * HOUR_MS);
      assert.is(scene.device.image.installed.versionCode, 42);
      assert.equal(reasons(scene), ['ok/installed']);
    }));

test('410 ends the attempt as offer_gone, and counts as no failure', () =>
  withAgent({ idle: true }, async scene => {
    offering(buildOf(42))(scene.server);
    scene.server.onApk = (_, response) => response.writeHead(410).end();
    await scene.agent.start();
    await scene.agent.settled();
    assert.equal(reasons(scene), ['skipped/offer_gone']);
    assert.equal(scene.agent.state.penalties, []);
  }));

test('a rollback during the download wins: it asks again before it installs', () =>
  withAgent({ idle: true }, async scene => {
    const { server } = scene;
    const build = buildOf(42);
    offering(build)(server);
    server.onApk = () => {
      setImmediate(() => {
        server.offer = undefined;
      });
      return 'default';
    };
    await scene.agent.start();
    await scene.agent.settled();
    assert.is(scene.device.image.installCalls, 0);
    assert.equal(reasons(scene), ['skipped/offer_gone']);
  }));

test('another build promoted during the download supersedes it', () =>
  withAgent({ idle: true }, async scene => {
    const { server } = scene;
    offering(buildOf(42))(server);
    server.onApk = () => {
      server.onApk = undefined;
      setImmediate(() => {
        server.offer = buildOf(43);
      });
      return 'default';
    };
    await scene.agent.start();
    await scene.agent.settled();
    assert.is(scene.device.image.installed.versionCode, 43);
    assert.is(scene.device.image.installCalls, 1);
    assert.equal(reasons(scene), ['skipped/superseded', 'ok/installed']);
  }));

test('a controller that is away at the confirmation keeps the install waiting', () =>
  withAgent({ idle: true }, async scene => {
    const { server } = scene;
    offering(buildOf(42))(server);
    server.onCheck = (_, response) => (server.checks().length === 2 ? response.destroy() : 'default');
    await scene.agent.start();
    await scene.agent.settled();
    assert.is(scene.agent.state.phase.name, 'confirming');
    assert.is(scene.device.image.installCalls, 0);
    await pass(scene, 60_000);
    assert.is(scene.device.image.installed.versionCode, 42);
  }));

const CODES: [string, string][] = [
  ['INSTALL_FAILED_VERSION_DOWNGRADE', 'downgrade_refused'],
  ['INSTALL_FAILED_UPDATE_INCOMPATIBLE', 'signer_mismatch'],
  ['INSTALL_FAILED_INSUFFICIENT_STORAGE', 'storage'],
  ['INSTALL_FAILED_VERIFICATION_FAILURE', 'install_rejected'],
  ['INSTALL_FAILED_OF_SOME_VENDOR', 'install_failed'],
  ['no_answer', 'timeout'],
];
for (const [code, reason] of CODES)
  test(`${code} is reported as ${reason}`, () =>
    withAgent({ idle: true }, async scene => {
      offering(buildOf(42))(scene.server);
      scene.device.failInstall({ code });
      await scene.agent.start();
      await scene.agent.settled();
      assert.equal(reasons(scene), [`fail/${reason}`]);
      assert.match(String(scene.server.reports()[0]?.detail), new RegExp(`^${code}`));
    }));

test('success only when the running version is the new one', () =>
  withAgent({ idle: true }, async scene => {
    offering(buildOf(42))(scene.server);
    scene.device.install = async () => ({ ok: true });
    await scene.agent.start();
    await scene.agent.settled();
    assert.equal(reasons(scene), ['fail/install_failed']);
  }));

test('after 3 failures of one build a growing pause, up to 24 h; another build is free', () =>
  withAgent({ idle: true }, async scene => {
    const { server, agent, clock } = scene;
    server.dateMs = () => clock.wallMs();
    const build = buildOf(42);
    offering(build, { sha256: '0'.repeat(64) })(server);
    await agent.start();
    await agent.settled();
    for (let n = 0; n < 6; n++) {
      agent.poll();
      await agent.settled();
    }
    assert.is(server.downloads().length, 3);
    const pauses: number[] = [];
    for (let n = 0; n < 4; n++) {
      const before = server.downloads().length;
      const from = clock.wallMs();
      while (server.downloads().length === before) {
        clock.advance(HOUR_MS / 4);
        agent.poll();
        await agent.settled();
      }
      pauses.push(Math.round((clock.wallMs() - from) / HOUR_MS));
    }
    assert.equal(pauses, [6, 12, 24, 24]);
    assert.ok(scene.typesOf().includes('ota.defer.penalty'));
    offering(buildOf(43))(server);
    agent.poll();
    await agent.settled();
    assert.is(scene.device.image.installed.versionCode, 43);
  }));

test('a report that is not taken is sent again, the same, until it is; the same answer twice is fine', () =>
  withAgent({ idle: true }, async scene => {
    const { server, agent } = scene;
    offering(buildOf(42))(server);
    let down = 3;
    server.onReport = (_, response) => (down-- > 0 ? response.writeHead(500).end() : 'default');
    await agent.start();
    await agent.settled();
    assert.is(agent.state.phase.name, 'reporting');
    await pass(scene, 10 * 60_000);
    assert.is(new Set(server.reports().map(r => JSON.stringify(r))).size, 1);
    assert.is(server.reports().length, 4);
    assert.is(agent.state.phase.name, 'idle');
  }));

test('a controller that never takes reports can still send updates', () =>
  withAgent({ idle: true }, async scene => {
    const { server, agent } = scene;
    offering(buildOf(42))(server);
    server.onReport = (_, response) => response.writeHead(500).end();
    await agent.start();
    await agent.settled();
    await pass(scene, HOUR_MS);
    offering(buildOf(43))(server);
    await pass(scene, 7 * HOUR_MS);
    assert.is(scene.device.image.installed.versionCode, 43);
    server.onReport = undefined;
    await pass(scene, 2 * HOUR_MS);
    assert.equal(agent.state.unsent, []);
    assert.equal(
      server
        .reports()
        .slice(-2)
        .map(r => r.build_id),
      ['b42', 'b43'],
    );
  }));

test('a report that is refused for good is dropped', () =>
  withAgent({ idle: true }, async scene => {
    offering(buildOf(42))(scene.server);
    scene.server.onReport = (_, response) => response.writeHead(404).end();
    await scene.agent.start();
    await scene.agent.settled();
    assert.is(scene.agent.state.phase.name, 'idle');
    assert.is(scene.server.reports().length, 1);
  }));

test('timings of download, verification and install are reported', () =>
  withAgent({ prepare: offering(buildOf(42)) }, async scene => {
    assert.equal(Object.keys(scene.server.reports()[0]?.timings_ms as object).sort(), [
      'download',
      'install',
      'verify',
    ]);
  }));

test('a package manager that dies in the install is tried again, and the version decides', () =>
  withAgent({ idle: true }, async scene => {
    offering(buildOf(42))(scene.server);
    scene.device.failInstall('throw');
    await scene.agent.start();
    await pass(scene, 3 * 60_000);
    assert.is(scene.device.image.installCalls, 2);
    assert.equal(reasons(scene), ['ok/installed']);
  }));

test.run();
