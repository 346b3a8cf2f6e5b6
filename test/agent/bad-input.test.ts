/** Everything here must end with no install, a reason, and a clean state. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { MemoryApks } from '../../agent/store/memory.ts';
import { HOUR_MS } from '../../controller/domain/duration.ts';
import { Fault } from '../../controller/domain/fault.ts';
import { signNudge } from '../../controller/domain/nudge/message.ts';
import type { ProtocolServer, ServedBuild } from '../support/agent/protocol-server.ts';
import { manifestOf } from '../support/agent/protocol-server.ts';
import {
  buildOf,
  DEVICE_ID,
  key,
  NUDGE_KEY,
  otherKey,
  pass,
  type Scene,
  type SceneOptions,
  withAgent,
} from '../support/agent/with-agent.ts';
import { fingerprintOf } from '../support/apk/index.ts';

async function refuses(
  reason: string,
  prepare: (server: ProtocolServer) => void,
  options: SceneOptions = {},
  more: (scene: Scene) => void = () => {},
): Promise<void> {
  await withAgent({ ...options, prepare }, async scene => {
    await pass(scene, 30 * 60_000);
    assertRefused(scene, reason);
    more(scene);
  });
}

function assertRefused({ server, device, agent }: Scene, reason: string): void {
  assert.is(device.image.installCalls, 0, 'nothing was installed');
  assert.is(device.image.installed.versionCode, 41);
  const finals = server.reports().filter(r => r.outcome !== 'deferred');
  assert.equal(
    finals.map(r => [r.outcome, r.reason]),
    [['fail', reason]],
  );
  assert.is(finals[0]?.version_code, 41);
  assert.is(agent.state.phase.name, 'idle');
  assert.equal(agent.state.unsent, []);
  assert.is(agent.state.pending, undefined);
}

const offering =
  (build: ServedBuild, manifest: Record<string, unknown> = {}) =>
  (server: ProtocolServer) => {
    server.offer = build;
    server.manifest = manifest;
  };

const isGone = async (scene: Scene, sha256: string) =>
  assert.is(await scene.files.of(sha256).size(), 0, 'the file is gone');

const flip = (hex: string) => hex.slice(0, -1) + (hex.endsWith('0') ? '1' : '0');

test('sha256 off by a bit', async () => {
  const build = buildOf(42);
  const sha256 = flip(String(manifestOf(build, '').sha256));
  await withAgent({ prepare: offering(build, { sha256 }) }, async scene => {
    assertRefused(scene, 'sha256_mismatch');
    await isGone(scene, sha256);
  });
});

test('one bit of the APK flipped on its way', () => {
  const build = buildOf(42);
  const bent = Buffer.from(build.apk);
  bent[bent.length >> 1] = (bent[bent.length >> 1] ?? 0) ^ 1;
  return refuses('sha256_mismatch', server => {
    offering(build)(server);
    server.onApk = (_, response) => response.end(bent);
  });
});

test('an APK whose bytes fit the manifest but not its own signature', () => {
  const build = buildOf(42);
  const bent = Buffer.from(build.apk);
  bent[40] = (bent[40] ?? 0) ^ 1;
  return refuses('signature_invalid', offering({ ...build, apk: bent }));
});

test('signer changed: the APK is not signed by the signer of the manifest', () =>
  refuses('signer_mismatch', offering({ ...buildOf(42, { key: otherKey }), signer: fingerprintOf(key) })));

test('signer changed: manifest and APK agree, the installed agent is signed by another key', () =>
  refuses('signer_mismatch', offering(buildOf(42, { key: otherKey }))));

test('signer changed: a lineage in the manifest proves nothing', () =>
  refuses(
    'signer_mismatch',
    offering(buildOf(42, { key: otherKey }), { signer_lineage: [fingerprintOf(key)] }),
  ));

test('a valid APK of another package', () =>
  refuses('package_mismatch', offering(buildOf(42, { package: 'com.example.other' }))));

test('an older version with the new name', () =>
  refuses(
    'version_mismatch',
    offering({ ...buildOf(40, { versionName: '42.0.0' }), buildId: 'b42', versionCode: 42 }),
  ));

test('an APK for newer devices only', () =>
  refuses('incompatible_sdk', offering(buildOf(42, { minSdk: 34 }))));

test('a truncated download, cut again and again', () => {
  const build = buildOf(42);
  return refuses('download_truncated', server => {
    offering(build)(server);
    server.onApk = (_, response) => {
      response.writeHead(200, { 'content-length': build.apk.length });
      response.write(build.apk.subarray(0, 100), () => response.destroy());
    };
  });
});

test('a truncated download that ends as if it were whole', () => {
  const build = buildOf(42);
  return refuses('download_truncated', server => {
    offering(build)(server);
    server.onApk = (_, response) => {
      response.writeHead(200, { 'transfer-encoding': 'chunked' });
      response.end(build.apk.subarray(0, 100));
    };
  });
});

test('an endless download that goes silent', () => {
  const build = buildOf(42);
  return refuses(
    'timeout',
    server => {
      offering(build)(server);
      server.onApk = (_, response) => {
        response.writeHead(200, { 'content-length': build.apk.length });
        response.write(build.apk.subarray(0, 100));
      };
    },
    { stallTimeoutMs: 40 },
  );
});

test('an endless download that drips', () =>
  withAgent({ idle: true }, async scene => {
    const { server, agent, clock } = scene;
    const build = buildOf(42);
    server.offer = build;
    server.onApk = (_, response) => {
      response.writeHead(200, { 'content-length': build.apk.length });
      let sent = 0;
      const drip = setInterval(() => {
        // A minute passes between two bytes.
        clock.advance(61_000);
        response.write(build.apk.subarray(sent, sent + 1));
        sent += 1;
      }, 2);
      response.on('close', () => clearInterval(drip));
    };
    await agent.start();
    await agent.settled();
    await pass(scene, 30 * 60_000);
    assertRefused(scene, 'timeout');
  }));

for (const field of Object.keys(manifestOf(buildOf(42), '')))
  test(`a manifest with a missing field: ${field}`, () =>
    withAgent({ prepare: offering(buildOf(42), { [field]: undefined }) }, async scene => {
      if (field === 'build_id') {
        // Nothing to name in a report: the log alone tells.
        assert.is(scene.server.reports().length, 0);
        assert.is(scene.device.image.installCalls, 0);
        assert.is(scene.agent.state.phase.name, 'idle');
      } else assertRefused(scene, 'manifest_invalid');
      assert.ok(
        scene.events.some(
          e => e.type === 'ota.verify.fail' && e.reason === 'manifest_invalid' && e.detail.includes(field),
        ),
      );
      assert.is(scene.server.downloads().length, 0);
    }));

test('a manifest with an extra field', () =>
  refuses('manifest_invalid', offering(buildOf(42), { delta_url: 'https://example.com/patch' })));

for (const [field, value] of Object.entries({
  build_id: '../b42',
  version_code: '42',
  version_name: '',
  sha256: 'A'.repeat(64),
  signer_fingerprint: 'AA:BB',
  size_bytes: 0,
  staged_rollout_percent: 101,
  eligible_by: 'luck',
  min_battery_percent: -1,
  deadline_s: '72h',
}))
  test(`a manifest with a wrong value: ${field}`, () =>
    withAgent({ prepare: offering(buildOf(42), { [field]: value }) }, async ({ server, device, agent }) => {
      assert.is(device.image.installCalls + server.downloads().length, 0);
      assert.is(agent.state.phase.name, 'idle');
    }));

test('a manifest that is not JSON, or has 10 MB', async () => {
  for (const body of ['<html>', 'x'.repeat(10_000_000)])
    await withAgent(
      {
        prepare: server => {
          server.onCheck = (_, response) =>
            response.writeHead(200, { 'content-type': 'application/json' }).end(body);
        },
      },
      async ({ device, agent, typesOf }) => {
        assert.is(device.image.installCalls, 0);
        assert.equal(typesOf('ota.verify'), ['ota.verify.fail']);
        assert.is(agent.state.phase.name, 'idle');
      },
    );
});

/** A stranger's server: what arrives there must not be our token. */
async function withStranger(run: (origin: string, seen: string[]) => Promise<void>): Promise<void> {
  const seen: string[] = [];
  const stranger = createServer((request, response) => {
    seen.push(`${request.url} ${request.headers.authorization ?? ''}`);
    response.end(buildOf(42).apk);
  });
  await new Promise<void>(resolve => stranger.listen(0, '127.0.0.1', resolve));
  try {
    await run(`http://127.0.0.1:${(stranger.address() as AddressInfo).port}`, seen);
  } finally {
    stranger.closeAllConnections();
    await new Promise(resolve => stranger.close(resolve));
  }
}

test('a url on another host', () =>
  withStranger(async (origin, seen) => {
    await refuses('url_refused', offering(buildOf(42), { url: `${origin}/v1/agent/builds/b42/apk` }));
    assert.equal(seen, []);
  }));

for (const url of [
  'http://example.com/a.apk',
  'ftp://127.0.0.1/a.apk',
  'file:///etc/passwd',
  'https://u:p@example.com/',
  'apk',
])
  test(`a url that is plain http or worse: ${url}`, () =>
    refuses('url_refused', offering(buildOf(42), { url })));

test('a redirect to another host takes neither the agent nor its token there', () =>
  withStranger(async (origin, seen) => {
    await refuses('url_refused', server => {
      offering(buildOf(42))(server);
      server.onApk = (_, response) => response.writeHead(302, { location: `${origin}/a.apk` }).end();
    });
    assert.equal(seen, []);
  }));

test('a redirect of a download that leads back to the controller, or to no URL', () =>
  refuses(
    'url_refused',
    server => {
      offering(buildOf(42))(server);
      server.onApk = (seen, response) => response.writeHead(307, { location: seen.path }).end();
    },
    {},
    ({ server }) => assert.is(server.downloads().length, 1),
  ));

test('a redirected check does not count as an answer', () =>
  withAgent(
    {
      prepare: server => {
        server.onCheck = (_, response) => response.writeHead(302, { location: 'https://example.com/' }).end();
      },
    },
    async ({ typesOf, agent }) => {
      assert.equal(typesOf(), ['ota.check', 'ota.check.fail']);
      assert.is(agent.state.phase.name, 'idle');
    },
  ));

const PROMISED = 40 * 1024 * 1024;
const FOUR_GB = 4 * 1024 ** 3;

test('40 MB promised and 4 GB sent', () => {
  let sent = 0;
  return refuses(
    'size_mismatch',
    server => {
      offering(buildOf(42), { size_bytes: PROMISED })(server);
      server.onApk = (_, response) => {
        response.writeHead(200, { 'transfer-encoding': 'chunked' });
        const chunk = Buffer.alloc(1024 * 1024);
        const more = () => {
          while (sent < FOUR_GB && !response.destroyed) {
            sent += chunk.length;
            if (!response.write(chunk)) return void response.once('drain', more);
          }
        };
        more();
      };
    },
    {},
    () => assert.ok(sent < 2 * PROMISED, `${sent} bytes were taken`),
  );
});

test('40 MB promised and 4 GB announced', () =>
  refuses('size_mismatch', server => {
    offering(buildOf(42), { size_bytes: PROMISED })(server);
    server.onApk = (_, response) => {
      response.writeHead(200, { 'content-length': FOUR_GB });
      response.write(Buffer.alloc(1024));
    };
  }));

test('a compressed body is refused', () =>
  refuses('size_mismatch', server => {
    offering(buildOf(42))(server);
    server.onApk = (_, response) =>
      response.writeHead(200, { 'content-encoding': 'gzip' }).end(Buffer.alloc(64));
  }));

test('a clock that jumps a year opens no deadline', () =>
  withAgent(
    {
      prepare: offering(buildOf(42), { must_install: true, deadline_s: 72 * 3600 }),
      device: { conditions: { unmeteredWifi: false } },
    },
    async scene => {
      const { clock, device, agent } = scene;
      clock.jump(365 * 24 * HOUR_MS);
      await pass(scene, 10 * 60_000);
      assert.is(device.image.installCalls, 0);
      assert.is(agent.state.phase.name, 'deferred');
      await scene.restart();
      assert.is(
        device.image.installCalls,
        0,
        'nor after a restart, which knows the time from the controller',
      );
      device.set({ unmeteredWifi: true });
      await agent.settled();
      await scene.agent.settled();
      assert.is(device.image.installed.versionCode, 42);
    },
  ));

test('a clock that jumps back a year makes no old nudge fresh', () =>
  withAgent({}, async ({ clock, agent, server, events }) => {
    const issuedAtMs = clock.wallMs() - 365 * 24 * HOUR_MS;
    clock.jump(-365 * 24 * HOUR_MS);
    agent.receive(signNudge(NUDGE_KEY, DEVICE_ID, { buildId: 'b42', requestId: 'old-request', issuedAtMs }));
    await agent.settled();
    assert.equal(
      events.filter(e => e.type === 'ota.nudge.ignored').map(e => 'code' in e && e.code),
      ['stale'],
    );
    assert.is(server.checks().length, 1);
  }));

test('a clock that jumps a year stops no poll', () =>
  withAgent({}, async scene => {
    for (const jumpMs of [365 * 24 * HOUR_MS, -730 * 24 * HOUR_MS]) {
      scene.clock.jump(jumpMs);
      const before = scene.server.checks().length;
      await pass(scene, 7 * HOUR_MS, HOUR_MS);
      assert.is(scene.server.checks().length, before + 1);
    }
  }));

test('a full disk: no room for the APK', () =>
  refuses('storage', offering(buildOf(42)), { files: new MemoryApks(1000) }, ({ server }) =>
    assert.is(server.downloads().length, 0, 'asked for no byte that would not fit'),
  ));

test('a full disk in the middle of the download', async () => {
  const files = new MemoryApks(1000);
  files.freeBytes = async () => undefined;
  const build = buildOf(42);
  await refuses('storage', offering(build), { files });
  assert.is(await files.of(String(manifestOf(build, '').sha256)).size(), 0);
});

test('a full disk: without saved state there is no effect; the agent goes on when there is space', async () => {
  let full = false;
  const saved: unknown[] = [];
  const store = {
    load: async () => ({ kind: 'none' }) as const,
    save: async (state: unknown) => {
      if (full) throw new Fault('disk_full', 'no space left on the device', { retry: 'backoff' });
      saved.push(state);
    },
  };
  await withAgent({ store }, async scene => {
    full = true;
    scene.server.offer = buildOf(42);
    scene.agent.poll();
    await scene.agent.settled();
    assert.is(scene.server.checks().length, 1, 'only the check before the disk was full');
    full = false;
    await pass(scene, 60_000);
    assert.is(scene.device.image.installed.versionCode, 42);
    assert.ok(scene.typesOf().includes('ota.state.fail'));
  });
});

test.run();
