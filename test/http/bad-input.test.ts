/** Hostile requests: each gets its own stable code as problem+json, nothing is lost, and no stack leaves. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Fault } from '../../controller/domain/fault.ts';
import { eventually, type TestServer, withServer } from '../support/http.ts';
import { rawConnection, requestHead } from '../support/raw.ts';
import { aSnapshot, aState } from '../support/state.ts';

const full = () => aSnapshot(aState({ rollout: 100 }));

const raw = (server: TestServer) => rawConnection(server.listener.port);

test('a body that is not JSON is 400, of another type 415, and neither is echoed', () =>
  withServer({ snapshot: full() }, async server => {
    const token = await server.enrol('kiosk-7');
    const post = (body: string | Buffer, type: string) =>
      server.call('POST', '/v1/action-result', { token, body, type });
    for (const body of ['{"request_id":', '', 'secret-text', '[1,]', Buffer.from([0x22, 0xff, 0xfe, 0x22])]) {
      const answer = await post(body, 'application/json; charset=utf-8');
      assert.equal([answer.status, answer.json.code], [400, 'json_malformed']);
      assert.not.match(answer.body.toString(), 'secret-text');
    }
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'application/jsonp']) {
      const answer = await post('{}', type);
      assert.equal(
        [answer.status, answer.json.code, answer.headers.accept],
        [415, 'media_type_unsupported', 'application/json'],
      );
    }
  }));

test('10 MB of JSON are refused by their length before they are read', () =>
  withServer({ snapshot: full() }, async server => {
    const token = await server.enrol('kiosk-7');
    const { socket, text, closed } = await raw(server);
    const headers = {
      Authorization: `Bearer ${token}`,
      'Content-Type': 'application/json',
      'Content-Length': '10000000',
    };
    socket.write(requestHead('POST /v1/action-result', headers));
    await eventually(() => text().includes('body_too_large'));
    assert.match(text(), /^HTTP\/1\.1 413 /);
    assert.match(text(), /\r\nConnection: close\r\n/i);
    await closed;
  }));

test('10 MB of JSON without a length are refused early, and the rest is not read', () =>
  withServer({ snapshot: full() }, async server => {
    const token = await server.enrol('kiosk-7');
    const { socket, text, closed } = await raw(server);
    const headers = {
      Authorization: `Bearer ${token}`,
      'Content-Type': 'application/json',
      'Transfer-Encoding': 'chunked',
    };
    socket.write(requestHead('POST /v1/action-result', headers));
    const piece = `10000\r\n${'['.repeat(65_536)}\r\n`;
    let taken = 0;
    // Four times as much, since the kernel's buffers alone may take ten.
    for (let i = 0; i < 640; i++) socket.write(piece, error => void (error ?? taken++));
    await eventually(() => text().includes('body_too_large'));
    assert.match(text(), /^HTTP\/1\.1 413 /);
    await closed;
    assert.ok(taken < 640, `${taken} of 640 pieces were taken`);
    assert.is((await server.call('GET', '/healthz')).status, 200);
  }));

test('a client that waits for 100 Continue is refused before it sends, and asked to send otherwise', () =>
  withServer({ snapshot: full() }, async server => {
    const token = await server.enrol('kiosk-7');
    const ask = async (length: number) => {
      const { socket, text } = await raw(server);
      const headers = {
        Authorization: `Bearer ${token}`,
        'Content-Type': 'application/json',
        'Content-Length': String(length),
        Expect: '100-continue',
      };
      socket.write(requestHead('PUT /v1/agent/push-token', headers));
      await eventually(() => text().includes('\r\n\r\n'));
      return { socket, text };
    };
    const refused = await ask(10_000_000);
    assert.match(refused.text(), /^HTTP\/1\.1 413 /);
    refused.socket.destroy();
    const body = JSON.stringify({ fcm_token: 'abc' });
    const taken = await ask(body.length);
    assert.match(taken.text(), /^HTTP\/1\.1 100 /);
    taken.socket.write(body);
    await eventually(() => taken.text().includes('HTTP/1.1 204'));
    assert.match(taken.text(), /HTTP\/1\.1 204 /);
    taken.socket.destroy();
  }));

test('a body that ends early changes nothing', () =>
  withServer({ snapshot: full() }, async server => {
    const token = await server.enrol('kiosk-7');
    const { socket, closed } = await raw(server);
    const headers = {
      Authorization: `Bearer ${token}`,
      'Content-Type': 'application/json',
      'Content-Length': '200',
    };
    socket.write(`${requestHead('PUT /v1/agent/push-token', headers)}{"fcm_token":"abc"}`);
    socket.end();
    await closed;
    const [scanned] = await server.store.devices.scan({ limit: 1 });
    assert.is(scanned?.pushToken, undefined);
  }));

test('a body of a refused request is not read, and the answer says that the connection closes', () =>
  withServer({ snapshot: full() }, async server => {
    const lines = ['POST /v1/action-result', 'GET /v1/agent/update?version_code=41', 'POST /nowhere'];
    for (const line of [...lines, 'PUT /v1/rollout', 'POST /v1/devices/import']) {
      const { socket, text, closed } = await raw(server);
      socket.write(requestHead(line, { 'Content-Length': '1000000000' }));
      await closed;
      assert.match(text(), /^HTTP\/1\.1 4/, line);
      assert.match(text(), /\r\nConnection: close\r\n/i, line);
    }
  }));

test('a client that reads only after writing gets the answer, not a connection reset', () =>
  withServer({ snapshot: full() }, async server => {
    const token = await server.enrol('kiosk-7');
    const { socket, text } = await raw(server);
    socket.pause();
    const headers = {
      Authorization: `Bearer ${token}`,
      'Content-Type': 'application/json',
      'Content-Length': '10000000',
    };
    socket.write(requestHead('POST /v1/action-result', headers));
    await eventually(() => server.of('ota.http').some(e => e.status === 413));
    const piece = Buffer.alloc(10_000, 'x');
    // Each turn gives a reset of the server's side the time to arrive.
    for (let i = 0; i < 100; i++) await new Promise(resolve => socket.write(piece, resolve));
    socket.resume();
    await eventually(() => text().includes('body_too_large'));
    assert.match(text(), /^HTTP\/1\.1 413 /);
    socket.destroy();
  }));

test('an unknown Expect is 417, as a problem', () =>
  withServer({ snapshot: full() }, async server => {
    for (const line of ['GET /v1/agent/update?version_code=41', 'POST /v1/action-result', 'GET /healthz']) {
      const { socket, text } = await raw(server);
      socket.write(requestHead(line, { Expect: 'a-miracle' }));
      await eventually(() => text().includes('expectation_failed'));
      assert.match(text(), /^HTTP\/1\.1 417 /, line);
      socket.destroy();
    }
  }));

test('a client that names the whole URL, as proxies do, gets the same answer', () =>
  withServer({ snapshot: full() }, async server => {
    const token = await server.enrol('kiosk-7');
    const admin = await server.admin('read');
    const ask = async (target: string, bearer: string) => {
      const { socket, text } = await raw(server);
      socket.write(requestHead(`GET ${target}`, { Authorization: `Bearer ${bearer}`, Connection: 'close' }));
      await eventually(() => socket.readableEnded);
      return text().split('\r\n', 1)[0];
    };
    const check = '/v1/agent/update?version_code=41';
    for (const origin of ['', 'http://ota.example', 'HTTPS://user@ota.example:8443']) {
      assert.is(await ask(origin + check, token), 'HTTP/1.1 200 OK', origin);
      assert.is(await ask(`${origin}/v1/devices?limit=1`, admin), 'HTTP/1.1 200 OK', origin);
      assert.is(await ask(`${origin}/healthz`, admin), 'HTTP/1.1 200 OK', origin);
    }
    assert.is(await ask('http://ota.example', admin), 'HTTP/1.1 404 Not Found');
    assert.is(await ask('http://ota.example?x=/healthz', admin), 'HTTP/1.1 404 Not Found');
    assert.is(server.of('ota.manifest.200').length, 3);
    assert.is(server.of('ota.manifest.200')[2]?.versionCode, 41);
  }));

test('behind a proxy that keeps the path of the public URL, and behind one that strips it', () =>
  withServer({ snapshot: full(), settings: { publicUrl: 'https://example.com/ota' } }, async server => {
    const token = await server.enrol('kiosk-7');
    for (const base of ['', '/ota']) {
      const answer = await server.call('GET', `${base}/v1/agent/update?version_code=41`, { token });
      assert.is(answer.status, 200, base);
      assert.is(answer.json.url, 'https://example.com/ota/v1/agent/builds/b42/apk');
      const other = await server.call('GET', `${base}/v1/agent/builds/b42/apk`, { token });
      assert.equal([other.status, other.json.code], [503, 'artifact_missing'], base);
    }
    for (const path of ['/otaa/healthz', '/ota', '/ota/ota/healthz', '/other/healthz'])
      assert.is((await server.call('GET', path)).status, 404, path);
  }));

test('an unknown route is 404, a wrong method 405 with Allow, both as problems', () =>
  withServer({ snapshot: full() }, async server => {
    for (const path of [
      '/',
      '/v1',
      '/v1/agent/update/',
      '/v1/agent/updates',
      '/V1/devices',
      '/v1/devices/',
      '/%00',
      '/v1/devices/%E0%A4%A',
    ]) {
      const answer = await server.call('GET', path, { token: await server.admin('admin') });
      assert.ok(answer.status === 404 || answer.status === 400, `${path} ${answer.status}`);
      assert.is(answer.headers['content-type'], 'application/problem+json');
    }
    const wrong: [string, string, string][] = [
      ['POST', '/v1/agent/update', 'HEAD, GET'],
      ['PATCH', '/v1/devices', 'POST, HEAD, GET'],
      ['GET', '/v1/reconcile', 'POST'],
      ['PUT', '/v1/rollout', 'HEAD, GET'],
    ];
    for (const [method, path, allow] of wrong) {
      const answer = await server.call(method, path);
      assert.is(answer.status, 405, path);
      assert.is(answer.json.code, 'method_not_allowed');
      assert.equal(answer.headers.allow?.split(', ').sort(), allow.split(', ').sort(), path);
    }
  }));

test('a failure inside is a 500 or 503 with a code, an error line, and neither stack nor cause', () =>
  withServer({ snapshot: full() }, async server => {
    const token = await server.admin('read');
    const breakWith = (error: Error) => {
      Object.assign(server.store.audit, { list: () => Promise.reject(error) });
      return server.call('GET', '/v1/events', { token });
    };
    const bug = await breakWith(new TypeError('cannot read /secret/path'));
    assert.equal([bug.status, bug.json.code], [500, 'internal']);
    const world = await breakWith(new Fault('store_busy', 'database at /secret/path', { retry: 'backoff' }));
    assert.equal([world.status, world.json.code], [503, 'unavailable']);
    assert.ok(Number(world.headers['retry-after']) > 0);
    for (const answer of [bug, world]) assert.not.match(answer.body.toString(), /secret|node_modules|at \w+/);
    assert.equal(
      server.of('ota.http.fail').map(e => [e.route, e.code]),
      [
        ['/v1/events', 'internal'],
        ['/v1/events', 'store_busy'],
      ],
    );
  }));

test('a controller that lost its lease refuses devices, so that they ask the new leader', () =>
  withServer({ snapshot: full() }, async server => {
    const token = await server.admin('read');
    const overtaken = new Fault('lease_lost', 'another controller has taken over', { retry: 'never' });
    Object.assign(server.store.audit, { list: () => Promise.reject(overtaken) });
    const answer = await server.call('GET', '/v1/events', { token });
    assert.equal([answer.status, answer.json.code], [503, 'unavailable']);
    assert.ok(Number(answer.headers['retry-after']) > 0);
  }));

test('a full disk is 503 with a time to come again for a device, 507 for an upload', () =>
  withServer({ snapshot: full() }, async server => {
    const token = await server.enrol('kiosk-7');
    const operator = await server.admin('artifacts');
    const fail = () => Promise.reject(new Fault('disk_full', 'full', { retry: 'backoff' }));
    Object.assign(server.store.outcomes, { report: fail });
    Object.assign(server.artifacts, { put: fail });
    const json = {
      request_id: 'aaaaaaaa-1',
      build_id: 'b42',
      outcome: 'ok',
      reason: 'installed',
      version_code: 42,
    };
    const result = await server.call('POST', '/v1/action-result', { token, json });
    assert.equal([result.status, result.json.code], [503, 'unavailable']);
    assert.ok(Number(result.headers['retry-after']) > 0);
    const body = Buffer.from('apk');
    const upload = await server.call('PUT', `/v1/artifacts/${'a'.repeat(64)}`, {
      token: operator,
      body,
      type: 'application/octet-stream',
    });
    assert.equal([upload.status, upload.json.code], [507, 'disk_full']);
    assert.is((await server.call('GET', '/v1/agent/update?version_code=41', { token })).status, 200);
  }));

test('a body in broken chunks is the fault of the client and no failure of ours', () =>
  withServer({ snapshot: full() }, async server => {
    const token = await server.enrol('kiosk-7');
    const { socket, text, closed } = await raw(server);
    const headers = {
      Authorization: `Bearer ${token}`,
      'Content-Type': 'application/json',
      'Transfer-Encoding': 'chunked',
    };
    socket.write(`${requestHead('POST /v1/action-result', headers)}fffffffffffffffff\r\n{}\r\n`);
    await closed;
    assert.match(text(), /^HTTP\/1\.1 400 /);
    await eventually(() => server.of('ota.http').some(e => e.route === '/v1/action-result'));
    assert.equal(server.of('ota.http.fail'), []);
  }));

test('bytes that are not HTTP are answered and do not affect other clients', () =>
  withServer({ snapshot: full() }, async server => {
    for (const bytes of [
      '\x16\x03\x01\x02\x00',
      'GET\r\n\r\n',
      'GET / HTTP/9.9\r\n\r\n',
      `GET /${'x'.repeat(100_000)} HTTP/1.1\r\n\r\n`,
    ]) {
      const { socket, closed } = await raw(server);
      socket.write(bytes);
      await closed;
    }
    assert.is((await server.call('GET', '/healthz')).status, 200);
  }));

test('a device that sends too much is 429 on every route', () =>
  withServer({ snapshot: full(), settings: { requestsPerMinute: 2 } }, async server => {
    const token = await server.enrol('kiosk-7');
    const put = () => server.call('PUT', '/v1/agent/push-token', { token, json: { fcm_token: 'abc' } });
    assert.equal([(await put()).status, (await put()).status, (await put()).status], [204, 204, 429]);
  }));

test.run();
