/** What would change what a device gets, for each reason for which it gets nothing. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { waysOf } from '../../controller/dashboard/devices/change-view.ts';
import { deviceOf } from '../../controller/dashboard/devices/device-facts.ts';
import { html } from '../../controller/dashboard/html.ts';
import { bucketOf } from '../../controller/domain/cohort.ts';
import type { Snapshot } from '../../controller/domain/decision.ts';
import { explain } from '../../controller/domain/explain.ts';
import type { Build, Rollout } from '../../controller/domain/release.ts';
import type { DeviceRow, Report } from '../../controller/ports/index.ts';
import {
  aBuild,
  aRamp,
  aRollout,
  aSnapshot,
  aState,
  HOUR_MS,
  NOW_MS,
  OTHER_SIGNER,
  SIGNER,
} from '../support/state.ts';

const idWith = (fits: (bucket: number) => boolean): string => {
  for (let n = 0; ; n += 1) if (fits(bucketOf(`d${n}`, ''))) return `d${n}`;
};
const INSIDE = idWith(bucket => bucket < 1_000);
const OUTSIDE = idWith(bucket => bucket >= 2_500 && bucket < 5_000);

const aRow = (over: Partial<DeviceRow> = {}): DeviceRow => ({
  deviceId: INSIDE,
  tags: [],
  generation: 1,
  enrolledAtMs: 0,
  revokedAtMs: undefined,
  lastSeenMs: NOW_MS,
  versionCode: 41,
  buildId: 'b41',
  sdk: 33,
  signer: SIGNER,
  hasPushToken: false,
  ...over,
});

const aReport = (over: Partial<Report>): Report => ({
  deviceId: INSIDE,
  requestId: 'request',
  buildId: 'b42',
  outcome: 'deferred',
  reason: 'wifi',
  detail: undefined,
  versionCode: 41,
  timingsMs: undefined,
  atMs: NOW_MS,
  ...over,
});

interface Case {
  readonly row?: Partial<DeviceRow>;
  readonly rollout?: Partial<Rollout> | number;
  readonly b42?: Partial<Build>;
  readonly newest?: Report;
  readonly snapshot?: Partial<Snapshot>;
}

function told({ row = {}, rollout = {}, b42 = {}, newest, snapshot = {} }: Case): string {
  const state = aState({ builds: [aBuild(41), aBuild(42, b42)], rollout: aRollout(rollout) });
  const picture = { ...aSnapshot(state), ...snapshot };
  const device = aRow(row);
  const explained = explain(picture, deviceOf(device), NOW_MS);
  const ways = waysOf({ row: device, snapshot: picture, explained, newest, nowMs: NOW_MS });
  const text = ways.map(w => html`${w.name} ${w.about}`.text).join(' | ');
  return text.replaceAll(/<[^>]+>/g, '').replaceAll(/[\s\u00a0]+/g, ' ');
}

const HALT = {
  id: 1,
  buildId: 'b42',
  kind: 'gate',
  mode: 'halt',
  atMs: 0,
  by: 'gate',
  reason: 'x',
  declared: false,
} as const;

const CASES: readonly (readonly [string, Case, RegExp])[] = [
  ['nothing, once it is up to date', { row: { versionCode: 42, buildId: 'b42' } }, /^$/],
  ['its next check', {}, /^Its next check\. It is offered b42 then\. It has no push token/],
  [
    'a network, or a deadline',
    { newest: aReport({}) },
    /^A Wi-Fi network\..*downloads 1\.0 kB.* \| A deadline\./,
  ],
  ['a charger', { newest: aReport({ reason: 'battery' }) }, /^A fuller battery, or a charger\.[^|]*$/],
  [
    'another try',
    { newest: aReport({ outcome: 'fail', reason: 'install_failed', detail: 'DEXOPT' }) },
    /^Another try\..*install_failed: DEXOPT/,
  ],
  ['no report of another build', { newest: aReport({ buildId: 'b41' }) }, /^Its next check/],
  [
    'the step that reaches it',
    { row: { deviceId: OUTSIDE }, rollout: { exposure: aRamp(undefined, [10, 4], [50, 4], [100]) } },
    /^The step to 50 %\./,
  ],
  [
    'a wider rollout',
    { row: { deviceId: OUTSIDE } },
    /^A rollout to \d+ % or more\. No step of this one reaches bucket/,
  ],
  [
    'the end of the halt',
    { row: { deviceId: OUTSIDE }, snapshot: { halts: [HALT] } },
    /^The end of the halt\./,
  ],
  [
    'the end of the suspend',
    { rollout: { suspend: { reason: 'x', sinceMs: 0, untilMs: NOW_MS + HOUR_MS } } },
    /^The end of the suspend\. 13:00 UTC \(in 1 h\), by itself/,
  ],
  ['another signer', { row: { signer: OTHER_SIGNER } }, /^An agent with the right signer\./],
  [
    'a downgrade',
    { row: { versionCode: 42, buildId: 'b42' }, rollout: { rollback: true } },
    /^A forced downgrade\..*rebuild b41/,
  ],
  ['a new admission', { row: { revokedAtMs: 1 } }, /^A new admission\. ota device rotate d\d+ --readmit/],
  [
    'a build for its Android',
    { row: { versionCode: 0, buildId: undefined, sdk: 20 }, b42: { minSdk: 30 } },
    /^A build for its Android\. It has SDK 20; b42 needs 30/,
  ],
];

for (const [what, given, says] of CASES)
  test(`a device needs ${what}`, () => assert.match(told(given), says));

test.run();
