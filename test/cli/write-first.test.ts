import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ota } from '../support/cli.ts';
import { withFolder } from '../support/folder.ts';
import { releaseFiles, writeReleases } from '../support/releases.ts';
import { aBuild } from '../support/state.ts';

const root = path.resolve(import.meta.dirname, '../..');
const OTA = `"${process.execPath}" --import "${path.join(root, 'node_modules/tsx/dist/loader.mjs')}" "${path.join(root, 'controller/cli/main.ts')}"`;

/** Runs a line of bash; `$OTA` is the command line. Resolves to the exit code. */
const bash = (line: string, cwd: string): Promise<number> =>
  new Promise((resolve, reject) => {
    const child = spawn('bash', ['-c', line.replaceAll('$OTA', OTA)], {
      cwd,
      env: { PATH: process.env.PATH, HOME: cwd },
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

test('an edit is made before a word is said about it', () =>
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

test.run();
