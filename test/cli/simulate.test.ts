import path from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { parseDeviceList } from '../../controller/cli/device-list.ts';
import { cohortSteps, decisionCounts, stepsOf, syntheticDevices } from '../../controller/cli/simulation.ts';
import { bucketOf } from '../../controller/domain/cohort.ts';
import { ota } from '../support/cli.ts';
import { withFolder } from '../support/folder.ts';
import { releaseFiles, writeReleases } from '../support/releases.ts';
import { makeRepository } from '../support/repository.ts';
import { aBuild, aRamp, aRollout, aSnapshot, aState, NOW_MS } from '../support/state.ts';

const builds = [aBuild(41), aBuild(42)];

test('each step counts the devices whose bucket is below it, next to the nominal number', () => {
  const ids = syntheticDevices(500).map(d => d.deviceId);
  // The bucket of a device is itself outside: below means below.
  const edge = bucketOf(ids[0] ?? '', 'b42.3') / 100;
  const steps = cohortSteps(ids, 'b42.3', [0.5, 10, 100, edge]);
  for (const { percent, actual } of steps)
    assert.is(actual, ids.filter(id => bucketOf(id, 'b42.3') < percent * 100).length);
  assert.equal(
    steps.map(s => s.nominal),
    [2.5, 50, 500, (500 * edge) / 100],
  );
  assert.is(steps[2]?.offByPoints, 0);
  assert.equal(cohortSteps([], '', [10])[0], { percent: 10, nominal: 0, actual: 0, offByPoints: 0 });
});

test('the steps are those of the ramp, or the usual ones with the percent that stands', () => {
  assert.equal(stepsOf(aRollout({ exposure: aRamp(NOW_MS, [2, 1], [20, 1], [100]) })), [2, 20, 100]);
  assert.equal(stepsOf(aRollout(12)), [1, 5, 10, 12, 25, 50, 100]);
});

test('decisions are counted by their kind', () => {
  const snapshot = aSnapshot(
    aState({
      rollout: {
        canary: { tags: ['qa'], devices: [], cohorts: [] },
        exposure: { kind: 'percent', percent: 0 },
      },
    }),
  );
  const devices = [
    { deviceId: 'a', tags: ['qa'], versionCode: undefined },
    { deviceId: 'b', tags: [], versionCode: undefined },
    { deviceId: 'c', tags: [], versionCode: 40 },
    { deviceId: 'd', tags: [], versionCode: 99 },
  ];
  assert.equal(Object.fromEntries(decisionCounts(snapshot, devices, 41, NOW_MS)), {
    'offer b42 (canary)': 1,
    'hold outside_cohort': 1,
    'offer b41 (baseline)': 1,
    'hold ahead': 1,
  });
});

test('simulate shows nominal and actual counts, and what a change decides before and after', () =>
  withFolder(async folder => {
    const repository = await makeRepository(path.join(folder, 'repository'));
    const cwd = repository.folder;
    await repository.commit(
      releaseFiles({
        builds,
        rollout: { current: 'b41', lastSafe: undefined, exposure: { kind: 'percent', percent: 100 } },
      }),
    );
    await writeReleases(path.join(cwd, 'releases'), releaseFiles({ builds, rollout: 10 }));
    const ids = syntheticDevices(300).map(d => d.deviceId);
    const inside = ids.filter(id => bucketOf(id, '') < 1000).length;
    const { code, out } = await ota(
      ['simulate', '--count', '300', '--base', 'HEAD', '--version-code', '41', '--json'],
      { cwd },
    );
    assert.is(code, 0);
    const told = JSON.parse(out);
    assert.equal(told.before, { 'hold up_to_date': 300 });
    assert.equal(told.after, { 'offer b42 (rollout)': inside, 'hold outside_cohort': 300 - inside });
    assert.is(told.steps.find((s: { percent: number }) => s.percent === 10).actual, inside);
    const text = await ota(['simulate', '--count', '300', '--base', 'HEAD', '--version-code', '41'], { cwd });
    assert.match(
      text.out,
      /^300 made-up devices, no cohort_seed\n\n\s*step\s+nominal\s+actual\s+share\s+off by points\n/,
    );
    assert.match(text.out, new RegExp(`^offer b42 \\(rollout\\)\\s+0\\s+${inside}\\s+\\+${inside}$`, 'm'));
  }));

test('a device list may be ids, CSV or JSON, from a file or standard input', () =>
  withFolder(async folder => {
    await writeReleases(path.join(folder, 'releases'), releaseFiles({ rollout: 100 }));
    for (const stdin of [
      'd1\n# a note\nd2 # mine\n\n',
      'device_id,tags,version_code,sdk\nd1,qa lab,41,33\nd2,,,\n',
      '[{"device_id":"d1","tags":["qa"],"version_code":41},{"device_id":"d2"}]',
      '{"devices":["d1","d2"]}',
    ]) {
      const { code, out, err } = await ota(['simulate', '--devices', '-', '--json'], { cwd: folder, stdin });
      assert.is(code, 0, err);
      assert.is(JSON.parse(out).devices, 2, stdin);
    }
    assert.equal(parseDeviceList('device_id,tags,version_code\nd1,qa;lab,41\n', 'x'), [
      { deviceId: 'd1', tags: ['qa', 'lab'], versionCode: 41 },
    ]);
  }));

test('a wrong device list is refused with its lines; no id is guessed or bucketed', () =>
  withFolder(async folder => {
    await writeReleases(path.join(folder, 'releases'), releaseFiles());
    for (const [stdin, expected] of [
      ['', /it lists no device/],
      ['ok\nnot ok\n', /line 2: "not ok" is not a valid device id/],
      ['d1\nd1\n', /line 2: d1 is listed twice/],
      ['[{"device_id":1}]', /device 1: 1 is not a valid device id/],
      ['[{', /it is not JSON/],
      ['{"a":1}', /expected a JSON array/],
      ['device_id,version_code\nd1,minus\n', /line 2: version_code must be a whole number/],
      ['device_id,tags\nd1,QA\n', /line 2: "QA" is not a valid tag/],
      ['device_id\n"d1\n', /it is not CSV/],
      [`${'é'.repeat(10)}\n`.repeat(9), /and 4 more/],
    ] as const) {
      const { code, err } = await ota(['simulate', '--devices', '-'], { cwd: folder, stdin });
      assert.is(code, 2, stdin);
      assert.match(err, expected);
      assert.match(err, /standard input cannot be used as a device list/);
    }
    const missing = await ota(['simulate', '--devices', 'fleet.csv'], { cwd: folder });
    assert.is(missing.code, 2);
    assert.match(missing.err, /cannot read fleet\.csv: there is no such file/);
  }));

test.run();
