import { spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { FleetSummary } from '../../../agent/fleet/fleet.ts';
import { type ProtocolServer, startProtocolServer, TOKEN } from '../../support/agent/protocol-server.ts';
import { buildOf, key } from '../../support/agent/with-agent.ts';
import { fingerprintOf } from '../../support/apk/index.ts';
import { withController } from '../../support/controller.ts';
import { withFolder } from '../../support/folder.ts';
import { agentProgram } from '../../support/programs.ts';

interface Ended {
  readonly status: number | null;
  readonly out: string;
  readonly err: string;
}

function fleetVerb(
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<Ended> {
  return new Promise(resolve => {
    const child = spawn(process.execPath, [agentProgram(), 'fleet', ...args], {
      env: { PATH: process.env.PATH, ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let out = '';
    let err = '';
    child.stdout.on('data', chunk => (out += String(chunk)));
    child.stderr.on('data', chunk => (err += String(chunk)));
    child.on('close', status => resolve({ status, out, err }));
  });
}

const SIGNER = ['--version-code', '41', '--signer', fingerprintOf(key)];

async function withFleetFile(
  count: number,
  run: (server: ProtocolServer, file: string) => Promise<void>,
): Promise<void> {
  const server = await startProtocolServer();
  server.offer = buildOf(42);
  try {
    await withFolder(async folder => {
      const file = path.join(folder, 'fleet.json');
      const devices = Array.from({ length: count }, (_, n) => ({ device_id: `d-${n}`, token: TOKEN }));
      await writeFile(file, JSON.stringify({ created: count, devices }));
      await run(server, file);
    });
  } finally {
    await server.close();
  }
}

test('a fleet is deterministic for a seed, whatever the interleaving', () =>
  withFleetFile(120, async (server, file) => {
    const run = async (seed: string) => {
      const { status, out, err } = await fleetVerb([
        '--url',
        server.url,
        '--credentials',
        file,
        '--seed',
        seed,
        '--json',
        '--devices',
        '120',
        ...SIGNER,
      ]);
      assert.is(status, 0, err);
      return JSON.parse(out) as FleetSummary;
    };
    const first = await run('7');
    const { results, phases, running } = await run('7');
    assert.equal(
      { results, phases, running },
      { results: first.results, phases: first.phases, running: first.running },
    );
    assert.is(first.devices, 120);
    assert.ok((first.phases.deferred ?? 0) > 20, 'some wait for Wi-Fi or power');
    const failed = first.results['fail/install_failed'] ?? 0;
    assert.is(first.installs + failed + (first.phases.deferred ?? 0), 120);
    assert.not.equal((await run('8')).phases, first.phases);
  }));

test('a fleet lives in scaled time: those who waited install when their conditions change', () =>
  withFleetFile(40, async (server, file) => {
    const args = [
      '--url',
      server.url,
      '--credentials',
      file,
      '--seed',
      '7',
      '--json',
      '--for',
      '2d',
      '--scale',
      '60000',
      ...SIGNER,
    ];
    const { status, out, err } = await fleetVerb(args);
    assert.is(status, 0, err);
    const summary = JSON.parse(out) as FleetSummary;
    assert.ok((summary.running[42] ?? 0) > 36, out);
    assert.ok(summary.checks > 40);
  }));

test('a fleet is enrolled on the spot with an operator’s token, and the summary is a table', () =>
  withController(async journey => {
    await journey.merge(100);
    const { build } = journey.builds.b41;
    const common = [
      '--url',
      journey.url,
      '--devices',
      '25',
      '--package',
      build.package,
      '--version-code',
      '41',
      '--signer',
      build.signerFingerprint,
    ];
    const calm = ['--wifi', '1', '--plugged', '1', '--calls', '0', '--install-failures', '0'];
    const { status, out, err } = await fleetVerb([...common, ...calm], {
      OTA_ADMIN_TOKEN: journey.adminToken,
    });
    assert.is(status, 0, err);
    assert.match(out, /running version 42 +25\n/);
    assert.match(out, /ok\/installed +25\n/);
    assert.is(await journey.metric('ota_installs_total', { outcome: 'ok' }), 25);
    const again = await fleetVerb([...common, ...calm], { OTA_ADMIN_TOKEN: journey.adminToken });
    assert.is(again.status, 2);
    assert.match(again.err, /use another --prefix/);
    assert.not.ok((out + err + again.err).includes(journey.adminToken));
  }));

test('ids that are already enrolled are reported before anything changes', () =>
  withController(async journey => {
    await journey.merge(100);
    await journey.enrol(['sim-1'], ['qa']);
    const { build } = journey.builds.b41;
    const device = ['--package', build.package, '--version-code', '41', '--signer', build.signerFingerprint];
    const { status, err } = await fleetVerb(['--url', journey.url, '--devices', '3', ...device], {
      OTA_ADMIN_TOKEN: journey.adminToken,
    });
    assert.is(status, 2);
    assert.match(err, /enrolment_known/);
    assert.match(err, /sim-1/);
    const listed = await journey.admin('GET', '/v1/devices');
    const { devices } = listed.json as { devices: { device_id: string; tags: string[] }[] };
    assert.equal(
      devices.map(({ device_id, tags }) => [device_id, tags]),
      [['sim-1', ['qa']]],
    );
  }));

test('--install-failures counts from the first install on', () =>
  withFleetFile(20, async (server, file) => {
    const all = ['--wifi', '1', '--plugged', '1', '--calls', '0', '--dies', '0', '--install-failures', '1'];
    const { status, out, err } = await fleetVerb([
      '--url',
      server.url,
      '--credentials',
      file,
      '--json',
      ...all,
      ...SIGNER,
    ]);
    assert.is(status, 0, err);
    const summary = JSON.parse(out) as FleetSummary;
    assert.is(summary.installs, 0);
    assert.is(summary.results['fail/install_failed'], 20);
  }));

test('an unreachable controller is reported in words, and refused checks are listed in the table', () =>
  withController(async journey => {
    const admin = { OTA_ADMIN_TOKEN: journey.adminToken };
    const away = await fleetVerb(['--url', 'http://127.0.0.1:1', ...SIGNER], admin);
    assert.is(away.status, 2);
    assert.match(
      away.err,
      /^error: cannot reach the controller at http:\/\/127\.0\.0\.1:1\/: nothing listens there .*\[controller_unreachable\]\n {2}check that the controller is running and that --url is right\n$/,
    );
    const other = await fleetVerb(['--url', journey.url, ...SIGNER], { OTA_ADMIN_TOKEN: 'of-another' });
    assert.match(other.err, /answered 401 .*check that OTA_ADMIN_TOKEN belongs to this controller/s);
    const file = path.join(journey.folder, 'fleet.json');
    await writeFile(file, JSON.stringify([{ device_id: 'kiosk-1', token: 'of-another' }]));
    const refused = await fleetVerb(['--url', journey.url, '--credentials', file, ...SIGNER]);
    assert.match(refused.out, /^ {2}failed http_401 +1$/m, refused.out + refused.err);
  }));

test('no credentials: exit code 2 and a text that says what to do', async () => {
  const { status, err } = await fleetVerb(['--url', 'http://127.0.0.1:1', ...SIGNER]);
  assert.is(status, 2);
  assert.match(err, /--credentials FILE/);
});

test.run();
