/** `ota store copy` as a person runs it: what it says, what it refuses, and that it may be killed at any moment. */
import { spawn } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import pg from 'pg';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { faultCode } from '../../controller/domain/fault.ts';
import { markMove, readMove } from '../../controller/store/moves.ts';
import { openStore } from '../../controller/store/store.ts';
import { ota } from '../support/cli.ts';
import { withFolder } from '../support/folder.ts';
import { contentsOf, emptyDatabase, folderPlace, inPlace, postgresPlace } from '../support/move.ts';
import { onDatabase } from '../support/postgres.ts';
import { otaProgram } from '../support/programs.ts';
import { NOW_MS } from '../support/state.ts';

const nowMs = () => NOW_MS;
const server = process.env.TEST_POSTGRES ?? '';

interface Scene {
  readonly folder: string;
  readonly url: string;
  /** In this process, with OTA_DATABASE. */
  run(...words: readonly string[]): ReturnType<typeof ota>;
  /** Its state at both ends; undefined: no mark. */
  states(): Promise<readonly (string | undefined)[]>;
}

/** A data folder with 3,000 devices, and an empty database. */
const withScene = (use: (scene: Scene) => Promise<void>): Promise<void> =>
  withFolder(async temporary => {
    const folder = path.join(temporary, 'data');
    await mkdir(folder);
    const store = await openStore({ folder, nowMs });
    const ids = Array.from({ length: 3_000 }, (_, n) => ({ deviceId: `d${n}`, tags: ['qa'] }));
    await store.devices.enrol(ids, NOW_MS);
    await store.audit.record({ atMs: NOW_MS, actor: 'a', action: 'b', subject: 'c', detail: 'd' });
    await store.close();
    const database = await emptyDatabase(folder);
    await use({
      folder,
      url: database.url,
      run: (...words) => ota(['store', 'copy', ...words], { settings: { OTA_DATABASE: database.url } }),
      states: async () => [
        (await inPlace(folderPlace(folder), readMove))?.state,
        (await inPlace(postgresPlace(database), readMove))?.state,
      ],
    });
  });

/** Runs the verb as a process of its own while a table is locked, and kills it once `reached` says so. */
async function killedAt(
  { folder, url }: Scene,
  lock: string,
  words: readonly string[],
  reached: (err: string) => Promise<boolean>,
): Promise<void> {
  const holder = new pg.Client({ connectionString: url });
  await holder.connect();
  await holder.query(`begin; ${lock}`);
  const child = spawn(process.execPath, [otaProgram(), 'store', 'copy', ...words], {
    cwd: folder,
    env: { PATH: process.env.PATH, OTA_DATABASE: url },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let err = '';
  child.stderr.on('data', chunk => {
    err += String(chunk);
  });
  const ended = new Promise<number | null>(resolve => child.once('close', resolve));
  let over = false;
  void ended.then(() => {
    over = true;
  });
  while (!(await reached(err))) {
    if (over) throw new Error(`it ended before: ${err}`);
    await new Promise(resolve => setTimeout(resolve, 20));
  }
  child.kill('SIGKILL');
  assert.is(await ended, null, 'it was killed, and did not end by itself');
  await holder.end();
}

const opens = (folder: string): Promise<string> =>
  openStore({ folder, nowMs }).then(async store => {
    await store.close();
    return 'opened';
  }, faultCode);

test('copied while in use, then moved: each step says what to do next', () =>
  withScene(async ({ folder, run }) => {
    const first = await run('--from', folder, '--to', 'postgres');
    assert.is(first.code, 0, first.err);
    assert.match(first.err, /devices: 3,000 rows, 3000 written|devices: 3000 rows, 3000 written/);
    assert.match(first.out, /goes on\. Run the same command with --cut-over/);
    const second = await run('--from', folder, '--to', 'postgres', '--cut-over');
    assert.is(second.code, 0, second.err);
    assert.match(second.err, /devices: .*nothing to write/);
    assert.match(second.out, /devices +3000 +[0-9a-f]{16}/);
    assert.match(second.out, /Start the controller on postgres:\/\/127\.0\.0\.1:\d+\/ota_/);
  }));

test('killed in mid-copy: the source never noticed, and the next run goes on', () =>
  withScene(async scene => {
    const words = ['--from', scene.folder, '--to', 'postgres'];
    await scene.run(...words);
    await onDatabase(scene.url, "delete from devices where device_id like 'd1%'");
    await killedAt(scene, 'lock table devices', words, async err => err.includes('desired_attempt:'));
    assert.equal(await scene.states(), [undefined, 'arriving']);
    assert.is(await opens(scene.folder), 'opened');
    const again = await scene.run(...words);
    assert.match(again.err, /devices: \d[\d,]* rows, 1111 written/);
    const database = { url: scene.url, connections: 1 };
    assert.equal(await contentsOf(postgresPlace(database)), await contentsOf(folderPlace(scene.folder)));
  }));

test('killed in mid-cut-over: nobody serves until the same command is run again', () =>
  withScene(async scene => {
    const words = ['--from', scene.folder, '--to', 'postgres', '--cut-over'];
    await scene.run(...words.slice(0, 4));
    // As if it had been killed right after it stopped the source: what hangs now is the last pass.
    const arriving = await inPlace(postgresPlace({ url: scene.url, connections: 1 }), readMove);
    if (arriving === undefined) throw new Error('the copy left no mark');
    await inPlace(folderPlace(scene.folder), db => markMove(db, { ...arriving, state: 'leaving' }));
    await killedAt(scene, 'lock table devices', words, async err => err.includes('desired_attempt:'));
    assert.equal(await scene.states(), ['leaving', 'arriving']);
    assert.is(await opens(scene.folder), 'installation_moved');
    assert.is((await scene.run(...words)).code, 0);
    assert.equal(await scene.states(), ['moved', undefined]);
  }));

test('killed in the middle of the hand-over: neither place serves, and the same command ends it', () =>
  withScene(async scene => {
    const words = ['--from', scene.folder, '--to', 'postgres', '--cut-over'];
    await scene.run(...words.slice(0, 4));
    const handed = async () => (await inPlace(folderPlace(scene.folder), readMove))?.state === 'moved';
    await killedAt(scene, 'lock table audit in share mode', words, handed);
    assert.equal(await scene.states(), ['moved', 'arriving']);
    assert.is(await opens(scene.folder), 'installation_moved');
    assert.match((await scene.run('--from', scene.folder, '--cancel')).err, /\[installation_moved\]/);
    assert.is((await scene.run(...words)).code, 0);
    assert.equal(await scene.states(), ['moved', undefined]);
  }));

const REFUSED: readonly (readonly [what: string, url: string, code: string, words: RegExp])[] = [
  ['no URL', '', 'settings_invalid', /OTA_DATABASE_FILE/],
  ['a URL that is none', 'nonsense', 'settings_invalid', /not a URL/],
  ['another host without TLS', 'postgres://ota:hunter2@db.example/ota', 'settings_invalid', /verify-full/],
  ['nobody listens', 'postgres://ota:hunter2@127.0.0.1:1/ota', 'store_unreachable', /cannot be reached/],
  [
    'wrong user or password',
    `${server.replace('postgres@', 'nobody:hunter2@')}/postgres`,
    'store_refused',
    /user or password/,
  ],
  [
    'no such database',
    `${server.replace('postgres@', 'postgres:hunter2@')}/nothing`,
    'store_refused',
    /create it/,
  ],
  [
    'a server without TLS',
    `${server.replace('postgres@', 'postgres:hunter2@')}/postgres?sslmode=verify-full`,
    'store_refused',
    /does not speak TLS/,
  ],
];

for (const [what, url, code, words] of REFUSED)
  test(`refused, without the password: ${what}`, () =>
    withScene(async ({ folder }) => {
      const {
        code: exit,
        out,
        err,
      } = await ota(['store', 'copy', '--from', folder, '--to', 'postgres'], {
        settings: url === '' ? {} : { OTA_DATABASE: url },
      });
      assert.is(exit, 2);
      assert.match(err, new RegExp(`\\[${code}\\]`));
      assert.match(err, words);
      assert.not.match(out + err, /hunter2/);
      assert.is(await opens(folder), 'opened', 'and the source goes on');
    }));

test('refused: connections that are used up, tables of something else, a URL as an argument, a folder in use', () =>
  withScene(async ({ folder, url, run }) => {
    await onDatabase(url, 'drop role if exists copier; create role copier login connection limit 0');
    const crowded = url.replace('postgres@', 'copier@');
    const words = ['store', 'copy', '--from', folder, '--to', 'postgres'];
    assert.match(
      (await ota(words, { settings: { OTA_DATABASE: crowded } })).err,
      /max_connections.*\[store_busy\]/,
    );
    await onDatabase(url, 'create table invoices (note text)');
    assert.match((await run('--from', folder, '--to', 'postgres')).err, /\[database_not_ours\]/);
    const told = await run('--from', folder, '--to', 'postgres://ota:hunter2@db.example/ota');
    assert.match(told.err, /\[secret_in_arguments\]/);
    assert.not.match(told.err, /hunter2/);
    const store = await openStore({ folder: path.join(folder, 'other'), nowMs });
    const busy = await run('--from', folder, '--to', path.join(folder, 'other'));
    assert.match(busy.err, /\[data_folder_locked\]/);
    await store.close();
  }));

test('a disk that fills up in mid-copy is named, and the next run goes on', () =>
  withScene(async ({ folder }) => {
    const to = path.join(path.dirname(folder), 'new');
    const words = ['store', 'copy', '--from', folder, '--to', to];
    // A file may not grow beyond 400 blocks of 1 KiB: writing fails as on a full disk, for one process.
    const limited = spawn(
      'bash',
      ['-c', 'ulimit -f 400 && exec "$0" "$@"', process.execPath, otaProgram(), ...words],
      { cwd: folder, env: { PATH: process.env.PATH }, stdio: ['ignore', 'ignore', 'pipe'] },
    );
    let err = '';
    limited.stderr.on('data', chunk => {
      err += String(chunk);
    });
    assert.is(await new Promise(resolve => limited.once('close', resolve)), 2, err);
    assert.match(err, /\[(store_io|disk_full)\]/);
    assert.is((await ota(words)).code, 0);
    assert.equal(await contentsOf(folderPlace(to)), await contentsOf(folderPlace(folder)));
  }));

test('wrong use says what is missing', async () => {
  assert.match((await ota(['store', 'copy', '--from', 'data'])).err, /--to is missing.*\[usage\]/);
  const both = await ota(['store', 'copy', '--from', 'data', '--to', 'postgres', '--cancel']);
  assert.match(both.err, /\[usage\]/);
});

test.run();
