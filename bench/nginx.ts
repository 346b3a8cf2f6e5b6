/** nginx on loopback with one worker, sendfile, and everything it writes in a folder of its own. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { onPath, type Server, startPinned } from './pinned.ts';

const READY_MS = 10_000;

/** It cannot be told to take any free port, so one is found for it. */
function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as AddressInfo;
      probe.close(() => resolve(port));
    });
  });
}

const TEMPORARY = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];

function configuration(folder: string, root: string, port: number): string {
  const temporary = TEMPORARY.map(name => `  ${name}_temp_path ${folder}/${name};`).join('\n');
  return `daemon off;
master_process off;
worker_processes 1;
pid ${folder}/nginx.pid;
error_log ${folder}/error.log;
events { worker_connections 256; }
http {
${temporary}
  access_log ${folder}/access.log;
  sendfile on;
  tcp_nopush on;
  keepalive_requests 1000000;
  default_type application/vnd.android.package-archive;
  server {
    listen 127.0.0.1:${port};
    root ${root};
  }
}
`;
}

/** Serves the files of `root`; undefined where nginx is not installed. */
export async function startNginx(
  folder: string,
  root: string,
  core: number | undefined,
): Promise<Server | undefined> {
  const nginx = onPath('nginx');
  if (nginx === undefined) return undefined;
  mkdirSync(folder, { recursive: true });
  const port = await freePort();
  const file = path.join(folder, 'nginx.conf');
  writeFileSync(file, configuration(folder, root, port));
  const args = ['-p', folder, '-c', file, '-e', path.join(folder, 'error.log')];
  return startPinned(core, nginx, args, { stdio: ['ignore', 'ignore', 'inherit'] }, () =>
    answering(`http://127.0.0.1:${port}`),
  );
}

async function answering(url: string): Promise<string> {
  const giveUpMs = performance.now() + READY_MS;
  while (performance.now() < giveUpMs) {
    const up = await fetch(url).then(
      answer => answer.text().then(() => true),
      () => false, // not yet: asked again until the bound
    );
    if (up) return url;
    await wait(25);
  }
  throw new Error('nginx did not answer');
}
