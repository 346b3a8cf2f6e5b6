/** The example configurations of nginx and HAProxy in `deploy/`, run as they are but for addresses and certificates. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import path from 'node:path';
import { eventually } from './http.ts';

export const PROXIES = ['nginx', 'haproxy'] as const;
export type ProxyName = (typeof PROXIES)[number];

const ROOT = path.resolve(import.meta.dirname, '../..');
const SEARCHED = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin` };

export const isInstalled = (name: ProxyName): boolean =>
  spawnSync(name, ['-v'], { env: SEARCHED }).error === undefined;

export interface ProxyPlan {
  /** Where devices and operators reach it, on loopback. */
  readonly agentPort: number;
  readonly operatorPort: number;
  /** `host:port` of the listeners of both controllers. */
  readonly agents: readonly [string, string];
  readonly operators: readonly [string, string];
  /** PEM files of its certificate. */
  readonly cert: string;
  readonly key: string;
}

/** Replaces every mention; a text that is not there is an error: the example has changed. */
function replaced(text: string, changes: readonly (readonly [string, string])[]): string {
  let out = text;
  for (const [from, to] of changes) {
    if (!out.includes(from)) throw new Error(`the example does not say "${from}"`);
    out = out.replaceAll(from, to);
  }
  return out;
}

/** The example with this plan's addresses, as a file that the program reads. */
export function writeConfig(name: ProxyName, folder: string, plan: ProxyPlan): string {
  const example = name === 'nginx' ? 'deploy/nginx/nexmdm-ota.conf' : 'deploy/haproxy/haproxy.cfg';
  const text = replaced(readFileSync(path.join(ROOT, example), 'utf8'), [
    ['10.0.0.11:8080', plan.agents[0]],
    ['10.0.0.12:8080', plan.agents[1]],
    ['10.0.0.11:8081', plan.operators[0]],
    ['10.0.0.12:8081', plan.operators[1]],
    ...(name === 'nginx' ? changesOfNginx(plan) : changesOfHaproxy(folder, plan)),
  ]);
  const file = path.join(folder, `${name}.conf`);
  writeFileSync(file, name === 'nginx' ? wholeNginx(folder, text) : text);
  return file;
}

const changesOfNginx = (plan: ProxyPlan): [string, string][] => [
  ['listen 443 ssl', `listen 127.0.0.1:${plan.agentPort} ssl`],
  ['listen 8443 ssl', `listen 127.0.0.1:${plan.operatorPort} ssl`],
  ['/etc/nexmdm-ota/tls/cert.pem', plan.cert],
  ['/etc/nexmdm-ota/tls/key.pem', plan.key],
];

function changesOfHaproxy(folder: string, plan: ProxyPlan): [string, string][] {
  const both = path.join(folder, 'cert-and-key.pem');
  writeFileSync(both, readFileSync(plan.cert, 'utf8') + readFileSync(plan.key, 'utf8'));
  return [
    ['bind :443 ', `bind 127.0.0.1:${plan.agentPort} `],
    ['bind :8443 ', `bind 127.0.0.1:${plan.operatorPort} `],
    ['/etc/nexmdm-ota/tls/cert-and-key.pem', both],
  ];
}

/** What Debian's nginx.conf has around the files of conf.d, but in a folder of our own. */
const wholeNginx = (folder: string, text: string): string => `
daemon off; worker_processes 1; pid ${folder}/nginx.pid; error_log ${folder}/nginx.log;
events { worker_connections 256; }
http {
  access_log off;
  client_body_temp_path ${folder}/body; proxy_temp_path ${folder}/proxy;
  fastcgi_temp_path ${folder}/f; uwsgi_temp_path ${folder}/u; scgi_temp_path ${folder}/s;
  ${text}
}
`;

const argsOf = (name: ProxyName, config: string, check: boolean): string[] =>
  name === 'nginx'
    ? [...(check ? ['-t'] : []), '-c', config, '-p', path.dirname(config)]
    : [...(check ? ['-c'] : ['-db']), '-f', config];

/** What the program says of the configuration when it only checks it. */
export function checkConfig(name: ProxyName, config: string): { ok: boolean; said: string } {
  const ran = spawnSync(name, argsOf(name, config, true), { env: SEARCHED, encoding: 'utf8' });
  return { ok: ran.status === 0, said: `${ran.stdout}${ran.stderr}` };
}

/** Runs it while `use` runs. A proxy that ends before it listens is an error with what it said. */
export async function withProxy(
  name: ProxyName,
  config: string,
  port: number,
  use: () => Promise<void>,
): Promise<void> {
  const logFile = `${config}.log`;
  const log = openSync(logFile, 'w');
  const proxy: ChildProcess = spawn(name, argsOf(name, config, false), {
    env: SEARCHED,
    stdio: ['ignore', log, log],
  });
  closeSync(log);
  const ended = once(proxy, 'exit');
  const hasEnded = (): boolean => proxy.exitCode !== null || proxy.signalCode !== null;
  try {
    await eventually(async () => hasEnded() || (await accepts(port)));
    if (hasEnded()) throw new Error(`${name} did not start: ${readFileSync(logFile, 'utf8')}`);
    await use();
  } finally {
    // Both give up open streams at once on SIGTERM.
    proxy.kill('SIGTERM');
    await ended;
  }
}

async function accepts(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  const isOpen = await Promise.race([
    once(socket, 'connect').then(() => true),
    once(socket, 'error').then(() => false),
  ]).catch(() => false);
  socket.destroy();
  return isOpen;
}
