import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { adoptionOf } from '../../controller/domain/adoption.ts';

const B42 = { buildId: 'b42', versionCode: 42 };
const running = (...rows: [code: number, buildId: string | undefined, devices: number][]) =>
  rows.map(([versionCode, buildId, devices]) => ({ versionCode, buildId, devices }));

test('adoption is the share of active devices that run the build', () => {
  const adoption = adoptionOf(B42, { active: 200, running: running([41, 'b41', 150], [42, 'b42', 50]) });
  assert.equal(adoption, { buildId: 'b42', devices: 50, activeDevices: 200, ratio: 0.25, percent: 25 });
});

test('the same code with another build_id is not counted', () => {
  assert.is(
    adoptionOf(B42, { active: 10, running: running([42, 'b42-hotfix', 9], [42, 'b42', 1]) }).devices,
    1,
  );
});

test('a device that named no build counts by its version code', () => {
  assert.is(
    adoptionOf(B42, { active: 10, running: running([42, undefined, 4], [41, undefined, 6]) }).devices,
    4,
  );
});

test('a build_id under another code is not counted', () => {
  assert.is(adoptionOf(B42, { active: 10, running: running([41, 'b42', 10]) }).devices, 0);
});

test('without active devices adoption is 0, not a division by 0', () => {
  assert.equal(adoptionOf(B42, { active: 0, running: [] }), {
    buildId: 'b42',
    devices: 0,
    activeDevices: 0,
    ratio: 0,
    percent: 0,
  });
});

test('100 percent means every active device', () => {
  const of = (devices: number) =>
    adoptionOf(B42, { active: 1000, running: running([42, 'b42', devices]) }).percent;
  assert.equal([0, 9, 10, 290, 999, 1000].map(of), [0, 0, 1, 29, 99, 100]);
});

test.run();
