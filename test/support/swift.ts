/**
 * A real S3 API on loopback: OpenStack Swift from Debian, one node with one copy of everything, in memory. Path style,
 * region us-east-1. Its key and secret are put where the client looks for them first, in the environment of this process.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import type { BucketPlace } from '../../controller/artifacts/bucket.ts';
import { until } from './folder.ts';
import { freePort } from './process.ts';

const KINDS = ['account', 'container', 'object'] as const;
type Kind = (typeof KINDS)[number];

export const swiftIsInstalled: boolean =
  existsSync('/usr/bin/memcached') &&
  ['proxy', ...KINDS].every(kind => existsSync(`/usr/bin/swift-${kind}-server`));

export interface Swift {
  readonly endpoint: string;
  /** Makes a bucket and says where it is. */
  bucket(name: string): Promise<BucketPlace>;
  /** The API answers no more; what it holds is kept. */
  leave(): Promise<void>;
  comeBack(): Promise<void>;
}

const ini = (sections: Readonly<Record<string, Readonly<Record<string, string | number>>>>): string =>
  Object.entries(sections)
    .map(
      ([name, values]) =>
        `[${name}]\n${Object.entries(values)
          .map(([k, v]) => `${k} = ${v}\n`)
          .join('')}`,
    )
    .join('\n');

interface Node {
  readonly folder: string;
  readonly conf: string;
  readonly ports: Readonly<Record<Kind | 'proxy' | 'memcached', number>>;
}

function writeServer({ folder, conf, ports }: Node, kind: Kind): void {
  const file = path.join(conf, `${kind}-server.conf`);
  const common = { mount_check: 'false', disable_fallocate: 'true', bind_ip: '127.0.0.1', workers: 0 };
  const where = { devices: path.join(folder, 'srv'), bind_port: ports[kind], swift_dir: conf };
  writeFileSync(
    file,
    ini({
      DEFAULT: { ...common, ...where, user: 'root' },
      'pipeline:main': { pipeline: `${kind}-server` },
      [`app:${kind}-server`]: { use: `egg:swift#${kind}` },
    }),
  );
  const ring = (...args: string[]) =>
    execFileSync('swift-ring-builder', [`${kind}.builder`, ...args], { cwd: conf, stdio: 'pipe' });
  ring('create', '4', '1', '1');
  const device = ['--ip', '127.0.0.1', '--port', String(ports[kind]), '--device', 'd1', '--weight', '1'];
  ring('add', '--region', '1', '--zone', '1', ...device);
  ring('rebalance');
}

function writeProxy({ conf, ports }: Node): void {
  const filters = ['catch_errors', 'cache', 's3api', 'tempauth'];
  writeFileSync(
    path.join(conf, 'proxy-server.conf'),
    ini({
      DEFAULT: { bind_ip: '127.0.0.1', bind_port: ports.proxy, workers: 0, user: 'root', swift_dir: conf },
      'pipeline:main': { pipeline: [...filters, 'proxy-server'].join(' ') },
      'filter:catch_errors': { use: 'egg:swift#catch_errors' },
      'filter:cache': { use: 'egg:swift#memcache', memcache_servers: `127.0.0.1:${ports.memcached}` },
      'filter:s3api': { use: 'egg:swift#s3api', s3_acl: 'no' },
      // One user who may do all, and one who may do nothing with what others own.
      'filter:tempauth': {
        use: 'egg:swift#tempauth',
        user_test_tester: 'testing .admin',
        user_test_guest: 'guesting',
      },
      'app:proxy-server': {
        use: 'egg:swift#proxy',
        account_autocreate: 'true',
        // Otherwise ten failed requests of a slow start would shut a server out for a minute.
        error_suppression_limit: 1_000_000,
      },
    }),
  );
}

const started = (command: string, args: readonly string[]): ChildProcess =>
  spawn(command, args, { stdio: 'ignore' });

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGKILL');
  await gone;
}

async function answers(endpoint: string): Promise<void> {
  for (;;) {
    const there = await fetch(endpoint).then(
      () => true,
      () => false,
    );
    if (there) return;
    await new Promise(resolve => setTimeout(resolve, 50));
  }
}

/** One server for all of `use`; it is ended afterwards and leaves nothing behind. */
export async function withSwift(use: (swift: Swift) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(path.join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'ota-swift-'));
  const conf = path.join(folder, 'conf');
  mkdirSync(conf);
  mkdirSync(path.join(folder, 'srv/d1'), { recursive: true });
  const [account, container, object, proxy, memcached] = [
    await freePort(),
    await freePort(),
    await freePort(),
    await freePort(),
    await freePort(),
  ];
  const node: Node = { folder, conf, ports: { account, container, object, proxy, memcached } };
  writeFileSync(
    path.join(conf, 'swift.conf'),
    ini({
      'swift-hash': { swift_hash_path_prefix: 'p', swift_hash_path_suffix: 's' },
      'storage-policy:0': { name: 'one', default: 'yes' },
    }),
  );
  for (const kind of KINDS) writeServer(node, kind);
  writeProxy(node);
  const endpoint = `http://127.0.0.1:${proxy}`;
  const user = process.getuid?.() === 0 ? ['-u', 'nobody'] : [];
  const children = [
    started('memcached', [...user, '-l', '127.0.0.1', '-p', String(memcached), '-m', '32']),
    ...KINDS.map(kind => started(`swift-${kind}-server`, [path.join(conf, `${kind}-server.conf`)])),
  ];
  const startProxy = () => started('swift-proxy-server', [path.join(conf, 'proxy-server.conf')]);
  let api = startProxy();
  process.env.AWS_ACCESS_KEY_ID = 'test:tester';
  process.env.AWS_SECRET_ACCESS_KEY = 'testing';
  try {
    for (const kind of KINDS) await answers(`http://127.0.0.1:${node.ports[kind]}`);
    await answers(endpoint);
    await use({
      endpoint,
      bucket: async name => {
        const place = { bucket: name, prefix: 'apks', endpoint, region: 'us-east-1', pathStyle: true };
        const client = new S3Client({ endpoint, region: place.region, forcePathStyle: true });
        await until('the server makes the bucket', () =>
          client.send(new CreateBucketCommand({ Bucket: name })).then(
            () => true,
            () => false, // it answers before its parts do
          ),
        );
        client.destroy();
        return place;
      },
      leave: () => ended(api),
      comeBack: async () => {
        api = startProxy();
        await answers(endpoint);
      },
    });
  } finally {
    await Promise.all([api, ...children].map(ended));
    rmSync(folder, { recursive: true, force: true });
  }
}
