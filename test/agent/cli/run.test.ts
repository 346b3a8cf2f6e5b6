import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { signNudge } from '../../../controller/domain/nudge/message.ts';
import { poll, withAgentProcess } from '../../support/agent/agent-process.ts';
import { type ProtocolServer, startProtocolServer, TOKEN } from '../../support/agent/protocol-server.ts';
import { buildOf, DEVICE_ID, key, NUDGE_KEY } from '../../support/agent/with-agent.ts';
import { fingerprintOf } from '../../support/apk/index.ts';
import { withFolder } from '../../support/folder.ts';
import { agentProgram } from '../../support/programs.ts';

const DEVICE = ['--simulated', '--version-code', '41', '--signer', fingerprintOf(key)];

async function withServer(run: (server: ProtocolServer) => Promise<void>): Promise<void> {
  const server = await startProtocolServer();
  try {
    await run(server);
  } finally {
    await server.close();
  }
}

const options = (server: ProtocolServer, ...args: string[]) => ({
  url: server.url,
  deviceId: DEVICE_ID,
  token: TOKEN,
  nudgeKey: NUDGE_KEY,
  args: [...DEVICE, ...args],
});

test('run --simulated --once installs, reports and ends with 0', () =>
  withServer(async server => {
    server.offer = buildOf(42);
    await withAgentProcess(options(server, '--once'), async agent => {
      assert.is(await agent.exit(), 0);
      assert.equal(
        server.reports().map(r => r.outcome),
        ['ok'],
      );
      assert.ok(agent.lines.every(line => line.device_id === DEVICE_ID && typeof line.at === 'string'));
      assert.not.ok(JSON.stringify(agent.lines).includes(TOKEN));
    });
  }));

test('run --simulated --once ends with 1 when the attempt failed', () =>
  withServer(async server => {
    server.offer = buildOf(42);
    server.manifest = { sha256: '0'.repeat(64) };
    await withAgentProcess(options(server, '--once'), async agent => {
      assert.is(await agent.exit(), 1);
    });
  }));

test('run --simulated --once ends with 1 when the check failed', () =>
  withServer(async server => {
    server.onCheck = (_, response) => response.writeHead(500).end();
    await withAgentProcess(options(server, '--once'), async agent => {
      assert.is(await agent.exit(), 1);
    });
  }));

test('run --simulated --once exits 1 if the manifest is invalid', () =>
  withServer(async server => {
    server.offer = buildOf(42);
    server.manifest = { url: 7 };
    await withAgentProcess(options(server, '--once'), async agent => {
      assert.is(await agent.exit(), 1);
    });
  }));

test('run --simulated --once ends with 0 when there is nothing to do', () =>
  withServer(async server => {
    await withAgentProcess(options(server, '--once'), async agent => {
      assert.is(await agent.exit(), 0);
    });
  }));

test('--metrics-file holds the counters as Prometheus reads them, at the end too', () =>
  withFolder(folder =>
    withServer(async server => {
      const file = path.join(folder, 'agent.prom');
      server.offer = buildOf(42);
      await withAgentProcess(options(server, '--once', '--metrics-file', file), async agent => {
        assert.is(await agent.exit(), 0);
        const text = await readFile(file, 'utf8');
        const counted = (event: string) =>
          new RegExp(
            `^ota_agent_events_total\\{device_id="${DEVICE_ID}",event="${event}"\\} (\\d+)$`,
            'm',
          ).exec(text)?.[1];
        assert.is(counted('ota.install.ok'), '1');
        assert.is(counted('ota.report'), '1');
        assert.is(counted('ota.check'), '1');
        assert.match(text, /^# TYPE ota_agent_events_total counter$/m);
        assert.not.ok(text.includes(TOKEN));
        assert.equal(await readdir(folder), ['agent.prom']);
      });
    }),
  ));

test('SIGTERM ends it normally: the counters are written', () =>
  withFolder(folder =>
    withServer(async server => {
      const file = path.join(folder, 'agent.prom');
      await withAgentProcess(options(server, '--metrics-file', file), async agent => {
        await agent.until('ota.hold');
        const gone = agent.exit();
        await agent.kill('SIGTERM');
        assert.is(await gone, 0);
        assert.match(await readFile(file, 'utf8'), /event="ota\.hold"\} 1/);
      });
    }),
  ));

test('--metrics-file that cannot be written: exit code 2 and the reason', () =>
  withServer(async server => {
    await withAgentProcess(options(server, '--metrics-file', '/nonexistent/agent.prom'), async agent => {
      assert.is(await agent.exit(), 2);
      assert.match(agent.errors.join(''), /cannot write the metrics file/);
    });
  }));

test('standard input takes nudges, conditions and an end', () =>
  withServer(server =>
    withAgentProcess(options(server, '--no-wifi'), async agent => {
      await agent.until('ota.hold');
      server.offer = buildOf(42);
      agent.tell({
        nudge: signNudge(NUDGE_KEY, DEVICE_ID, {
          buildId: 'b42',
          requestId: 'from-stdin-1',
          issuedAtMs: Date.now(),
        }),
      });
      await agent.until('ota.defer.wifi');
      agent.tell({ conditions: { unmetered_wifi: true } });
      const line = await agent.until('ota.install.ok');
      assert.is(line.request_id, 'from-stdin-1');
      agent.tell({ nonsense: true });
      await poll('a complaint', () =>
        agent.errors.join('').includes('line 3: not a command') ? true : undefined,
      );
      agent.tell({ stop: true });
      assert.is(await agent.exit(), 0);
    }),
  ));

test('SIGKILL in the download, and the next process goes on from its last byte', () =>
  withServer(async server => {
    const build = buildOf(42);
    server.offer = build;
    server.onApk = (_, response) => {
      response.writeHead(200, { 'content-length': build.apk.length });
      response.write(build.apk.subarray(0, 900));
    };
    await withAgentProcess(options(server), async agent => {
      await agent.until('ota.download.start');
      await new Promise(resolve => setTimeout(resolve, 100));
      await agent.kill('SIGKILL');
      server.onApk = undefined;
      agent.start();
      await agent.until('ota.install.ok');
      assert.is(server.downloads()[1]?.headers.range, 'bytes=900-');
      assert.is(
        server.downloads()[1]?.headers['ota-request-id'],
        server.downloads()[0]?.headers['ota-request-id'],
      );
    });
  }));

test('--die-on-update ends with 75 at the replacement, and the next process reports', () =>
  withServer(async server => {
    server.offer = buildOf(42);
    await withAgentProcess(options(server, '--die-on-update'), async agent => {
      assert.is(await agent.exit(), 75);
      assert.equal(server.reports(), []);
      agent.start();
      await agent.until('ota.report');
      assert.equal(
        server.reports().map(r => [r.outcome, r.version_code]),
        [['ok', 42]],
      );
      await agent.kill();
    });
  }));

const WRONG: [string, string[], RegExp][] = [
  ['no device', ['run', '--state', '/tmp/none'], /--simulated or --adb SERIAL/],
  [
    'a token in the arguments',
    ['run', '--token', 'v1.k.d.1.x', '--state', '/tmp/none'],
    /--token is not an option/,
  ],
  [
    'plain http',
    ['run', '--simulated', '--state', '/tmp/none', '--url', 'http://example.com', '--device', 'a'],
    /use https/,
  ],
  [
    'no token',
    ['run', '--simulated', '--state', '/tmp/none', '--url', 'http://127.0.0.1:1', '--device', 'a'],
    /--token-file/,
  ],
  ['a device id with a space', ['run', '--simulated', '--state', '/tmp/none', '--device', 'a b'], /1 to 64/],
  ['an unknown verb', ['walk'], /unknown command/],
];
for (const [name, args, message] of WRONG)
  test(`${name}: exit code 2 and a text that says what to do`, async () => {
    const { spawnSync } = await import('node:child_process');
    const { status, stderr } = spawnSync(process.execPath, [agentProgram(), ...args], {
      encoding: 'utf8',
      env: { PATH: process.env.PATH },
    });
    assert.is(status, 2);
    assert.match(stderr, message);
    assert.not.match(stderr, /v1\.k\.d/);
    assert.not.match(stderr, /\n {4}at /);
  });

test('help of every verb has examples', async () => {
  const { spawnSync } = await import('node:child_process');
  for (const verb of ['run', 'fleet', 'conform']) {
    const { status, stdout } = spawnSync(process.execPath, [agentProgram(), verb, '--help'], {
      encoding: 'utf8',
    });
    assert.is(status, 0);
    assert.match(stdout, /Examples:/);
  }
});

test.run();
