/**
 * Behind nginx under a path of a shared host: with a proxy that strips the path and with one that keeps it, checks,
 * downloads and operators work alike. Runs where nginx is installed.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { type AddressInfo, connect, createServer } from 'node:net';
import path from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ota } from '../support/cli.ts';
import { type Journey, withController } from '../support/controller.ts';
import { call, eventually } from '../support/http.ts';

const isInstalled = spawnSync('nginx', ['-v']).error === undefined;

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

const configOf = (folder: string, port: number, upstream: string, passes: string): string => `
daemon off; worker_processes 1; pid ${folder}/nginx.pid; error_log ${folder}/nginx.log;
events { worker_connections 64; }
http {
  access_log off;
  client_body_temp_path ${folder}/body; proxy_temp_path ${folder}/proxy;
  fastcgi_temp_path ${folder}/f; uwsgi_temp_path ${folder}/u; scgi_temp_path ${folder}/s;
  server {
    listen 127.0.0.1:${port};
    location /ota/ {
      proxy_pass ${upstream}${passes};
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      proxy_request_buffering off;
      proxy_buffering off;
      client_max_body_size 0;
    }
  }
}
`;

async function answers(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  const isOpen = await Promise.race([
    once(socket, 'connect').then(() => true),
    once(socket, 'error').then(() => false),
  ]).catch(() => false);
  socket.destroy();
  return isOpen;
}

async function throughNginx(
  journey: Journey,
  port: number,
  passes: string,
  use: (base: string) => Promise<void>,
): Promise<void> {
  const config = path.join(journey.folder, 'nginx.conf');
  await writeFile(config, configOf(journey.folder, port, journey.url, passes));
  const nginx: ChildProcess = spawn('nginx', ['-c', config, '-p', journey.folder], { stdio: 'ignore' });
  const ended = once(nginx, 'exit');
  try {
    await eventually(() => answers(port));
    await use(`http://127.0.0.1:${port}/ota`);
  } finally {
    nginx.kill('SIGTERM');
    await ended;
  }
}

for (const [kind, passes] of [
  ['strips', '/'],
  ['keeps', ''],
] as const)
  test(`a proxy that ${kind} the path of OTA_PUBLIC_URL`, async () => {
    if (!isInstalled) return;
    const port = await freePort();
    const OTA_PUBLIC_URL = `http://127.0.0.1:${port}/ota`;
    await withController(
      async journey => {
        await journey.merge(100);
        const [device] = await journey.enrol(['kiosk-7']);
        await throughNginx(journey, port, passes, async base => {
          const token = device?.token ?? '';
          const offer = await call(base, 'GET', '/v1/agent/update?version_code=41', { token });
          assert.is(offer.status, 200);
          assert.is(offer.json.url, `${base}/v1/agent/builds/b42/apk`);
          const apk = await call('', 'GET', offer.json.url, { token });
          assert.equal([apk.status, apk.body.equals(journey.builds.b42.apk)], [200, true]);
          const part = await call('', 'GET', offer.json.url, { token, headers: { range: 'bytes=5-9' } });
          assert.equal([part.status, part.body.length], [206, 5]);
          const listed = await ota(['device', 'list', '--json'], { url: base, token: journey.adminToken });
          assert.is(listed.code, 0, listed.err);
          assert.is((await call(base, 'GET', '/v1/agent/update?version_code=41')).status, 401);
          await eventually(() => journey.log.some(line => line.event === 'ota.auth.fail'));
          assert.is(journey.log.find(line => line.event === 'ota.auth.fail')?.address, '127.0.0.1');
        });
      },
      { settings: { OTA_PUBLIC_URL, OTA_TRUSTED_PROXY: 'true' } },
    );
  });

test.run();
