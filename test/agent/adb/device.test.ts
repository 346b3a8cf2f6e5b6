import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { AdbDevice } from '../../../agent/adb/device.ts';
import { Agent } from '../../../agent/agent.ts';
import { virtualClock } from '../../../agent/clock.ts';
import { controllerUrl } from '../../../agent/http/origin.ts';
import { seededRandom } from '../../../agent/random.ts';
import { ApkFolder } from '../../../agent/store/apk-folder.ts';
import { MemoryCredentials } from '../../../agent/store/credentials.ts';
import { MemoryState } from '../../../agent/store/memory.ts';
import { faultCode } from '../../../controller/domain/fault.ts';
import { BATTERIES, CALLS, NETWORKS } from '../../support/agent/adb/replays.ts';
import { makeStandIn, type StandIn } from '../../support/agent/adb/stand-in.ts';
import { withAgentProcess } from '../../support/agent/agent-process.ts';
import { startProtocolServer, TOKEN } from '../../support/agent/protocol-server.ts';
import { buildOf, key, NUDGE_KEY, otherKey, PACKAGE } from '../../support/agent/with-agent.ts';
import { fingerprintOf, makeApk } from '../../support/apk/index.ts';
import { withFolder } from '../../support/folder.ts';

const textOf = <T>(replays: readonly { means: T; text: string }[], means: (value: T) => boolean): string =>
  replays.find(r => means(r.means))?.text ?? '';

async function withDevice(
  run: (device: AdbDevice, adb: StandIn, folder: string) => Promise<void>,
): Promise<void> {
  await withFolder(async folder => {
    const installed = { apk: makeApk({ key, versionCode: 41, package: PACKAGE }), versionCode: 41 };
    const adb = await makeStandIn(folder, { package: PACKAGE, sdk: 33, installed, nextVersion: 42 });
    await adb.answer(
      'dumpsys battery',
      textOf(BATTERIES, m => m.charging === true),
    );
    await adb.answer(
      'dumpsys telephony.registry',
      textOf(CALLS, m => m === false),
    );
    await adb.answer(
      'dumpsys connectivity',
      textOf(NETWORKS, m => m === true),
    );
    const { adbPath, serial } = adb;
    await run(
      new AdbDevice({ adbPath, serial, package: PACKAGE, service: `${PACKAGE}/.AgentService` }),
      adb,
      folder,
    );
  });
}

test('conditions are read from the dumps', () =>
  withDevice(async device => {
    assert.equal(await device.conditions(), {
      unmeteredWifi: true,
      batteryPercent: 84,
      charging: true,
      inCall: false,
    });
  }));

test('a device that went away has unknown conditions, and its package cannot be asked', () =>
  withDevice(async (device, adb) => {
    for (const error of [
      "error: device 'STANDIN0001' not found",
      'error: device offline',
      'error: device unauthorized.',
      'error: closed',
    ]) {
      await adb.disconnect(error);
      assert.equal(await device.conditions(), {
        unmeteredWifi: undefined,
        batteryPercent: undefined,
        charging: undefined,
        inCall: undefined,
      });
      assert.is(await device.installed().then(() => 'read', faultCode), 'adb_unreachable');
    }
  }));

test('a missing adb is reported as such', () =>
  withDevice(async (_, { serial }) => {
    const device = new AdbDevice({ adbPath: '/nonexistent/adb', serial, package: PACKAGE });
    assert.is(await device.conditions().then(() => 'read', faultCode), 'adb_missing');
  }));

test('a device without a modem is in no call; one whose dump fails is unknown', () =>
  withDevice(async (device, adb) => {
    await adb.answer('dumpsys telephony.registry', "Can't find service: telephony.registry\n");
    assert.is((await device.conditions()).inCall, undefined);
    await adb.answer('pm list features', 'feature:android.hardware.wifi\n');
    assert.is((await device.conditions()).inCall, false);
    await adb.answer('pm list features', 'feature:android.hardware.telephony\n');
    assert.is((await device.conditions()).inCall, undefined);
  }));

test('the installed signer is that of the pulled and verified base.apk', () =>
  withDevice(async (device, adb) => {
    assert.equal(await device.installed(), {
      package: PACKAGE,
      versionCode: 41,
      sdk: 33,
      buildId: undefined,
      signer: fingerprintOf(key),
    });
    await device.installed();
    assert.is((await adb.calls()).filter(call => call[2] === 'pull').length, 1, 'pulled once for a version');
  }));

test('a base.apk that is not what dumpsys says has no signer', () =>
  withFolder(async folder => {
    const installed = { apk: makeApk({ key, versionCode: 40, package: PACKAGE }), versionCode: 41 };
    const { adbPath, serial } = await makeStandIn(folder, {
      package: PACKAGE,
      sdk: 33,
      installed,
      nextVersion: 42,
    });
    assert.is((await new AdbDevice({ adbPath, serial, package: PACKAGE }).installed()).signer, undefined);
  }));

test('a package that is not installed has version 0', () =>
  withDevice(async (device, adb) => {
    await adb.answer(`dumpsys package ${PACKAGE}`, `Dexopt state:\n  Unable to find package: ${PACKAGE}\n`);
    assert.is((await device.installed()).versionCode, 0);
  }));

/** The whole agent over the stand-in. */
async function update(
  adb: StandIn,
  device: AdbDevice,
  folder: string,
  build = buildOf(42),
  manifest = {},
): Promise<Record<string, unknown>[]> {
  const server = await startProtocolServer();
  server.offer = build;
  server.manifest = manifest;
  const agent = new Agent({
    deviceId: adb.serial,
    controller: controllerUrl(server.url),
    credentials: new MemoryCredentials({ token: TOKEN, nudgeKey: NUDGE_KEY }),
    clock: virtualClock(Date.now()),
    random: seededRandom(3),
    platform: device,
    files: new ApkFolder(`${folder}/downloads`),
    store: new MemoryState(),
    observe: () => {},
  });
  try {
    await agent.start();
    await agent.settled();
    return server.reports();
  } finally {
    agent.kill();
    await server.close();
  }
}

test('an update: pushed, installed with pm install -r, its service started, nothing left behind', () =>
  withDevice(async (device, adb, folder) => {
    const reports = await update(adb, device, folder);
    assert.equal(
      reports.map(r => [r.outcome, r.version_code]),
      [['ok', 42]],
    );
    const shells = (await adb.calls()).filter(call => call[2] === 'shell').map(call => call[3] ?? '');
    const install = shells.find(command => command.startsWith('pm install'));
    assert.match(install ?? '', /^pm install -r \/data\/local\/tmp\/[0-9a-f]{64}\.apk$/);
    assert.ok(shells.includes(`am start-foreground-service -n ${PACKAGE}/.AgentService`));
    assert.ok(shells.some(command => command.startsWith('rm -f /data/local/tmp/')));
    assert.ok((await adb.calls()).every(call => call[0] === '-s' && call[1] === adb.serial));
  }));

test('a forced downgrade asks with -d, and a refusal is downgrade_refused', () =>
  withDevice(async (device, adb, folder) => {
    await adb.failInstall(
      'Failure [INSTALL_FAILED_VERSION_DOWNGRADE: Downgrade detected: Update version code 40 is older than current 41]\n',
    );
    const reports = await update(adb, device, folder, buildOf(40), { force_downgrade: true });
    assert.equal(
      reports.map(r => [r.outcome, r.reason]),
      [['fail', 'downgrade_refused']],
    );
    assert.ok((await adb.calls()).some(call => call[3]?.startsWith('pm install -r -d ') === true));
  }));

test('an installed agent of another signer is never replaced', () =>
  withFolder(async folder => {
    const installed = { apk: makeApk({ key: otherKey, versionCode: 41, package: PACKAGE }), versionCode: 41 };
    const adb = await makeStandIn(folder, { package: PACKAGE, sdk: 33, installed, nextVersion: 42 });
    await adb.answer(
      'dumpsys battery',
      textOf(BATTERIES, m => m.charging === true),
    );
    await adb.answer(
      'dumpsys telephony.registry',
      textOf(CALLS, m => m === false),
    );
    await adb.answer(
      'dumpsys connectivity',
      textOf(NETWORKS, m => m === true),
    );
    const device = new AdbDevice({ adbPath: adb.adbPath, serial: adb.serial, package: PACKAGE });
    const reports = await update(adb, device, folder);
    assert.equal(
      reports.map(r => [r.outcome, r.reason]),
      [['fail', 'signer_mismatch']],
    );
    assert.not.ok((await adb.calls()).some(call => call[2] === 'push'));
  }));

test('a full device is reported as storage', () =>
  withDevice(async (device, adb, folder) => {
    await adb.failInstall('Failure [INSTALL_FAILED_INSUFFICIENT_STORAGE]\n');
    const reports = await update(adb, device, folder);
    assert.equal(
      reports.map(r => [r.outcome, r.reason]),
      [['fail', 'storage']],
    );
  }));

test('ota-agent run --adb SERIAL --once updates a device and ends with 0', () =>
  withDevice(async (_, adb) => {
    const server = await startProtocolServer();
    server.offer = buildOf(42);
    try {
      const args = ['--adb', adb.serial, '--adb-path', adb.adbPath, '--once'];
      await withAgentProcess(
        { url: server.url, deviceId: adb.serial, token: TOKEN, nudgeKey: NUDGE_KEY, args },
        async agent => {
          assert.is(await agent.exit(), 0, agent.errors.join(''));
          assert.equal(
            server.reports().map(r => [r.outcome, r.version_code]),
            [['ok', 42]],
          );
        },
      );
      await adb.disconnect("error: device 'STANDIN0001' not found");
      await withAgentProcess(
        { url: server.url, deviceId: adb.serial, token: TOKEN, nudgeKey: NUDGE_KEY, args },
        async agent => {
          assert.is(await agent.exit(), 2);
          assert.match(agent.errors.join(''), /adb_unreachable/);
        },
      );
    } finally {
      await server.close();
    }
  }));

test('a pull that failed once is tried again, and its failure is not remembered', () =>
  withDevice(async (device, adb) => {
    await adb.failVerb('pull', 'adb: error: failed to copy');
    assert.is((await device.installed()).signer, undefined);
    await adb.failVerb('pull', undefined);
    assert.is((await device.installed()).signer, fingerprintOf(key));
  }));

test('what adb itself says does not make the device unreadable', () =>
  withDevice(async (device, adb) => {
    await adb.notice('* daemon not running; starting now at tcp:5037\n* daemon started successfully\n');
    assert.is((await device.installed()).sdk, 33);
    assert.is((await device.conditions()).batteryPercent, 84);
  }));

test('messages of an old adb on standard output do not either', () =>
  withDevice(async (device, adb) => {
    await adb.answer(
      'getprop ro.build.version.sdk',
      '* daemon not running. starting it now on port 5037 *\n* daemon started successfully *\n33\n',
    );
    assert.is((await device.installed()).sdk, 33);
  }));

const apkAt = async (folder: string) => {
  const file = new ApkFolder(folder).of('a'.repeat(64));
  await file.append(makeApk({ key, versionCode: 42, package: PACKAGE }));
  await file.close();
  return file;
};

test('an interrupted push does not count as a result of the install', () =>
  withDevice(async (device, adb, folder) => {
    await adb.failVerb('push', 'adb: error: failed to read copy response');
    const installing = device.install(await apkAt(folder), { downgrade: false });
    assert.is(await installing.then(() => 'answered', faultCode), 'adb_push_failed');
  }));

test('after an install without an answer the version that runs afterwards decides', () =>
  withDevice(async (device, adb, folder) => {
    await adb.failInstall('');
    const installing = device.install(await apkAt(folder), { downgrade: false });
    assert.is(await installing.then(() => 'answered', faultCode), 'install_unanswered');
  }));

test('no room for the push is a result', () =>
  withDevice(async (device, adb, folder) => {
    await adb.failVerb('push', 'adb: error: failed to copy: remote write failed: No space left on device');
    const result = await device.install(await apkAt(folder), { downgrade: false });
    assert.is(result.ok === false && result.code, 'INSTALL_FAILED_INSUFFICIENT_STORAGE');
  }));

test.run();
