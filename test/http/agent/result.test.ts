/** Results and push tokens from devices: SPEC §5. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { OUTCOMES, RECORDED_OUTCOMES, RESULT_REASONS } from '../../../controller/domain/outcome.ts';
import { type TestServer, withServer } from '../../support/http.ts';
import { openapi } from '../../support/openapi.ts';
import { aSnapshot, aState, NOW_MS } from '../../support/state.ts';

const HOUR_MS = 3_600_000;
const full = () => aSnapshot(aState({ rollout: 100 }));
const ok = {
  request_id: 'request-0001',
  build_id: 'b42',
  outcome: 'ok',
  reason: 'installed',
  version_code: 42,
  timings_ms: { download: 1200, install: 900 },
};
const post = (server: TestServer, token: string, json: unknown) =>
  server.call('POST', '/v1/action-result', { token, json });

test('a result is committed before it is answered', () =>
  withServer({ snapshot: full() }, async server => {
    const token = await server.enrol('kiosk-7');
    const answer = await post(server, token, { ...ok, detail: 'all fine' });
    assert.is(answer.status, 200);
    assert.equal(answer.json, {
      request_id: 'request-0001',
      build_id: 'b42',
      outcome: 'ok',
      repeated: false,
    });
    const { reports } = await server.store.outcomes.history('kiosk-7', 10);
    assert.equal(reports[0], {
      deviceId: 'kiosk-7',
      requestId: 'request-0001',
      buildId: 'b42',
      outcome: 'ok',
      reason: 'installed',
      detail: 'all fine',
      versionCode: 42,
      timingsMs: { download: 1200, install: 900 },
      atMs: NOW_MS,
    });
    const [event] = server.of('ota.result');
    assert.equal([event?.requestId, event?.buildId, event?.repeated], ['request-0001', 'b42', false]);
    assert.not.match(JSON.stringify(server.events), 'all fine');
  }));

test('a result posted twice is 200 and counts once; a different final outcome is 409', () =>
  withServer({ snapshot: full() }, async server => {
    const token = await server.enrol('kiosk-7');
    const statuses = [];
    for (const json of [ok, ok, { ...ok, outcome: 'fail', reason: 'install_failed' }, ok])
      statuses.push((await post(server, token, json)).status);
    assert.equal(statuses, [200, 200, 409, 200]);
    assert.equal(
      server.of('ota.result').map(e => e.repeated),
      [false, true, true],
    );
    assert.is((await server.store.outcomes.counts('b42')).ok, 1);
  }));

test('deferred reports may precede one final outcome', () =>
  withServer({ snapshot: full() }, async server => {
    const token = await server.enrol('kiosk-7');
    const deferred = { ...ok, outcome: 'deferred', reason: 'wifi' };
    for (const json of [deferred, { ...deferred, reason: 'battery' }, ok])
      assert.is((await post(server, token, json)).status, 200);
    const counts = await server.store.outcomes.counts('b42');
    assert.equal([counts.ok, counts.deferred], [1, 0]);
  }));

test('a result that contradicts itself is kept, answered 200, told, and counts as nothing', () =>
  withServer({ snapshot: full() }, async server => {
    const token = await server.enrol('kiosk-7');
    const wifi = { ...ok, reason: 'wifi' };
    const old = { ...ok, request_id: 'request-0002', version_code: 41, detail: 'as I said' };
    for (const json of [wifi, wifi, old]) {
      const answer = await post(server, token, json);
      assert.equal([answer.status, answer.json.outcome], [200, 'ok']);
    }
    assert.equal(
      server.of('ota.result').map(e => [e.outcome, e.reason, e.repeated]),
      [
        ['contradictory', 'wifi', false],
        ['contradictory', 'wifi', true],
        ['contradictory', 'installed', false],
      ],
    );
    const { reports } = await server.store.outcomes.history('kiosk-7', 10);
    assert.equal(reports.map(r => [r.outcome, r.detail]).sort(), [
      ['contradictory', 'reported as ok with reason wifi'],
      ['contradictory', 'reported as ok with version_code 41, but the build has 42; as I said'],
    ]);
    // A later check says that b42 runs: a contradiction is not confirmed by it.
    server.world.nowMs += 1000;
    await server.call('GET', '/v1/agent/update?version_code=42&build_id=b42', { token });
    await server.store.devices.flush();
    const counts = await server.store.outcomes.counts('b42');
    assert.equal([counts.ok, counts.confirmed, counts.fail, counts.skipped], [0, 0, 0, 0]);
    const explained = await server.call('GET', '/v1/devices/kiosk-7/explain', {
      token: await server.admin('read'),
    });
    assert.is(explained.json.reports[0].outcome, 'contradictory');
    // What the agent says next may still be right.
    assert.is((await post(server, token, ok)).json.repeated, false);
    assert.is((await server.store.outcomes.counts('b42')).ok, 1);
    assert.is((await post(server, token, wifi)).status, 409);
  }));

test('a failure with a reason that does not fit counts as internal', () =>
  withServer({ snapshot: full() }, async server => {
    const token = await server.enrol('kiosk-7');
    const answer = await post(server, token, { ...ok, outcome: 'fail', reason: 'battery', version_code: 41 });
    assert.is(answer.status, 200);
    const counts = await server.store.outcomes.counts('b42');
    assert.equal(counts.reasons, [{ outcome: 'fail', reason: 'internal', devices: 1, attempts: 1 }]);
  }));

test('a device that repeats its installs is reported once and listed for operators', () =>
  withServer({ snapshot: full() }, async server => {
    const token = await server.enrol('kiosk-7');
    const install = async (n: number): Promise<void> => {
      assert.is((await post(server, token, { ...ok, request_id: `request-010${n}` })).status, 200);
      server.world.nowMs += 6 * HOUR_MS;
    };
    const repeated = async () => {
      const read = await server.admin('read');
      return (await server.call('GET', '/v1/devices/kiosk-7/explain', { token: read })).json
        .repeated_installs;
    };
    for (const n of [1, 2]) await install(n);
    assert.equal([server.of('ota.install.repeated'), await repeated()], [[], []]);
    for (const n of [3, 4, 5]) await install(n);
    assert.equal(server.of('ota.install.repeated'), [
      {
        type: 'ota.install.repeated',
        deviceId: 'kiosk-7',
        buildId: 'b42',
        installs: 3,
        withinMs: 12 * HOUR_MS,
      },
    ]);
    const [found] = await repeated();
    assert.equal([found.build_id, found.installs], ['b42', 4]);
    // A week of quiet; then it begins again.
    server.world.nowMs += 7 * 24 * HOUR_MS;
    assert.equal(await repeated(), []);
    for (const n of [6, 7, 8]) await install(n);
    assert.is(server.of('ota.install.repeated').length, 2);
    assert.equal(
      server.of('ota.result').map(e => e.first),
      [true, ...Array.from({ length: 7 }, () => false)],
    );
  }));

test('a result about an unknown build is 404, about a former one it is taken', () =>
  withServer({ snapshot: full(), knownBuild: id => ['b42', 'b39'].includes(id) }, async server => {
    const token = await server.enrol('kiosk-7');
    const unknown = await post(server, token, { ...ok, build_id: 'b99' });
    assert.equal([unknown.status, unknown.json.code], [404, 'build_unknown']);
    assert.is((await post(server, token, { ...ok, build_id: 'b39' })).status, 200);
  }));

test('an unknown field, a wrong type and a reason outside the closed list are 400 that name the place', () =>
  withServer({ snapshot: full(), settings: { requestsPerMinute: 1000 } }, async server => {
    const token = await server.enrol('kiosk-7');
    const wrong: [Record<string, unknown>, RegExp][] = [
      [{ surprise: 1 }, /additional properties: "surprise"/],
      [{ reason: 'because' }, /^\/reason /],
      [{ outcome: 'great' }, /^\/outcome /],
      [{ version_code: '42' }, /^\/version_code /],
      [{ version_code: 1.5 }, /^\/version_code /],
      [{ request_id: 'x' }, /^\/request_id /],
      [{ build_id: '../b' }, /^\/build_id /],
      [{ detail: 'x'.repeat(4001) }, /^\/detail /],
      [{ timings_ms: { download: -1 } }, /^\/timings_ms/],
      [{ timings_ms: { 'Bad Name': 1 } }, /timings_ms/],
      [{ request_id: undefined }, /request_id/],
    ];
    for (const [change, detail] of wrong) {
      const answer = await post(server, token, { ...ok, ...change });
      assert.is(answer.status, 400, JSON.stringify(change));
      assert.is(answer.json.code, 'body_invalid');
      assert.match(answer.json.detail, detail);
    }
    for (const json of [null, [], 'text', 7]) assert.is((await post(server, token, json)).status, 400);
    assert.equal((await server.store.outcomes.history('kiosk-7', 10)).reports, []);
  }));

test('a push token is stored, bounded and replaced', () =>
  withServer({ snapshot: full() }, async server => {
    const token = await server.enrol('kiosk-7');
    const put = (json: unknown) => server.call('PUT', '/v1/agent/push-token', { token, json });
    assert.is((await put({ fcm_token: 'first:token' })).status, 204);
    assert.is((await put({ fcm_token: 'second:token' })).status, 204);
    for (const json of [
      {},
      { fcm_token: '' },
      { fcm_token: 'a b' },
      { fcm_token: 'x'.repeat(5000) },
      { fcm_token: null },
    ])
      assert.is((await put(json)).status, 400);
    const [scanned] = await server.store.devices.scan({ limit: 1, withPushToken: true });
    assert.is(scanned?.pushToken, 'second:token');
  }));

test('the document lists the very outcomes and reasons that the controller knows', () => {
  assert.equal(openapi.components.schemas.ResultReason?.enum, [...RESULT_REASONS]);
  assert.equal(openapi.components.schemas.Outcome?.enum, [...OUTCOMES]);
  assert.equal(openapi.components.schemas.RecordedOutcome?.enum, [...RECORDED_OUTCOMES]);
});

test.run();
