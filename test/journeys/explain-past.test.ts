/** What a device would have been offered in the night: from Git, the rows of the ramp and the audit, over real HTTP. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ota } from '../support/cli.ts';
import { type Journey, withController } from '../support/controller.ts';
import { call } from '../support/http.ts';
import { aRamp, HOUR_MS } from '../support/state.ts';

const full = {
  current: 'b41',
  lastSafe: undefined,
  exposure: { kind: 'percent', percent: 100 },
} as const;
const RAMP = {
  exposure: aRamp(undefined, [1, 4], [100]),
  canary: { tags: ['qa'], devices: [], cohorts: [] },
};

const nowOf = (journey: Journey): number => journey.controller.clock.nowMs();
const askAt = async (journey: Journey, id: string, atMs: number) => {
  const at = encodeURIComponent(new Date(atMs).toISOString());
  const answer = await journey.admin('GET', `/v1/devices/${id}/explain?at=${at}`);
  assert.is(answer.status, 200, answer.body.toString());
  return answer.json;
};
const check = (journey: Journey, token: string, versionCode: number) =>
  call(journey.url, 'GET', `/v1/agent/update?version_code=${versionCode}&sdk=33`, { token });

test('past moments of a rollout are explained as they were, also after a rollback and a restart', () =>
  withController(async journey => {
    const [device] = await journey.enrol(['kiosk-far']);
    if (device === undefined) throw new Error('one device');
    await journey.merge(full);
    await check(journey, device.token, 41);
    await journey.pass(HOUR_MS);
    const promoted = await journey.merge(RAMP);
    await check(journey, device.token, 41);
    const first = nowOf(journey);
    await journey.pass(HOUR_MS);
    await journey.admin('PUT', '/v1/devices/kiosk-far/tags', { json: { tags: ['qa'] } });
    const canary = nowOf(journey);
    await journey.pass(HOUR_MS);
    await journey.admin('PUT', '/v1/devices/kiosk-far/tags', { json: { tags: [] } });
    await journey.pass(3 * HOUR_MS);
    const opened = nowOf(journey);
    await journey.merge({ ...RAMP, rollback: true });
    await journey.pass(HOUR_MS);
    const back = nowOf(journey);
    await journey.restart();

    const atFirst = await askAt(journey, 'kiosk-far', first);
    assert.equal([atFirst.revision, atFirst.percent, atFirst.canary], [promoted, 1, false]);
    assert.equal(atFirst.installed?.version_code, 41, 'as it said in its only check-in');
    assert.equal(atFirst.decision, { kind: 'hold', reason: 'outside_cohort' });
    const asCanary = await askAt(journey, 'kiosk-far', canary + 60_000);
    assert.equal([asCanary.tags, asCanary.canary, asCanary.decision.eligible_by], [['qa'], true, 'canary']);
    const atOpen = await askAt(journey, 'kiosk-far', opened);
    assert.equal([atOpen.tags, atOpen.percent], [[], 100]);
    assert.equal([atOpen.decision.build_id, atOpen.decision.eligible_by], ['b42', 'rollout']);
    const atBack = await askAt(journey, 'kiosk-far', back);
    assert.equal(atBack.decision, { kind: 'hold', reason: 'up_to_date' });
    assert.is(atBack.steps.find((s: { step: string }) => s.step === 'target').finding, 'b41');

    const { code, out } = await ota(
      ['explain', 'kiosk-far', '--at', new Date(canary + 60_000).toISOString()],
      { url: journey.url, token: journey.adminToken },
    );
    assert.is(code, 0, out);
    assert.match(out, /kiosk-far at .*: offer b42 \(canary\)/);
    assert.match(out, /not known\n {2}whether the APKs were stored then/);
  }));

test('what is not known is said: before enrolment and releases, of versions, and of files that cannot be read', () =>
  withController(async journey => {
    const before = nowOf(journey) - HOUR_MS;
    const [device] = await journey.enrol(['kiosk-7']);
    if (device === undefined) throw new Error('one device');
    await journey.merge(full);
    await journey.merge({ ...RAMP });
    const then = nowOf(journey);
    await journey.pass(2 * HOUR_MS);
    await check(journey, device.token, 42);
    const early = await askAt(journey, 'kiosk-7', before);
    assert.equal(
      [early.standing, early.revision, early.tags, early.decision],
      ['not_enrolled', null, null, null],
    );
    assert.match(early.not_known.join('\n'), /which revision was in force[\s\S]*changes are kept since/);
    const unsaid = await askAt(journey, 'kiosk-7', then);
    assert.equal([unsaid.installed, unsaid.decision, unsaid.percent], [null, null, 1]);
    assert.match(unsaid.not_known.join('\n'), /which version the device ran/);
    assert.ok(unsaid.steps.some((s: { step: string }) => s.step === 'cohort'));
    assert.not.ok(unsaid.steps.some((s: { step: string }) => s.step === 'decision'));
    // Of what was applied before, the files are in Git alone; a revision that is gone from it is not known.
    await journey.controller.store.audit.record({
      atMs: then,
      actor: `git:${'0'.repeat(40)}`,
      action: 'apply',
      subject: 'b42',
      detail: {},
    });
    await journey.merge(full);
    const gone = await askAt(journey, 'kiosk-7', then + 60_000);
    assert.equal([gone.revision, gone.decision, gone.steps], ['0'.repeat(40), null, []]);
    assert.match(gone.not_known[0], /what revision 000000000000 said: /);
  }));

test('a brake of that time is in the answer, and invalid times are refused', () =>
  withController(async journey => {
    const [device] = await journey.enrol(['kiosk-7']);
    if (device === undefined) throw new Error('one device');
    await journey.merge(full);
    await journey.merge({ exposure: { kind: 'percent', percent: 100 } });
    await check(journey, device.token, 41);
    await journey.pass(60_000);
    await journey.admin('POST', '/v1/brake', { json: { reason: 'reboots' } });
    const braked = nowOf(journey);
    await journey.pass(60_000);
    await journey.admin('POST', '/v1/resume', { json: { reason: 'it was the cable' } });
    await journey.pass(60_000);
    assert.is((await askAt(journey, 'kiosk-7', braked + 1000)).decision.kind, 'hold');
    assert.is((await askAt(journey, 'kiosk-7', nowOf(journey))).decision.build_id, 'b42');
    for (const at of ['yesterday', '2026-12-01T14:00:00', '2026-02-30T14:00:00Z', '2999-01-01T00:00:00Z']) {
      const { status, json } = await journey.admin('GET', `/v1/devices/kiosk-7/explain?at=${at}`);
      assert.equal([status, json.code], [400, 'query_invalid'], at);
    }
    const twice = 'at=2026-01-01T00:00:00Z&at=2026-01-02T00:00:00Z';
    assert.is((await journey.admin('GET', `/v1/devices/kiosk-7/explain?${twice}`)).status, 400);
    assert.is((await journey.admin('GET', '/v1/devices/nobody/explain?at=2026-01-01T00:00:00Z')).status, 404);
    const wrong = await ota(['explain', 'kiosk-7', '--at', 'noon'], {
      url: journey.url,
      token: journey.adminToken,
    });
    assert.match(wrong.err, /Expected a time with seconds and an offset/);
  }));

test.run();
