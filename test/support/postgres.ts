/**
 * A PostgreSQL server for one run of the tests, and a database of its own for each data folder. The runner starts the
 * server and names it in TEST_POSTGRES; with TEST_STORE=postgres each store of the tests lies there instead of in SQLite.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
} from 'node:fs';
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
  const certificate = kind === 'tls' ? await makeCertificate(folder, owner) : undefined;
  const settings = [
    ...(kind === 'durable' ? [] : ['fsync=off', 'full_page_writes=off', 'max_connections=300']),
    ...(certificate === undefined
      ? []
      : ['ssl=on', `ssl_cert_file=${certificate}`, `ssl_key_file=${certificate}.key`]),
  ].flatMap(setting => ['-c', setting]);
  const begin = (port: number): Promise<ChildProcess> => {
    const args = ['-D', data, '-h', '127.0.0.1', '-p', `${port}`, '-k', folder, ...settings];
    return serve(path.join(bin, 'postgres'), args, { ...as, cwd: folder }, urlOf(port));
  };
  const { port, begun } = await onFreePort(begin);
  let server = begun;
  process.once('exit', () => server.kill('SIGQUIT'));
  const crash = async (): Promise<void> => {
    // Awaiting alone would not keep this process alive.
    server.ref();
    const ended = new Promise(resolve => server.once('exit', resolve));
    if (server.exitCode === null && server.kill('SIGQUIT')) await ended;
  };
  return {
    url: urlOf(port),
    certificate,
    crash,
    revive: async () => {
      server = await begin(port);
    },
    stop: async () => {
      await crash();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

const urlOf = (port: number): string => `postgres://postgres@127.0.0.1:${port}`;
const PORT_TRIES = 5;

/** Another process may take the port between our look and the server's start. */
async function onFreePort(
  begin: (port: number) => Promise<ChildProcess>,
): Promise<{ port: number; begun: ChildProcess }> {
  for (let tries = 1; ; tries++) {
    const port = await freePort();
    try {
      return { port, begun: await begin(port) };
    } catch (error) {
      if (tries === PORT_TRIES || !String(error).includes('Address already in use')) throw error;
    }
  }
}

/**
 * Resolves once the server answers, however long its disk takes; the runner's limit bounds it. A server that ends before
 * that is an error with what it said.
 */
async function serve(
  program: string,
  args: readonly string[],
  options: { cwd: string; uid?: number; gid?: number },
  url: string,
): Promise<ChildProcess> {
  const logFile = path.join(options.cwd, 'server.log');
  const log = openSync(logFile, 'w');
  const server = spawn(program, args, { ...options, stdio: ['ignore', 'ignore', log] });
  closeSync(log);
  server.unref();
  let failed: Error | undefined;
  server.once('error', error => {
    failed = error;
  });
  for (;;) {
    if (failed !== undefined || server.exitCode !== null || server.signalCode !== null)
      throw new Error(
        `PostgreSQL did not start (exit code ${server.exitCode}, signal ${server.signalCode}): ${readFileSync(logFile, 'utf8')}`,
        { cause: failed },
      );
    const answered = await query(`${url}/postgres`, 'select 1').then(
      () => true,
      () => false,
    );
    // Whoever answers on the port of a server that has ended is somebody else's.
    if (answered && server.exitCode === null) return server;
    await new Promise(resolve => setTimeout(resolve, 50));
  }
}

async function query(url: string, sql: string): Promise<pg.QueryResult> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return await client.query(sql);
  } finally {
    await client.end();
  }
}

/** How large this database is, with its indexes, once its dead rows have been given back. */
export async function databaseBytes(url: string): Promise<number> {
  await query(url, 'vacuum');
  const { rows } = await query(url, 'select pg_database_size(current_database()) as bytes');
  return Number((rows as { bytes: string }[])[0]?.bytes);
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
export const onDatabase = async (url: string, sql: string): Promise<void> => {
  await query(url, sql);
};

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
