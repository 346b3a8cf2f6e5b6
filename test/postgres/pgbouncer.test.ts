/** PgBouncer in transaction mode: each transaction may run on another connection, and nothing may depend on which. */
import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import path from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { openStore } from '../../controller/store/store.ts';
import { until, withFolder } from '../support/folder.ts';
import { databaseOf } from '../support/postgres.ts';
import { freePort } from '../support/process.ts';
import { DAY_MS, NOW_MS } from '../support/state.ts';

const installed = existsSync('/usr/sbin/pgbouncer');

const answers = (port: number): Promise<boolean> =>
  new Promise(resolve => {
    const socket = createConnection(port, '127.0.0.1');
    socket.once('connect', () => resolve(socket.destroy() !== undefined));
    socket.once('error', () => resolve(false));
  });

/** `use` gets the URL of the database through a PgBouncer that has two connections for everybody. */
async function withBouncer(url: string, use: (url: string) => Promise<void>): Promise<void> {
  const { port: serverPort, pathname } = new URL(url);
  const port = await freePort();
  // Not in the tests' own folder, which its user may not enter.
  const folder = mkdtempSync(path.join(existsSync('/dev/shm') ? '/dev/shm' : '/tmp', 'ota-pgbouncer-'));
  const file = path.join(folder, 'pgbouncer.ini');
  writeFileSync(
    file,
    `[databases]\n* = host=127.0.0.1 port=${serverPort} user=postgres\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = ${port}\n` +
      'unix_socket_dir =\nauth_type = any\npool_mode = transaction\ndefault_pool_size = 2\n',
  );
  // It refuses to run as root.
  const asRoot = process.getuid?.() === 0;
  const [uid, gid] = asRoot ? ['-u', '-g'].map(flag => Number(execFileSync('id', [flag, 'postgres']))) : [];
  if (asRoot) chmodSync(folder, 0o755);
  const user = uid === undefined || gid === undefined ? {} : { uid, gid };
  const bouncer = spawn('/usr/sbin/pgbouncer', ['-q', file], { ...user, stdio: 'ignore' });
  try {
    await until('PgBouncer listens', () => answers(port));
    await use(`postgres://postgres@127.0.0.1:${port}${pathname}`);
  } finally {
    const ended = new Promise(resolve => bouncer.once('exit', resolve));
    if (bouncer.exitCode === null && bouncer.kill('SIGKILL')) await ended;
    rmSync(folder, { recursive: true, force: true });
  }
}

(installed ? test : test.skip)(
  'a store works through PgBouncer in transaction mode, migrations included',
  () =>
    withFolder(async folder => {
      const direct = await databaseOf(folder, 'empty');
      if (direct === undefined) throw new Error('these tests run on PostgreSQL');
      await withBouncer(direct.url, async url => {
        const open = () => openStore({ folder, database: { url, connections: 8 }, nowMs: () => NOW_MS });
        const first = await open();
        const ids = Array.from({ length: 300 }, (_, n) => `d-${n}`);
        await first.devices.enrol(
          ids.map(deviceId => ({ deviceId, tags: ['qa'] })),
          NOW_MS,
        );
        for (const deviceId of ids)
          first.devices.checkIn({
            deviceId,
            atMs: NOW_MS,
            versionCode: 42,
            buildId: 'b42',
            sdk: 33,
            signer: undefined,
          });
        // Many reads at once beside the writes: they share two connections.
        await Promise.all([
          first.devices.flush(),
          ...ids.slice(0, 60).map(id => first.devices.get(id)),
          ...ids.slice(0, 60).map(id => first.keyValues.claim(id, 'v', NOW_MS + DAY_MS)),
        ]);
        await first.close();
        const second = await open();
        try {
          assert.is((await second.devices.counts(NOW_MS, DAY_MS)).enrolled, 300);
          assert.is((await second.devices.get('d-299'))?.versionCode, 42);
          assert.is(await second.keyValues.get('d-59'), 'v');
        } finally {
          await second.close();
        }
      });
    }),
);

test.run();
