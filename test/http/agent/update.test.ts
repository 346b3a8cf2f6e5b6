/** The update check: SPEC §5, over real HTTP. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { eventually, withServer } from '../../support/http.ts';
import { rawConnection, requestHead } from '../../support/raw.ts';
import { aBuild, aSnapshot, aState, HOUR_MS, hexOf, NOW_MS, SIGNER } from '../../support/state.ts';

const full = () => aSnapshot(aState({ rollout: 100 }));

test('an offer is a 200 with the whole manifest', () =>
  withServer({ snapshot: full() }, async server => {
    const token = await server.enrol('kiosk-7');
    const answer = await server.call('GET', '/v1/agent/update?version_code=41&build_id=b41&sdk=33', {
      token,
      headers: { 'Ota-Request-Id': 'request-0001' },
    });
    assert.is(answer.status, 200);
    assert.equal(answer.json, {
      build_id: 'b42',
      version_code: 42,
      version_name: '4.2.0',
      url: 'https://ota.example/v1/agent/builds/b42/apk',
      sha256: hexOf('apk 42'),
      signer_fingerprint: SIGNER,
      signer_lineage: [],
      size_bytes: 1042,
      wifi_only: true,
      must_install: false,
      deadline_s: null,
      staged_rollout_percent: 100,
      cohort_seed: '',
      eligible_by: 'rollout',
      force_downgrade: false,
      min_battery_percent: 30,
      poll_interval_s: 21_600,
      revision: hexOf('revision').slice(0, 40),
    });
    assert.is(answer.headers['cache-control'], 'private, no-store');
    assert.is(answer.headers['ota-request-id'], 'request-0001');
    assert.is(answer.headers['ota-poll-interval'], '21600;jitter=2160');
    assert.is(answer.headers['strict-transport-security'], undefined);
    assert.equal(server.of('ota.manifest.200'), [
      {
        type: 'ota.manifest.200',
        revision: hexOf('revision').slice(0, 40),
        deviceId: 'kiosk-7',
        requestId: 'request-0001',
        buildId: 'b42',
        eligibleBy: 'rollout',
        versionCode: 41,
        repeated: false,
      },
    ]);
  }));

test('checks that wait for one another on a connection are answered in their order, and the last closes it', () =>
  withServer({ snapshot: full() }, async server => {
    const token = await server.enrol('kiosk-7');
    const check = (query: string, more: Record<string, string> = {}): string =>
      requestHead(`GET /v1/agent/update?${query}`, { Authorization: `Bearer ${token}`, ...more });
    const connection = await rawConnection(Number(new URL(server.url).port));
    connection.socket.write(
      [
        check('version_code=41', { 'Ota-Request-Id': 'request-0001' }),
        check('version_code=42', { 'If-None-Match': '"none"' }),
        check('version_code=old'),
        requestHead('GET /healthz'),
        check('version_code=42', { Connection: 'close' }),
      ].join(''),
    );
    await connection.closed;
    const statuses = connection.text().match(/HTTP\/1\.1 \d+/g);
    assert.equal(
      statuses,
      ['200', '304', '400', '200', '204'].map(status => `HTTP/1.1 ${status}`),
    );
    assert.is(server.of('ota.manifest.200').length, 1);
    assert.is(server.of('ota.manifest.304').length, 2);
  }));

test('the url never comes from Host, and HSTS is sent when set', () =>
  withServer({ snapshot: full(), settings: { hstsMaxAgeS: 300 } }, async server => {
    const token = await server.enrol('kiosk-7');
    const answer = await server.call('GET', '/v1/agent/update?version_code=0', {
      token,
      headers: { host: 'evil.example' },
    });
    assert.match(answer.json.url, /^https:\/\/ota\.example\//);
    assert.is(answer.headers['strict-transport-security'], 'max-age=300');
    const refused = await server.call('GET', '/v1/devices');
    assert.is(refused.headers['strict-transport-security'], 'max-age=300');
  }));

test('nothing to do is 204 with the ETag, and 304 when the agent names it, even with no-cache', () =>
  withServer({ snapshot: full() }, async server => {
    const token = await server.enrol('kiosk-7');
    const path = '/v1/agent/update?version_code=42';
    const first = await server.call('GET', path, { token });
    assert.is(first.status, 204);
    assert.is(first.headers.etag, '"none"');
    assert.is(first.headers['ota-decision'], 'up_to_date');
    for (const named of ['"none"', 'W/"none"', '"other", "none"']) {
      const headers = { 'If-None-Match': named, 'Cache-Control': 'no-cache' };
      const again = await server.call('GET', path, { token, headers });
      assert.is(again.status, 304, named);
      assert.is(again.headers['ota-decision'], 'up_to_date');
    }
    const other = await server.call('GET', path, { token, headers: { 'If-None-Match': '"other"' } });
    assert.is(other.status, 204);
    assert.equal(
      server.of('ota.manifest.304').map(e => e.status),
      [204, 304, 304, 304, 204],
    );
  }));

test('an offer is always 200, whatever If-None-Match names', () =>
  withServer({ snapshot: full() }, async server => {
    const token = await server.enrol('kiosk-7');
    const headers = { 'If-None-Match': '"none"' };
    assert.is((await server.call('GET', '/v1/agent/update?version_code=41', { token, headers })).status, 200);
  }));

test('must_install carries its deadline to exposed devices and not to baseline offers', () =>
  withServer({}, async server => {
    const rollout = { mustInstall: true, deadlineMs: 72 * HOUR_MS };
    const token = await server.enrol('kiosk-7');
    server.world.snapshot = aSnapshot(
      aState({ rollout: { ...rollout, exposure: { kind: 'percent', percent: 100 } } }),
    );
    const exposed = (await server.call('GET', '/v1/agent/update?version_code=40', { token })).json;
    assert.equal([exposed.must_install, exposed.deadline_s], [true, 259_200]);
    server.world.snapshot = aSnapshot(
      aState({ rollout: { ...rollout, exposure: { kind: 'percent', percent: 0 } } }),
    );
    const baseline = (await server.call('GET', '/v1/agent/update?version_code=40', { token })).json;
    assert.equal(
      [
        baseline.build_id,
        baseline.eligible_by,
        baseline.must_install,
        baseline.deadline_s,
        baseline.staged_rollout_percent,
      ],
      ['b41', 'baseline', false, null, 100],
    );
  }));

test('signer_fingerprint is the one for the SDK that asks', () =>
  withServer({}, async server => {
    const rotated = hexOf('rotated signer');
    const b42 = aBuild(42, { signers: [{ minSdk: 33, fingerprint: rotated }], signerLineage: [SIGNER] });
    server.world.snapshot = aSnapshot(aState({ rollout: 100, builds: [aBuild(41), b42] }));
    const token = await server.enrol('kiosk-7');
    const on = async (sdk: number) =>
      (await server.call('GET', `/v1/agent/update?version_code=41&sdk=${sdk}`, { token })).json
        .signer_fingerprint;
    assert.is(await on(32), SIGNER);
    assert.is(await on(33), rotated);
  }));

test('a missing version_code is 400, never 0', () =>
  withServer({ snapshot: full() }, async server => {
    const token = await server.enrol('kiosk-7');
    const answer = await server.call('GET', '/v1/agent/update', { token });
    assert.is(answer.status, 400);
    assert.is(answer.headers['content-type'], 'application/problem+json');
    assert.is(answer.json.code, 'query_invalid');
    assert.equal(server.of('ota.manifest.304'), []);
  }));

test('a wrong query is 400, an unknown name in it is ignored', () =>
  withServer({ snapshot: full(), settings: { checksPerMinute: 1000 } }, async server => {
    const token = await server.enrol('kiosk-7');
    const wrong = [
      'version_code=',
      'version_code=-1',
      'version_code=4.2',
      'version_code=99999999999',
      'version_code=0x29',
      'version_code=41&version_code=42',
      'version_code=41&build_id=../etc',
      'version_code=41&sdk=latest',
      'version_code=41&signer=abc',
      'version_code=41&build_id=%E0%A4%A',
      `version_code=41&x=${'y'.repeat(1100)}`,
    ];
    for (const query of wrong) {
      const answer = await server.call('GET', `/v1/agent/update?${query}`, { token });
      assert.is(answer.status, 400, query);
      assert.is(answer.json.code, 'query_invalid', query);
    }
    const fine = [
      'version_code=41&battery=80',
      '&&version_code=%34%31',
      `version_code=41&signer=${SIGNER.toUpperCase()}`,
    ];
    for (const query of fine)
      assert.is((await server.call('GET', `/v1/agent/update?${query}`, { token })).status, 200, query);
    const id = await server.call('GET', '/v1/agent/update?version_code=41', {
      token,
      headers: { 'Ota-Request-Id': 'x y' },
    });
    assert.is(id.json.code, 'request_id_invalid');
  }));

test('before the first release was applied a check is 503 with Retry-After', () =>
  withServer({}, async server => {
    const token = await server.enrol('kiosk-7');
    const answer = await server.call('GET', '/v1/agent/update?version_code=41', { token });
    assert.is(answer.status, 503);
    assert.is(answer.json.code, 'not_ready');
    assert.ok(Number(answer.headers['retry-after']) > 0);
    assert.is((await server.call('GET', '/readyz')).status, 503);
    assert.is((await server.call('GET', '/healthz')).status, 200);
  }));

test('an agent that asks again before it installs does not count as a second offer, and HEAD does not count as a check', () =>
  withServer({ snapshot: aSnapshot(aState({ rollout: 100 })) }, async server => {
    const token = await server.enrol('kiosk-7');
    const other = await server.enrol('kiosk-8');
    const check = (method: string, id: string | undefined, bearer = token) =>
      server.call(method, '/v1/agent/update?version_code=41', {
        token: bearer,
        headers: id === undefined ? {} : { 'Ota-Request-Id': id },
      });
    const head = await check('HEAD', 'request-1');
    assert.equal([head.status, head.body.length, head.headers['ota-request-id']], [200, 0, 'request-1']);
    await eventually(() => server.of('ota.http').some(e => e.method === 'HEAD'));
    assert.equal(server.of('ota.manifest.200'), []);
    assert.is((await server.store.devices.get('kiosk-7'))?.lastSeenMs, undefined);
    for (const id of ['request-1', 'request-1', 'request-2', undefined, undefined]) await check('GET', id);
    await check('GET', 'request-1', other);
    await eventually(() => server.of('ota.manifest.200').length >= 6);
    assert.equal(
      server.of('ota.manifest.200').map(e => e.repeated),
      [false, true, false, false, false, false],
    );
    const builds = [...(server.world.snapshot?.state.builds.values() ?? [])].map(b =>
      b.buildId === 'b42' ? { ...b, buildId: 'b43', versionCode: 43 } : b,
    );
    server.world.snapshot = aSnapshot(
      aState({ rollout: { current: 'b43', exposure: { kind: 'percent', percent: 100 } }, builds }),
    );
    await check('GET', 'request-2');
    await eventually(() => server.of('ota.manifest.200').length >= 7);
    assert.is(server.of('ota.manifest.200')[6]?.repeated, false, 'another build');
  }));

test('If-None-Match: * gets 304', () =>
  withServer({ snapshot: aSnapshot(aState({ rollout: 0 })) }, async server => {
    const token = await server.enrol('kiosk-7');
    const status = async (tag: string) =>
      (
        await server.call('GET', '/v1/agent/update?version_code=41', {
          token,
          headers: { 'If-None-Match': tag },
        })
      ).status;
    for (const tag of ['*', ' * ', 'W/"none"', '"a", "none"']) assert.is(await status(tag), 304, tag);
    for (const tag of ['"a"', 'none', '"*"', '**']) assert.is(await status(tag), 204, tag);
  }));

test('a device that asks too often gets 429 with Retry-After and another does not', () =>
  withServer({ snapshot: full(), settings: { checksPerMinute: 3 } }, async server => {
    const [one, two] = [await server.enrol('one'), await server.enrol('two')];
    const ask = (token: string) => server.call('GET', '/v1/agent/update?version_code=41', { token });
    const statuses: number[] = [];
    for (let i = 0; i < 4; i++) statuses.push((await ask(one)).status);
    assert.equal(statuses, [200, 200, 200, 429]);
    const limited = await ask(one);
    assert.is(limited.json.code, 'rate_limited');
    assert.is(limited.headers['retry-after'], '20');
    assert.is((await ask(two)).status, 200);
    server.world.monotonicMs += 20_000;
    assert.is((await ask(one)).status, 200);
  }));

test('the check-in is recorded: the device is known by what it said', () =>
  withServer({ snapshot: full() }, async server => {
    const token = await server.enrol('kiosk-7');
    await server.call('GET', `/v1/agent/update?version_code=41&build_id=b41&sdk=33&signer=${SIGNER}`, {
      token,
    });
    const row = await server.store.devices.get('kiosk-7');
    assert.equal(
      [row?.versionCode, row?.buildId, row?.sdk, row?.signer, row?.lastSeenMs],
      [41, 'b41', 33, SIGNER, NOW_MS],
    );
  }));

test('10 % offers current to the exposed tenth and holds the others outside the cohort', () =>
  withServer({ snapshot: aSnapshot(aState({ rollout: 10 })) }, async server => {
    const token = await server.admin('devices');
    const rows = Array.from({ length: 400 }, (_, i) => ({ device_id: `device-${i}` }));
    const imported = (await server.call('POST', '/v1/devices/import', { token, json: rows })).json;
    let offered = 0;
    for (const device of imported.devices) {
      const answer = await server.call('GET', '/v1/agent/update?version_code=41', { token: device.token });
      if (answer.status === 200) offered += 1;
      else assert.is(answer.headers['ota-decision'], 'outside_cohort');
    }
    assert.ok(offered >= 20 && offered <= 60, `${offered} of 400`);
    assert.is(server.of('ota.manifest.200').length, offered);
  }));

test.run();
