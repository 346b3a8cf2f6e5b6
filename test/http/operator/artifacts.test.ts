/** Uploads over HTTP: SPEC §6. */
import { once } from 'node:events';
import { readdir, readFile, truncate } from 'node:fs/promises';
import { connect } from 'node:net';
import path from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { anApk, eventually, sha256Of, type TestServer, withServer } from '../../support/http.ts';

const { apk, build } = await anApk(42, { sizeBytes: 500_000 });
const APK = 'application/vnd.android.package-archive';

const put = async (server: TestServer, sha256: string, body: Buffer, type = APK) =>
  server.call('PUT', `/v1/artifacts/${sha256}`, { token: await server.admin('artifacts'), body, type });

test('an APK is uploaded, stored under its hash, and uploaded again without harm', () =>
  withServer({}, async server => {
    const first = await put(server, build.sha256, apk);
    assert.equal(
      [first.status, first.json],
      [201, { sha256: build.sha256, size_bytes: apk.length, created: true, repaired: false }],
    );
    assert.is((await put(server, build.sha256, apk, 'application/octet-stream')).status, 200);
    const listed = await server.call('GET', '/v1/artifacts', { token: await server.admin('read') });
    assert.equal([listed.json.used_bytes, listed.json.artifacts.length], [apk.length, 1]);
    assert.equal(
      server.of('ota.artifact.stored').map(e => e.bytes),
      [apk.length],
    );
    const { events } = (await server.call('GET', '/v1/events', { token: await server.admin('read') })).json;
    assert.equal(
      events.map((e: { action: string; subject: string }) => [e.action, e.subject]),
      [['artifact.put', build.sha256]],
    );
  }));

test('an APK that was cut short on the disk is replaced by uploading it again, and the audit says so', () =>
  withServer({}, async server => {
    await put(server, build.sha256, apk);
    await truncate(path.join(server.artifactFolder, `${build.sha256}.apk`), 100);
    const again = await put(server, build.sha256, apk);
    assert.equal([again.status, again.json.created, again.json.repaired], [200, false, true]);
    assert.ok((await readFile(path.join(server.artifactFolder, `${build.sha256}.apk`))).equals(apk));
    assert.is(server.of('ota.artifact.repaired')[0]?.sha256, build.sha256);
    const { events } = (await server.call('GET', '/v1/events', { token: await server.admin('read') })).json;
    assert.equal(events.map((e: { action: string }) => e.action).sort(), ['artifact.put', 'artifact.repair']);
  }));

test('a truncated, wrong-hash or unsigned upload is 422, an oversized one 413, and nothing is left', () =>
  withServer({ settings: { artifactMaxBytes: apk.length } }, async server => {
    const unsigned = Buffer.from('PK\x03\x04 this is no APK');
    const refused = async (sha256: string, body: Buffer) => {
      const answer = await put(server, sha256, body);
      return [answer.status, answer.json.code, answer.json.reason];
    };
    assert.equal(await refused(build.sha256, apk.subarray(0, -1)), [422, 'sha256_mismatch', undefined]);
    assert.equal(await refused('0'.repeat(64), apk), [422, 'sha256_mismatch', undefined]);
    assert.equal(await refused(sha256Of(unsigned), unsigned), [422, 'artifact_rejected', 'not_a_zip']);
    assert.equal(await refused('f'.repeat(64), Buffer.alloc(apk.length + 1)), [
      413,
      'body_too_large',
      undefined,
    ]);
    assert.equal(await refused('nothex', apk), [400, 'path_invalid', undefined]);
    assert.is((await put(server, build.sha256, apk, 'text/plain')).status, 415);
    assert.equal(await readdir(server.artifactFolder), []);
    assert.equal(
      server.of('ota.artifact.rejected').map(e => e.code),
      ['sha256_mismatch', 'sha256_mismatch', 'not_a_zip'],
    );
  }));

test('an upload without a length is cut at the limit, and the answer says so', () =>
  withServer({ settings: { artifactMaxBytes: 100_000 } }, async server => {
    const token = await server.admin('artifacts');
    const socket = connect(server.listener.port, '127.0.0.1');
    socket.on('error', () => undefined);
    let text = '';
    socket.on('data', chunk => {
      text += chunk;
    });
    await once(socket, 'connect');
    socket.write(
      `PUT /v1/artifacts/${build.sha256} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\nContent-Type: ${APK}\r\nTransfer-Encoding: chunked\r\n\r\n`,
    );
    for (let i = 0; i < 10; i++) socket.write(`8000\r\n${'x'.repeat(32_768)}\r\n`);
    await eventually(() => text.includes('too_large'));
    assert.match(text, /^HTTP\/1\.1 413 /);
    socket.destroy();
    assert.equal(await readdir(server.artifactFolder), []);
  }));

test('an upload that is broken off leaves nothing behind', () =>
  withServer({}, async server => {
    const token = await server.admin('artifacts');
    const socket = connect(server.listener.port, '127.0.0.1');
    await once(socket, 'connect');
    socket.write(
      `PUT /v1/artifacts/${build.sha256} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\nContent-Type: ${APK}\r\nContent-Length: ${apk.length}\r\n\r\n`,
    );
    socket.write(apk.subarray(0, 200_000));
    await eventually(async () => (await readdir(server.artifactFolder)).length > 0);
    assert.is((await readdir(server.artifactFolder)).length, 1);
    socket.destroy();
    await eventually(async () => (await readdir(server.artifactFolder)).length === 0);
    assert.equal(await readdir(server.artifactFolder), []);
    assert.is(server.of('ota.artifact.rejected')[0]?.code, 'body_aborted');
  }));

test('beyond the quota an upload is 507', () =>
  withServer({ quotaBytes: apk.length - 1 }, async server => {
    const answer = await put(server, build.sha256, apk);
    assert.equal([answer.status, answer.json.code], [507, 'quota_exceeded']);
    assert.equal(await readdir(server.artifactFolder), []);
  }));

test('uploads need the scope', () =>
  withServer({}, async server => {
    const token = await server.admin('read', 'devices', 'reconcile');
    const answer = await server.call('PUT', `/v1/artifacts/${build.sha256}`, { token, body: apk, type: APK });
    assert.is(answer.status, 403);
    assert.equal(await readdir(server.artifactFolder), []);
  }));

test.run();
