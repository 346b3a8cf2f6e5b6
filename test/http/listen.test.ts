/** Listening sockets: TLS or loopback, a port in use, two faces, and an end that lets requests finish. */
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { get, type RequestListener } from 'node:http';
import { connect } from 'node:net';
import path from 'node:path';
import { Agent, request } from 'undici';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Fault } from '../../controller/domain/fault.ts';
import { type ListenOptions, listen } from '../../controller/http/listen.ts';
import { withFolder } from '../support/folder.ts';
import { call, eventually, withServer } from '../support/http.ts';
import { rawConnection, requestHead } from '../support/raw.ts';

const hello: RequestListener = (_req, res) => res.end('hello');
const LOOPBACK = { host: '127.0.0.1', port: 0 };

async function faultOf(options: ListenOptions): Promise<Fault> {
  try {
    await (await listen(options)).close(0);
  } catch (error) {
    if (error instanceof Fault) return error;
    throw error;
  }
  throw new Error('it listened');
}

test('a port in use is named in a clear error', async () => {
  const first = await listen({ ...LOOPBACK, handler: hello });
  try {
    const fault = await faultOf({ host: '127.0.0.1', port: first.port, handler: hello });
    assert.is(fault.code, 'port_in_use');
    assert.match(fault.message, new RegExp(`127\\.0\\.0\\.1:${first.port} is in use`));
  } finally {
    await first.close(0);
  }
});

test('plain HTTP beyond loopback is refused unless a trusted proxy ends TLS', async () => {
  for (const host of ['0.0.0.0', '::', '10.1.2.3', 'example.com', '127.evil.example'])
    assert.is((await faultOf({ host, port: 0, handler: hello })).code, 'insecure_listener', host);
  const proxied = await listen({ host: '0.0.0.0', port: 0, trustedProxy: true, handler: hello });
  await proxied.close(0);
  for (const host of ['127.0.0.1', '127.0.0.53', 'localhost'])
    await (await listen({ host, port: 0, handler: hello })).close(0);
});

test('an address that is not ours is named', async () => {
  const fault = await faultOf({ host: '192.0.2.1', port: 0, trustedProxy: true, handler: hello });
  assert.is(fault.code, 'address_unavailable');
});

test('with a certificate it speaks TLS, and a broken one is refused', () =>
  withFolder(async folder => {
    const [key, cert] = ['key.pem', 'cert.pem'].map(name => path.join(folder, name)) as [string, string];
    const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1'];
    const make = [
      'req',
      '-x509',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:P-256',
      '-nodes',
      '-days',
      '2',
    ];
    execFileSync('openssl', [...make, ...subject, '-keyout', key, '-out', cert], { stdio: 'ignore' });
    const tls = { cert: readFileSync(cert), key: readFileSync(key) };
    const listener = await listen({ ...LOOPBACK, tls, handler: hello });
    const dispatcher = new Agent({ connect: { ca: tls.cert } });
    try {
      assert.match(listener.url, /^https:/);
      const answer = await request(listener.url, { dispatcher });
      assert.is(await answer.body.text(), 'hello');
      await (await listen({ host: '0.0.0.0', port: 0, tls, handler: hello })).close(0);
    } finally {
      await dispatcher.close();
      await listener.close(0);
    }
    assert.is(
      (await faultOf({ ...LOOPBACK, tls: { ...tls, key: 'nonsense' }, handler: hello })).code,
      'tls_invalid',
    );
  }));

test('closing accepts no more connections, lets running requests finish and closes idle ones at once', async () => {
  let finish: () => void = () => assert.unreachable();
  const slow: RequestListener = (req, res) => {
    if (req.url === '/slow') finish = () => res.end('done');
    else res.end('hello');
  };
  const listener = await listen({ ...LOOPBACK, handler: slow });
  const idle = connect(listener.port, '127.0.0.1');
  await once(idle, 'connect');
  idle.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
  await once(idle, 'data');
  const answer = new Promise<string>((resolve, reject) => {
    get(`${listener.url}/slow`, res => {
      let text = '';
      res.on('data', chunk => {
        text += chunk;
      });
      res.on('end', () => resolve(text));
    }).on('error', reject);
  });
  let begun = false;
  const started = finish;
  await eventually(() => {
    begun = finish !== started;
    return begun;
  });
  // An hour: what waited for the end of the grace would never be seen to close.
  const closed = listener.close(3_600_000);
  await once(idle, 'close');
  const refused = connect(listener.port, '127.0.0.1');
  const [error] = await once(refused, 'error').catch((e: Error) => [e]);
  assert.is((error as NodeJS.ErrnoException).code, 'ECONNREFUSED');
  finish();
  assert.is(await answer, 'done');
  await closed;
});

test('while it stops, every answer says that the connection closes', async () => {
  let finish: () => void = () => assert.unreachable();
  const listener = await listen({
    ...LOOPBACK,
    handler: (req, res) => {
      if (req.url === '/slow') finish = () => res.end('done');
      else res.end('hello');
    },
  });
  const { socket, text, closed } = await rawConnection(listener.port);
  socket.write(requestHead('GET /slow') + requestHead('GET /next'));
  const started = finish;
  await eventually(() => finish !== started);
  const stopped = listener.close(3_600_000);
  finish();
  await closed;
  await stopped;
  assert.match(text(), /done$|hello$/);
  assert.match(text(), /\r\nConnection: close\r\n/i);
});

test('a request that does not end is cut when the grace is over', async () => {
  let begun = false;
  const listener = await listen({
    ...LOOPBACK,
    handler: () => {
      begun = true;
    },
  });
  const socket = connect(listener.port, '127.0.0.1');
  socket.on('error', () => undefined);
  socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
  await eventually(() => begun);
  await listener.close(20);
  await eventually(() => socket.destroyed || socket.readableEnded);
  socket.destroy();
  await listener.close(20);
});

test('two listeners: the public one serves no operator route, the other no agent route', () =>
  withServer({ settings: { openMetrics: true } }, async server => {
    const agent = await listen({ ...LOOPBACK, handler: server.face.agent });
    const operator = await listen({ ...LOOPBACK, handler: server.face.operator });
    try {
      const status = async (base: string, target: string) => (await call(base, 'GET', target)).status;
      assert.equal(
        [
          await status(agent.url, '/v1/agent/update?version_code=1'),
          await status(agent.url, '/healthz'),
          await status(operator.url, '/v1/rollout'),
          await status(operator.url, '/healthz'),
          await status(operator.url, '/metrics'),
        ],
        [401, 200, 401, 200, 200],
      );
      for (const [base, target] of [
        [agent.url, '/v1/rollout'],
        [agent.url, '/metrics'],
        [agent.url, '/v1/devices'],
        [operator.url, '/v1/agent/update?version_code=1'],
      ] as const) {
        const answer = await request(base + target);
        assert.is(answer.statusCode, 404, target);
        await answer.body.dump();
      }
    } finally {
      await agent.close(0);
      await operator.close(0);
    }
  }));

test.run();
