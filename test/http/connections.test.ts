/** A full listener: who waits without a request makes room, and nobody who is being served is cut. */
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { RequestListener, ServerResponse } from 'node:http';
import { connect, type Socket } from 'node:net';
import path from 'node:path';
import { Agent, request } from 'undici';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { connectionLimits, descriptorLimit } from '../../controller/http/descriptors.ts';
import { type Listener, type ListenOptions, listen } from '../../controller/http/listen.ts';
import { withFolder } from '../support/folder.ts';
import { eventually } from '../support/http.ts';
import { rawConnection, requestHead } from '../support/raw.ts';

const LOOPBACK = { host: '127.0.0.1', port: 0 };
const hello: RequestListener = (_req, res) => res.end('hello');

async function withListener(
  options: Partial<ListenOptions>,
  use: (listener: Listener) => Promise<void>,
): Promise<void> {
  const listener = await listen({ ...LOOPBACK, handler: hello, ...options });
  try {
    await use(listener);
  } finally {
    await listener.close(0);
  }
}

async function silent(port: number, count: number): Promise<{ sockets: Socket[]; open: () => number }> {
  let closed = 0;
  const sockets: Socket[] = [];
  for (let i = 0; i < count; i += 1) {
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => undefined);
    socket.on('close', () => {
      closed += 1;
    });
    // A reading socket sees the end.
    socket.resume();
    await once(socket, 'connect');
    sockets.push(socket);
  }
  return { sockets, open: () => count - closed };
}

const get = async (url: string, dispatcher?: Agent): Promise<string> => {
  const answer = await request(url, { reset: true, ...(dispatcher === undefined ? {} : { dispatcher }) });
  return answer.body.text();
};

test('a check is answered even if idle connections use up all slots', async () => {
  const told: number[] = [];
  await withListener({ maxConnections: 20, onFull: closed => void told.push(closed) }, async listener => {
    const idle = await silent(listener.port, 100);
    await eventually(() => idle.open() <= 20);
    assert.is(idle.open(), 20);
    for (let i = 0; i < 30; i += 1) assert.is(await get(listener.url), 'hello');
    // Told at once, and not again for each of the others.
    assert.equal(told, [1]);
    for (const socket of idle.sockets) socket.destroy();
  });
});

test('the connection that was idle longest without a request is closed first; one between two requests later', () =>
  withListener({ maxConnections: 3 }, async listener => {
    const between = await rawConnection(listener.port);
    between.socket.write(requestHead('GET /'));
    await eventually(() => between.text().includes('hello'));
    const old = await rawConnection(listener.port);
    const young = await rawConnection(listener.port);
    assert.is(await get(listener.url), 'hello');
    await old.closed;
    assert.not(young.socket.destroyed || between.socket.destroyed);
    const third = await rawConnection(listener.port);
    assert.is(await get(listener.url), 'hello');
    await young.closed;
    assert.not(third.socket.destroyed || between.socket.destroyed);
    third.socket.write(requestHead('GET /'));
    await eventually(() => third.text().includes('hello'));
    // Now all are between two requests: the one that has waited longest.
    const newest = await rawConnection(listener.port);
    newest.socket.write(requestHead('GET /'));
    await eventually(() => newest.text().includes('hello'));
    assert.is(await get(listener.url), 'hello');
    await between.closed;
    assert.not(third.socket.destroyed);
    for (const { socket } of [third, newest]) socket.destroy();
  }));

test('a connection whose request is being answered is never closed for another', async () => {
  const waiting: ServerResponse[] = [];
  await withListener(
    { maxConnections: 2, handler: (_req, res) => void waiting.push(res) },
    async listener => {
      const busy = [await rawConnection(listener.port), await rawConnection(listener.port)];
      for (const { socket } of busy) socket.write(requestHead('GET /'));
      await eventually(() => waiting.length === 2);
      const refused = await rawConnection(listener.port);
      await refused.closed;
      for (const res of waiting) res.end('late');
      for (const { text } of busy) {
        await eventually(() => text().includes('late'));
        assert.match(text(), /late$/);
      }
      for (const { socket } of busy) socket.destroy();
    },
  );
});

test('under TLS too, where a connection has not even finished its handshake', () =>
  withFolder(async folder => {
    const [key, cert] = ['key.pem', 'cert.pem'].map(name => path.join(folder, name)) as [string, string];
    const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'];
    const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1'];
    const options = ['req', '-x509', ...curve, ...subject, '-keyout', key, '-out', cert];
    execFileSync('openssl', options, { stdio: 'ignore' });
    const tls = { cert: readFileSync(cert), key: readFileSync(key) };
    await withListener({ maxConnections: 10, tls }, async listener => {
      const dispatcher = new Agent({ connect: { ca: tls.cert } });
      const idle = await silent(listener.port, 30);
      await eventually(() => idle.open() <= 10);
      assert.is(idle.open(), 10);
      for (let i = 0; i < 15; i += 1) assert.is(await get(listener.url, dispatcher), 'hello');
      await dispatcher.close();
      for (const socket of idle.sockets) socket.destroy();
    });
  }));

test('idle connections on one listener do not affect the other', () =>
  withListener({ maxConnections: 5 }, main =>
    withListener({ maxConnections: 5 }, async operator => {
      const idle = await silent(main.port, 40);
      const operators = await silent(operator.port, 4);
      assert.is(await get(operator.url), 'hello');
      assert.is(operators.open(), 4);
      for (const socket of [...idle.sockets, ...operators.sockets]) socket.destroy();
    }),
  ));

test('connections, downloads and the operators together leave a quarter of the descriptors free', () => {
  for (const descriptors of [256, 512, 1024, 4096, 65_536, 1_048_576]) {
    const { main, operator, downloads } = connectionLimits(descriptors, true);
    assert.ok(main + operator + downloads <= descriptors - Math.min(512, descriptors / 4), `${descriptors}`);
    assert.ok(main >= 100 && operator >= 16 && downloads >= 32, `${descriptors}`);
    assert.is(connectionLimits(descriptors, false).main, main + operator);
  }
  assert.is(connectionLimits(Number.POSITIVE_INFINITY, true).main, 16_384);
  // Too few for anything to be right: still some of each.
  const { main, operator, downloads } = connectionLimits(20, true);
  assert.equal([main, operator, downloads], [16, 8, 8]);
});

test('the limit of this process is known', () => {
  const said = execFileSync('sh', ['-c', 'ulimit -n'], { encoding: 'utf8' }).trim();
  assert.is(descriptorLimit(), said === 'unlimited' ? Number.POSITIVE_INFINITY : Number(said));
});

test.run();
