/**
 * The examples of nginx and HAProxy in front of two listeners of a controller, with a second controller that is down:
 * TLS, the client's address, Range, uploads, refusals and the pages' event stream. Runs where they are installed.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { Readable } from 'node:stream';
import { connect } from 'node:tls';
import { Agent, request, setGlobalDispatcher } from 'undici';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Journey, withController } from '../support/controller.ts';
import { withFolder } from '../support/folder.ts';
import { call, eventually, sha256Of } from '../support/http.ts';
import { freePort } from '../support/process.ts';
import {
  checkConfig,
  isInstalled,
  PROXIES,
  type ProxyName,
  withProxy,
  writeConfig,
} from '../support/proxies.ts';

/** More than a proxy takes by default (1 MiB in nginx). */
const APK_BYTES = 3_000_000;
const APK_TYPE = 'application/vnd.android.package-archive';

interface Scene {
  readonly journey: Journey;
  /** Through the proxy. */
  readonly agents: string;
  readonly operators: string;
  readonly ca: Buffer;
}

function makeCertificate(folder: string): { cert: string; key: string } {
  const cert = path.join(folder, 'cert.pem');
  const key = path.join(folder, 'key.pem');
  const asked = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=a test proxy'];
  const out = ['-addext', 'subjectAltName=IP:127.0.0.1', '-out', cert, '-keyout', key];
  execFileSync('openssl', [...asked, ...out], { stdio: 'ignore' });
  return { cert, key };
}

/** A controller with two listeners, and beside it nobody, behind the proxy. */
const withScene = (name: ProxyName, use: (scene: Scene) => Promise<void>): Promise<void> =>
  withFolder(async folder => {
    const { cert, key } = makeCertificate(folder);
    const [agentPort, operatorPort, nobody] = [await freePort(), await freePort(), await freePort()];
    const agents = `https://127.0.0.1:${agentPort}`;
    const operators = `https://127.0.0.1:${operatorPort}`;
    const settings = {
      OTA_TRUSTED_PROXY: 'true',
      OTA_PUBLIC_URL: agents,
      OTA_OPERATOR_PORT: '0',
      OTA_OPERATOR_URL: operators,
    };
    await withController(
      async journey => {
        const config = writeConfig(name, folder, {
          agentPort,
          operatorPort,
          agents: [new URL(journey.url).host, `127.0.0.1:${nobody}`],
          operators: [new URL(journey.controller.operatorUrl).host, `127.0.0.1:${nobody}`],
          cert,
          key,
        });
        const checked = checkConfig(name, config);
        assert.ok(checked.ok, checked.said);
        assert.not.match(checked.said, /\[WARNING\]|\[warn\]/);
        const ca = readFileSync(cert);
        // A controller without a release is not ready, and the proxy would give it nothing.
        await journey.merge(100);
        setGlobalDispatcher(new Agent({ connect: { ca } }));
        await withProxy(name, config, agentPort, () => use({ journey, agents, operators, ca }));
      },
      { settings, apkBytes: APK_BYTES },
    );
  });

async function downloads({ journey, agents }: Scene): Promise<void> {
  const [device] = await journey.enrol(['kiosk-7']);
  const token = device?.token ?? '';
  const check = () => call(agents, 'GET', '/v1/agent/update?version_code=41', { token });
  const offer = await check();
  assert.is(offer.status, 200);
  assert.is(offer.json.url, `${agents}/v1/agent/builds/b42/apk`);
  const whole = await call('', 'GET', offer.json.url, { token });
  assert.equal([whole.status, whole.body.equals(journey.builds.b42.apk)], [200, true]);
  const etag = whole.headers.etag ?? '';
  const headers = { range: 'bytes=1000000-', 'if-range': etag };
  const rest = await call('', 'GET', offer.json.url, { token, headers });
  assert.equal([rest.status, rest.body.equals(journey.builds.b42.apk.subarray(1_000_000))], [206, true]);
  const none = await call(agents, 'GET', '/v1/agent/update?version_code=42', {
    token,
    headers: { 'if-none-match': '"none"' },
  });
  assert.is(none.status, 304);
  // The second controller is down: no request may notice.
  for (let n = 0; n < 20; n += 1) assert.is((await check()).status, 200);
}

async function addresses({ journey, agents }: Scene): Promise<void> {
  const failures = () => journey.log.filter(line => line.event === 'ota.auth.fail');
  const before = failures().length;
  for (const forged of ['203.0.113.9', '203.0.113.9, 198.51.100.7', '[2001:db8::1]:443', 'unknown'])
    await call(agents, 'GET', '/v1/agent/update?version_code=41', {
      token: 'v1.k1.nobody.1.AAAA',
      headers: { 'x-forwarded-for': forged, forwarded: 'for=203.0.113.9', 'x-real-ip': '203.0.113.9' },
    });
  await eventually(() => failures().length === before + 4);
  assert.equal([...new Set(failures().map(line => line.address))], ['127.0.0.1']);
}

/** In pieces, as over a slow line. */
async function uploads({ journey, operators }: Scene): Promise<void> {
  const { apk } = journey.builds.b42;
  async function* slowly(): AsyncGenerator<Buffer> {
    for (let at = 0; at < apk.length; at += 200_000) {
      yield apk.subarray(at, at + 200_000);
      await new Promise(resolve => setImmediate(resolve));
    }
  }
  const put = await request(`${operators}/v1/artifacts/${sha256Of(apk)}`, {
    method: 'PUT',
    headers: {
      authorization: `Bearer ${journey.adminToken}`,
      'content-type': APK_TYPE,
      'content-length': String(apk.length),
    },
    body: Readable.from(slowly()),
  });
  assert.ok(put.statusCode < 300, `${put.statusCode} ${await put.body.text()}`);
}

/** Refused by its headers: no proxy may wait for a body of 60 MB first. */
async function refusals({ operators, ca }: Scene): Promise<void> {
  const { port } = new URL(operators);
  const socket = connect({ port: Number(port), host: '127.0.0.1', ca });
  const answer = await new Promise<string>((resolve, reject) => {
    socket.once('error', reject);
    socket.once('data', data => resolve(String(data)));
    socket.setTimeout(20_000, () => reject(new Error('it waits for the body')));
    socket.write(
      `PUT /v1/artifacts/${'a'.repeat(64)} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nContent-Type: ${APK_TYPE}\r\n` +
        `Content-Length: 60000000\r\nAuthorization: Bearer ota_admin_wrong\r\n\r\n${'x'.repeat(10_000)}`,
    );
  }).finally(() => socket.destroy());
  assert.match(answer, /^HTTP\/1\.1 401 /);
}

async function pages({ journey, operators }: Scene): Promise<void> {
  const signIn = await request(`${operators}/sign-in`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded', origin: operators },
    body: new URLSearchParams({ token: journey.adminToken, next: '/' }).toString(),
  });
  await signIn.body.text();
  assert.is(signIn.statusCode, 303);
  const given = String(signIn.headers['set-cookie']);
  assert.match(given, /; Secure/i, 'people are on https');
  const cookie = given.split(';')[0] ?? '';
  const live = await request(`${operators}/live`, { headers: { cookie } });
  assert.is(live.statusCode, 200);
  const told = live.body[Symbol.asyncIterator]();
  let text = '';
  const hear = async (events: number): Promise<void> => {
    while (text.split('event: version').length <= events) text += String((await told.next()).value);
  };
  await hear(1);
  await journey.merge(50);
  await hear(2);
  live.body.destroy();
}

for (const name of PROXIES)
  if (isInstalled(name))
    test(`${name}: devices, operators and pages through the example, one controller being down`, () =>
      withScene(name, async scene => {
        await downloads(scene);
        await addresses(scene);
        await uploads(scene);
        await refusals(scene);
        await pages(scene);
      }));
  else test.skip(`${name} is not installed`, () => undefined);

test.run();
