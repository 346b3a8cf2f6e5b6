/** `policy.yaml` is read at the base revision and enforced by reconcile too (SPEC §2). */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Journey, withController } from '../support/controller.ts';
import { call } from '../support/http.ts';
import { aPolicy, DAY_MS, OTHER_SIGNER } from '../support/state.ts';

const ALWAYS = {
  reason: 'frozen',
  timeZone: 'UTC',
  days: ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'],
  fromMinute: 0,
  toMinute: 1440,
} as const;
const STRICT = aPolicy({ allowedPercents: [0, 10], maxJumpPercent: 10, freezeWindows: [ALWAYS] });

const codes = ({ controller }: Journey): string[] => [
  ...new Set(controller.reconcile.status().problems.map(p => p.code)),
];
const standing = ({ controller }: Journey) => controller.reconcile.snapshot?.rollout;

test('a merge that the policy does not allow is not applied, and its problem is placed', () =>
  withController(async journey => {
    await journey.merge(10, { policy: aPolicy({ allowedPercents: [10, 50] }) });
    await journey.merge(20, { policy: aPolicy({ allowedPercents: [10, 50] }) });
    assert.equal(codes(journey), ['policy_percent']);
    const [problem] = journey.controller.reconcile.status().problems;
    assert.is(problem?.file, 'rollout.yaml');
    assert.is(problem?.path, 'rollout_percent');
    assert.ok((problem?.line ?? 0) > 1);
    assert.equal(standing(journey)?.exposure, { kind: 'percent', percent: 10 });
    await journey.merge(50, { policy: aPolicy({ allowedPercents: [10, 50] }) });
    assert.equal(codes(journey), []);
  }));

test('a change cannot loosen the policy it is judged by; the loosened one holds from the next on', () =>
  withController(async journey => {
    await journey.merge(10, { policy: STRICT });
    for (const loosened of [{ policy: aPolicy() }, {}]) {
      await journey.merge(100, loosened);
      assert.ok(codes(journey).includes('policy_jump'), String(codes(journey)));
      assert.equal(standing(journey)?.exposure, { kind: 'percent', percent: 10 });
    }
    await journey.merge(10);
    assert.equal(codes(journey), []);
    await journey.merge(100);
    assert.equal(codes(journey), []);
    assert.equal(standing(journey)?.exposure, { kind: 'percent', percent: 100 });
  }));

test('the emergency commit always passes: rollback, withdrawal, suspend and revert under the strictest policy', async () => {
  const policy = aPolicy({
    ...STRICT,
    pinnedSigners: [OTHER_SIGNER],
    approvals: [{ abovePercent: 0, approvals: 9 }],
  });
  const b41Alone = {
    current: 'b41',
    lastSafe: undefined,
    exposure: { kind: 'percent', percent: 100 },
  } as const;
  await withController(async journey => {
    const { b41, b42 } = journey.builds;
    const atMs = Date.now();
    const bad = { ...b42.build, withdrawn: { reason: 'crash loop on API 29', atMs } };
    await journey.merge(10);
    await journey.merge(10, { policy });
    const ways = [
      ['a suspend', { suspend: { reason: 'wait', sinceMs: atMs, untilMs: atMs + DAY_MS } }, b42.build],
      ['a rollback of what is suspended', { rollback: true }, b42.build],
      [
        'a narrowing within the rollback',
        { rollback: true, exposure: { kind: 'percent', percent: 0 } },
        b42.build,
      ],
      ['a withdrawal', { rollback: true, exposure: { kind: 'percent', percent: 0 } }, bad],
      ['a revert to last_safe', b41Alone, bad],
    ] as const;
    for (const [name, rollout, build] of ways) {
      const revision = await journey.merge(rollout, { policy, builds: [b41.build, build] });
      assert.is(
        journey.controller.reconcile.status().appliedRevision,
        revision,
        `${name}: ${codes(journey)}`,
      );
    }
  });
});

test('a rollback to a build whose file had been deleted needs no approval either', () =>
  withController(async journey => {
    const { b41, b42 } = journey.builds;
    const policy = aPolicy({ approvals: [{ abovePercent: 0, approvals: 1 }] });
    const forAll = { lastSafe: undefined, exposure: { kind: 'percent', percent: 100 } } as const;
    await journey.merge({ ...forAll, current: 'b41' });
    await journey.merge(forAll);
    await journey.merge(forAll, { policy, builds: [b42.build] });
    const back = await journey.merge({ rollback: true }, { policy, builds: [b41.build, b42.build] });
    assert.is(journey.controller.reconcile.status().appliedRevision, back, String(codes(journey)));
    await journey.merge(10, { policy, builds: [b41.build, b42.build] });
    assert.equal(codes(journey), ['plan_not_approved'], 'forward again it does');
  }));

test('withdrawing the standing current takes its exposure to 0: fresh devices get last_safe, those on it stay', () =>
  withController(async journey => {
    const { b41, b42 } = journey.builds;
    const withdrawn = { reason: 'crash loop', atMs: Date.now() };
    await journey.merge(100);
    await journey.merge(100, { builds: [b41.build, { ...b42.build, withdrawn }] });
    assert.equal(
      journey.controller.reconcile.status().problems.map(p => `${p.severity} ${p.code}`),
      ['warning current_withdrawn'],
    );
    assert.is(await journey.metric('ota_exposure_ratio', { kind: 'effective' }), 0);
    assert.is(await journey.metric('ota_exposure_ratio', { kind: 'declared' }), 1);
    const [device] = await journey.enrol(['d-1']);
    const check = async (versionCode: number) => {
      const answer = await call(journey.url, 'GET', `/v1/agent/update?version_code=${versionCode}`, {
        token: device?.token,
      });
      return answer.status === 200
        ? `${answer.json.build_id} ${answer.json.eligible_by}`
        : answer.headers['ota-decision'];
    };
    assert.equal(
      [await check(0), await check(41), await check(42)],
      ['b41 baseline', 'up_to_date', 'up_to_date'],
    );
    const apk = await call(journey.url, 'GET', '/v1/agent/builds/b42/apk', { token: device?.token });
    assert.equal([apk.status, apk.json.code], [410, 'build_not_offered']);
  }));

test.run();
