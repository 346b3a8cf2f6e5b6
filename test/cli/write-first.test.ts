import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { readFile, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ota } from '../support/cli.ts';
import { withController } from '../support/controller.ts';
import { withFolder } from '../support/folder.ts';
import { call } from '../support/http.ts';
import { otaProgram } from '../support/programs.ts';
import { releaseFiles, writeReleases } from '../support/releases.ts';
import { aBuild } from '../support/state.ts';

const root = path.resolve(import.meta.dirname, '../..');
const OTA = `"${process.execPath}" "${otaProgram()}"`;

/** Runs a line of bash; `$OTA` is the command line. Resolves to the exit code. */
const bash = (line: string, cwd: string, env: Readonly<Record<string, string>> = {}): Promise<number> =>
  new Promise((resolve, reject) => {
    const child = spawn('bash', ['-c', line.replaceAll('$OTA', OTA)], {
      cwd,
      env: { PATH: process.env.PATH, HOME: cwd, ...env },
      stdio: 'ignore',
    });
    child.once('error', reject);
    child.once('close', code => resolve(code ?? -1));
  });

const files = releaseFiles({ builds: [aBuild(41), aBuild(42), aBuild(43)] });

async function rolledBack(line: string): Promise<{ code: number; done: boolean }> {
  return withFolder(async folder => {
    await writeReleases(path.join(folder, 'releases'), files);
    const code = await bash(line, folder);
    const text = await readFile(path.join(folder, 'releases', 'rollout.yaml'), 'utf8');
    return { code, done: /^rollback: true$/m.test(text) };
  });
}

const ROLLBACK = '$OTA rollback --offline --reason x';
const readers = ['true', ...[1, 3, 8, 30].map(lines => `head -n ${lines}`)];

test('a rollback is made whatever becomes of the one who reads about it', async () => {
  for (const reader of readers) {
    const line = `${ROLLBACK} 2>&1 | ${reader} >/dev/null; exit \${PIPESTATUS[0]}`;
    assert.equal(await rolledBack(line), { code: 0, done: true }, reader);
  }
  assert.equal(await rolledBack(`${ROLLBACK} --json 2>/dev/full | true; exit \${PIPESTATUS[0]}`), {
    code: 0,
    done: true,
  });
});

test('with a full disk under its output a rollback is made, and the loss is an error', async () => {
  assert.equal(await rolledBack(`${ROLLBACK} >/dev/full`), { code: 2, done: true });
  assert.equal(await rolledBack(`${ROLLBACK} >/dev/full 2>&1`), { code: 2, done: true });
  assert.equal(await rolledBack(`${ROLLBACK} 2>/dev/full`), { code: 0, done: true });
});

test('an edit is written before it is reported', () =>
  withFolder(async folder => {
    const rollout = path.join(folder, 'releases', 'rollout.yaml');
    for (const argv of [
      ['promote', 'b43', '--percent', '1'],
      ['rollout', '25'],
      ['rollback', '--reason', 'x'],
      ['promote', 'b43', '--ramp', '1:4h,100'],
      ['ramp', '--steps', '20:4h,100'],
      ['canary', 'add', '--tag', 'qa'],
      ['suspend', '--until', '4h', '--reason', 'x'],
    ]) {
      await writeReleases(path.join(folder, 'releases'), files);
      const before = await readFile(rollout, 'utf8');
      let then: string | undefined;
      const look = (): void => {
        then ??= readFileSync(rollout, 'utf8');
      };
      assert.is((await ota([...argv, '--offline'], { cwd: folder, onText: look })).code, 0);
      assert.is.not(then, before, argv.join(' '));
    }
  }));

test('a declared build is written whatever becomes of the one who reads about it', () =>
  withFolder(async folder => {
    await writeReleases(path.join(folder, 'releases'), {
      'builds/b41.yaml': await readFile(path.join(root, 'releases/builds/b41.yaml'), 'utf8'),
      'rollout.yaml': 'apiVersion: ota.nexmdm/v1\nkind: Rollout\ncurrent: b41\nrollout_percent: 100\n',
    });
    const apk = path.join(root, 'examples/apks/b42.apk');
    const line = `$OTA build add "${apk}" 2>&1 | true; exit \${PIPESTATUS[0]}`;
    assert.is(await bash(line, folder), 0);
    assert.match(await readFile(path.join(folder, 'releases/builds/b42.yaml'), 'utf8'), /^build_id: b42$/m);
  }));

test('a secret that nobody saw is an error, and the message says how to go on', () =>
  withController(async ({ url, adminToken, folder, enrol }) => {
    await enrol(['known']);
    await writeFile(path.join(folder, 'ids'), 'many-1\nmany-2\n');
    await writeFile(path.join(folder, 'known-ids'), 'known\n');
    const env = { OTA_URL: url, OTA_ADMIN_TOKEN: adminToken };
    const run = async (line: string): Promise<{ code: number; said: string }> => {
      const code = await bash(line, folder, env);
      return { code, said: await readFile(path.join(folder, 'said'), 'utf8') };
    };
    const piped = (line: string): string => `$OTA ${line} 2>said | true; exit \${PIPESTATUS[0]}`;
    const full = (line: string): string => `$OTA ${line} 2>said >/dev/full`;
    for (const [line, cure] of [
      [piped('token create one'), 'ota token revoke one'],
      [full('token create two --json'), 'ota token revoke two'],
      [full('device enrol kiosk-1'), 'ota device rotate kiosk-1 --now'],
      [piped('device enrol kiosk-2 --json'), 'ota device rotate kiosk-2 --now'],
      [piped('device rotate known'), 'ota device rotate known --now'],
      [piped('device import ids'), 'ota device rotate ID --now'],
    ] as const) {
      const { code, said } = await run(line);
      assert.is(code, 2, line);
      assert.ok(said.includes('[secret_lost]') && said.includes(cure), said);
    }
    // Nothing new was handed out, so that the reader lost nothing.
    assert.is((await run(piped('device import known-ids'))).code, 0);

    // The cure works: the name is free again.
    const again = ['token revoke one', 'token create one'].map(verb => `$OTA ${verb} >/dev/null 2>said`);
    assert.is((await run(again.join(' && '))).code, 0);
  }));

test('the operator token of a restore that nobody saw is an error', () =>
  withController(async ({ folder, merge }) => {
    await merge(10);
    const data = path.join(folder, 'data');
    assert.is(await bash(`$OTA backup b.tar --full --data "${data}"`, folder), 0);
    assert.is(await bash('$OTA restore b.tar --data restored 2>said >/dev/full', folder), 2);
    const said = await readFile(path.join(folder, 'said'), 'utf8');
    assert.match(
      said,
      /\[secret_lost\]\n {2}they are shown only once\n {2}remove .*restored, which was just made/,
    );
  }));

test('a secret goes into a new file that its owner alone may read, and is nowhere else', () =>
  withController(async ({ url, adminToken, folder, enrol, admin }) => {
    await enrol(['known']);
    const io = { cwd: folder, url, token: adminToken };
    await writeFile(path.join(folder, 'ids'), 'many-1\nmany-2\n');
    for (const [file, holds, argv] of [
      ['ci-token', /^ota_admin_\S+\n$/, ['token', 'create', 'ci']],
      ['kiosk.json', /"token": "v1\./, ['device', 'enrol', 'kiosk-1', '--json']],
      ['known.txt', /v1\.k1\.known\.2\./, ['device', 'rotate', 'known']],
      ['many.csv', /^many-2,created,v1\./m, ['device', 'import', 'ids']],
    ] as const) {
      const { code, out, err } = await ota([...argv, '--out', file], io);
      assert.is(code, 0, err);
      assert.match(await readFile(path.join(folder, file), 'utf8'), holds);
      assert.is((await stat(path.join(folder, file))).mode & 0o777, 0o600, file);
      assert.is(out, '');
      assert.match(err, new RegExp(`wrote ${file}`));
      assert.not.match(err, /ota_admin_|v1\.k1/);
    }
    const asked = await call(url, 'GET', '/v1/devices', {
      token: (await readFile(path.join(folder, 'ci-token'), 'utf8')).trim(),
    });
    assert.is(asked.status, 200, 'the file is what OTA_ADMIN_TOKEN and a context take');

    const over = await ota(['token', 'create', 'other', '--out', 'ci-token'], io);
    assert.equal([over.code, /\[file_exists\]/.test(over.err)], [2, true]);
    const nowhere = await ota(['token', 'create', 'other', '--out', 'no/such/folder'], io);
    assert.equal([nowhere.code, /nothing was made \[write_failed\]/.test(nowhere.err)], [2, true]);
    const { tokens } = (await admin('GET', '/v1/admin-tokens')).json;
    assert.not.ok(
      tokens.some((t: { name: string }) => t.name === 'other'),
      'nothing was made',
    );
    const refused = await ota(['device', 'rotate', 'nobody', '--out', 'left'], io);
    assert.is(refused.code, 2);
    assert.is(
      await readFile(path.join(folder, 'left')).catch(e => e.code),
      'ENOENT',
      'no empty file is left',
    );
  }));

test.run();
