import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { failInstalls } from '../../../agent/fleet/population.ts';
import type { ApkFile } from '../../../agent/ports.ts';
import { SimulatedDevice } from '../../../agent/simulated/device.ts';
import { bufferReader } from '../../../controller/apk/index.ts';
import { fingerprintOf, makeApk, testKey } from '../../support/apk/index.ts';

const APK = makeApk({ versionCode: 42, key: testKey() });
const file: ApkFile = {
  path: undefined,
  size: async () => APK.length,
  append: async () => undefined,
  truncate: async () => undefined,
  close: async () => undefined,
  open: async () => ({ ...bufferReader(APK), close: async () => undefined }),
};

const aDevice = () =>
  new SimulatedDevice({
    image: {
      installed: {
        package: 'com.nexmdm.agent',
        versionCode: 41,
        signer: fingerprintOf(testKey()),
        sha256: '0'.repeat(64),
      },
      sdk: 33,
      installCalls: 0,
    },
  });

async function failuresOf(share: number, installs: number): Promise<number> {
  let failed = 0;
  for (let i = 0; i < installs; i++) {
    const device = aDevice();
    failInstalls(device, `d-${i}`, { wifi: 1, plugged: 1, calls: 0, installFailures: share, dies: 0 }, 7);
    if (!(await device.install(file, { downgrade: false })).ok) failed += 1;
  }
  return failed;
}

test('the share of failing installs is a share of installs', async () => {
  assert.is(await failuresOf(0, 60), 0);
  assert.is(await failuresOf(1, 60), 60);
  const some = await failuresOf(0.25, 400);
  assert.ok(some > 70 && some < 130, `${some} of 400`);
});

test('a fault that was asked for comes before one that is drawn', async () => {
  const device = aDevice();
  device.drawFaults(() => ({ code: 'INSTALL_FAILED_INTERNAL_ERROR' }));
  device.failInstall({ code: 'INSTALL_FAILED_ABORTED' });
  const codes = [];
  for (let i = 0; i < 2; i++) {
    const result = await device.install(file, { downgrade: false });
    codes.push(result.ok ? 'ok' : result.code);
  }
  assert.equal(codes, ['INSTALL_FAILED_ABORTED', 'INSTALL_FAILED_INTERNAL_ERROR']);
});

test.run();
