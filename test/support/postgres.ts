/**
 * A PostgreSQL server for one run of the tests, and a database of its own for each data folder. The runner starts the
 * server and names it in TEST_POSTGRES; with TEST_STORE=postgres each store of the tests lies there instead of in SQLite.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import { migrate } from '../../controller/store/migrate.ts';
import { type PostgresOptions, postgresEngine } from '../../controller/store/postgres.ts';
import { freePort } from './process.ts';
import { NOW_MS } from './state.ts';

const run = promisify(execFile);

export const onPostgres: boolean = process.env.TEST_STORE === 'postgres';

/** Where Debian puts the programs of the newest server; undefined without one. */
function programs(): string | undefined {
  const root = '/usr/lib/postgresql';
  const versions = existsSync(root) ? readdirSync(root).sort((a, b) => Number(b) - Number(a)) : [];
  return versions.map(v => path.join(root, v, 'bin')).find(bin => existsSync(path.join(bin, 'initdb')));
}

export interface Server {
  /** `postgres://…` without a database. */
  readonly url: string;
  /** The file of its certificate, which signs itself; undefined without TLS. */
  readonly certificate: string | undefined;
  /** Ends it at once, without a word to those that are connected. */
  crash(): Promise<void>;
  /** Starts it again after a crash, on what it had written. */
  revive(): Promise<void>;
  /** Ends it, and removes all that it had. */
  stop(): Promise<void>;
}

/** PostgreSQL refuses to run as root. */
async function postgresUser(): Promise<{ uid: number; gid: number } | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const { stdout } = await run('getent', ['passwd', 'postgres']);
  const [, , uid, gid] = stdout.split(':').map(Number);
  if (uid === undefined || gid === undefined) throw new Error('the user postgres does not exist');
  return { uid, gid };
}

/** For 127.0.0.1 alone. */
async function makeCertificate(
  folder: string,
  owner: { uid: number; gid: number } | undefined,
): Promise<string> {
  const file = path.join(folder, 'server.pem');
  const asked = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=a test server'];
  const out = ['-addext', 'subjectAltName=IP:127.0.0.1', '-out', file, '-keyout', `${file}.key`];
  await run('openssl', [...asked, ...out]);
  chmodSync(`${file}.key`, 0o600);
  if (owner !== undefined) chownSync(`${file}.key`, owner.uid, owner.gid);
  chmodSync(folder, 0o755);
  return file;
}

/**
 * Undefined where PostgreSQL is not installed. `durable`: on the disk, with every
 * sync; otherwise in memory. `tls`: with a certificate of its own for 127.0.0.1, see `Server.certificate`.
 */
export async function startPostgres(kind?: 'durable' | 'tls'): Promise<Server | undefined> {
  const bin = programs();
  if (bin === undefined) return undefined;
  const owner = await postgresUser();
  const as = owner ?? {};
  const folder = mkdtempSync(
    path.join(kind === undefined && existsSync('/dev/shm') ? '/dev/shm' : '/tmp', 'ota-postgres-'),
  );
  if (owner !== undefined) chownSync(folder, owner.uid, owner.gid);
  const data = path.join(folder, 'data');
  const initdb = ['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--locale=C.UTF-8', '--no-sync'];
  await run(path.join(bin, 'initdb'), initdb, { ...as, cwd: folder });
  const port = await freePort();
  const certificate = kind === 'tls' ? await makeCertificate(folder, owner) : undefined;
  const settings = [
    ...(kind === 'durable' ? [] : ['fsync=off', 'full_page_writes=off', 'max_connections=300']),
    ...(certificate === undefined
      ? []
      : ['ssl=on', `ssl_cert_file=${certificate}`, `ssl_key_file=${certificate}.key`]),
  ];
  const url = `postgres://postgres@127.0.0.1:${port}`;
  const begin = async (): Promise<ChildProcess> => {
    const begun = spawn(
      path.join(bin, 'postgres'),
      ['-D', data, '-h', '127.0.0.1', '-p', `${port}`, '-k', folder, ...settings.flatMap(s => ['-c', s])],
      { ...as, cwd: folder, stdio: 'ignore' },
    );
    begun.unref();
    await answering(`${url}/postgres`);
    return begun;
  };
  let server = await begin();
  process.once('exit', () => server.kill('SIGQUIT'));
  const crash = async (): Promise<void> => {
    // Awaiting alone would not keep this process alive.
    server.ref();
    const ended = new Promise(resolve => server.once('exit', resolve));
    if (server.exitCode === null && server.kill('SIGQUIT')) await ended;
  };
  return {
    url,
    certificate,
    crash,
    revive: async () => {
      server = await begin();
    },
    stop: async () => {
      await crash();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function answering(url: string): Promise<void> {
  for (let tries = 0; tries < 300; tries++) {
    const answered = await query(url, 'select 1').then(
      () => true,
      () => false,
    );
    if (answered) return;
    await new Promise(resolve => setTimeout(resolve, 100));
  }
  throw new Error('PostgreSQL did not start');
}

async function query(url: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}

const known = new Set<string>();
let template: Promise<string> | undefined;

/** An empty database of the newest schema, which is copied instead of migrating each. */
async function makeTemplate(server: string): Promise<string> {
  const name = `ota_template_${process.pid}`;
  await query(`${server}/postgres`, `create database ${name} strategy wal_log`);
  const { writer, close } = await postgresEngine({ url: `${server}/${name}`, connections: 1 });
  await migrate(writer, { folder: '', nowMs: () => NOW_MS });
  await close();
  return name;
}

async function optionsOf(server: string, kind: 'migrated' | 'empty' | 'icu'): Promise<string> {
  if (kind === 'icu') return "template template0 locale_provider icu icu_locale 'en-US'";
  if (kind === 'empty') return '';
  template ??= makeTemplate(server);
  return `template ${await template}`;
}

/** Runs SQL as the server's owner. */
export const onDatabase = (url: string, sql: string): Promise<void> => query(url, sql);

/** The database that stands for this data folder; undefined while the tests run on SQLite. */
export async function databaseOf(
  folder: string,
  kind: 'migrated' | 'empty' | 'icu' = 'migrated',
): Promise<PostgresOptions | undefined> {
  if (!onPostgres) return undefined;
  const server = process.env.TEST_POSTGRES;
  if (server === undefined) throw new Error('TEST_POSTGRES names no server');
  const name = `ota_${createHash('sha256').update(path.resolve(folder)).digest('hex').slice(0, 20)}`;
  if (!known.has(name)) {
    known.add(name);
    const made = `create database ${name} ${await optionsOf(server, kind)} strategy wal_log`;
    await query(`${server}/postgres`, made).catch(error => {
      // Another process of the same test made it.
      if ((error as { code?: string }).code !== '42P04') throw error;
    });
  }
  return { url: `${server}/${name}`, connections: 2 };
}
