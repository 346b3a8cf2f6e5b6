import * as fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { adoptionOf, evenCurve, isProgress } from '../../controller/domain/adoption.ts';

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

test('progress is announced at each whole percent, for each build anew, and not at nothing', () => {
  const at = (percent: number) => ({ buildId: 'b42', devices: 0, activeDevices: 1, ratio: 0, percent });
  assert.is(isProgress(undefined, at(0)), false);
  assert.is(isProgress(undefined, at(1)), true);
  assert.is(isProgress({ buildId: 'b42', percent: 1 }, at(1)), false);
  assert.is(isProgress({ buildId: 'b42', percent: 1 }, at(2)), true);
  assert.is(isProgress({ buildId: 'b42', percent: 2 }, at(1)), true);
  assert.is(isProgress({ buildId: 'b42', percent: 1 }, at(0)), true);
  assert.is(isProgress({ buildId: 'b41', percent: 100 }, at(0)), false);
  assert.is(isProgress({ buildId: 'b41', percent: 7 }, at(7)), true);
});

test('a curve holds its value between samples and is even in time', () => {
  const samples = [
    { atMs: 0, ratio: 0 },
    { atMs: 10, ratio: 0.1 },
    { atMs: 20, ratio: 0.2 },
    { atMs: 90, ratio: 0.8 },
    { atMs: 100, ratio: 1 },
  ];
  assert.equal(evenCurve(samples, 3), [
    { atMs: 0, ratio: 0 },
    { atMs: 50, ratio: 0.2 },
    { atMs: 100, ratio: 1 },
  ]);
  assert.equal(evenCurve([], 5), []);
  assert.equal(evenCurve(samples.slice(0, 1), 5), samples.slice(0, 1));
});

test('a curve of any samples is bounded, ascends in time, keeps its ends and invents no value', () => {
  const sample = fc.record({
    gap: fc.integer({ min: 0, max: 1e9 }),
    ratio: fc.double({ min: 0, max: 1, noNaN: true }),
  });
  fc.assert(
    fc.property(
      fc.array(sample, { minLength: 2, maxLength: 60 }),
      fc.integer({ min: 2, max: 40 }),
      (gaps, most) => {
        let atMs = 0;
        const samples = gaps.map(({ gap, ratio }) => {
          atMs += gap;
          return { atMs, ratio };
        });
        const curve = evenCurve(samples, most);
        const values = new Set(samples.map(s => s.ratio));
        return (
          curve.length <= most &&
          curve.every((p, i) => values.has(p.ratio) && p.atMs >= (curve[i - 1]?.atMs ?? 0)) &&
          curve.at(-1)?.atMs === samples.at(-1)?.atMs &&
          curve.at(-1)?.ratio === samples.at(-1)?.ratio
        );
      },
    ),
  );
});

test.run();
