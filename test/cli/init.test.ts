import { execFile } from 'node:child_process';
import { access, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { parse } from 'yaml';
import { nextLine } from '../../controller/cli/build-addition.ts';
import { ota, type Ran } from '../support/cli.ts';
import { withFolder } from '../support/folder.ts';
import { aBuild, aState, OTHER_SIGNER } from '../support/state.ts';

const run = promisify(execFile);
const APKS = path.resolve(import.meta.dirname, '../../examples/apks');
const first = path.join(APKS, 'b41.apk');

const ok = ({ code, out, err }: Ran): string => {
  assert.is(code, 0, out + err);
  return out + err;
};

async function filesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter(e => e.isFile())
    .map(e => path.relative(folder, path.join(e.parentPath, e.name)))
    .filter(name => !name.startsWith('.git/'))
    .sort();
}

test('an empty folder becomes a repository that validates, with the first build for all', () =>
  withFolder(async cwd => {
    const said = ok(await ota(['init', 'fleet', '--apk', first], { cwd }));
    assert.match(said, /made a Git repository, branch main/);
    assert.match(said, /b41 is the first build, so rollout\.yaml offers it to all devices/);
    const folder = path.join(cwd, 'fleet');
    assert.equal(await filesIn(folder), [
      '.github/CODEOWNERS',
      '.github/workflows/releases.yml',
      'README.md',
      'releases/builds/b41.yaml',
      'releases/cohorts/lab.yaml',
      'releases/policy.yaml',
      'releases/rollout.yaml',
      'schemas/build.schema.json',
      'schemas/cohort.schema.json',
      'schemas/policy.schema.json',
      'schemas/rollout.schema.json',
    ]);
    assert.match(ok(await ota(['validate'], { cwd: folder })), /valid: 0 errors, 0 warnings in 4 files/);
    const again = await ota(['init', 'fleet'], { cwd });
    assert.is(again.code, 2);
    assert.match(again.err, /\[already_there\]\n {2}to add a build: ota build add APK/);
  }));

test('every editor finds the schema that a file names', () =>
  withFolder(async cwd => {
    ok(await ota(['init', '--apk', first], { cwd }));
    ok(await ota(['build', 'add', path.join(APKS, 'b42.apk')], { cwd }));
    for (const file of (await filesIn(path.join(cwd, 'releases'))).filter(f => f.endsWith('.yaml'))) {
      const at = path.join(cwd, 'releases', file);
      const named = /^# yaml-language-server: \$schema=(\S+)\n/.exec(await readFile(at, 'utf8'))?.[1] ?? '';
      const schema = JSON.parse(await readFile(path.resolve(path.dirname(at), named), 'utf8'));
      const { kind } = parse(await readFile(at, 'utf8')) as { kind: string };
      assert.is(schema.title, kind, file);
      assert.match(schema.$comment, /^nexmdm-ota \d+\.\d+\.\d+; to update it: ota schema /);
    }
  }));

test('without an APK the first build add completes the state; in a bare folder it writes no link that leads nowhere', () =>
  withFolder(async cwd => {
    assert.match(ok(await ota(['init'], { cwd })), /next: ota build add APK/);
    assert.is((await ota(['validate'], { cwd })).code, 1);
    ok(await ota(['build', 'add', first], { cwd }));
    assert.match(ok(await ota(['validate'], { cwd })), /^valid/);
    const bare = path.join(cwd, 'bare');
    await mkdir(path.join(bare, 'releases'), { recursive: true });
    const said = ok(await ota(['build', 'add', first], { cwd: bare }));
    assert.match(said, /wrote .*releases\/builds\/b41\.yaml\nwrote .*releases\/rollout\.yaml\n/);
    for (const file of ['rollout.yaml', 'builds/b41.yaml'])
      assert.not.match(await readFile(path.join(bare, 'releases', file), 'utf8'), /\$schema/);
    assert.match(ok(await ota(['validate'], { cwd: bare })), /^valid/);
  }));

test('what is there already stays as it is', () =>
  withFolder(async cwd => {
    await run('git', ['init', '--quiet', cwd]);
    await writeFile(path.join(cwd, 'README.md'), 'mine\n');
    const said = ok(await ota(['init', '--apk', first], { cwd }));
    assert.match(said, /these files exist and were not changed: README\.md/);
    assert.not.match(said, /made a Git repository/);
    assert.is(await readFile(path.join(cwd, 'README.md'), 'utf8'), 'mine\n');
  }));

test('an APK that is refused leaves a repository that waits for another one', () =>
  withFolder(async cwd => {
    await writeFile(path.join(cwd, 'no.apk'), 'not an APK');
    const { code } = await ota(['init', '--apk', 'no.apk'], { cwd });
    assert.is(code, 1);
    await access(path.join(cwd, 'releases/policy.yaml'));
    ok(await ota(['build', 'add', first], { cwd }));
    assert.match(ok(await ota(['validate'], { cwd })), /^valid/);
  }));

test('in the releases folder itself a verb means that folder', () =>
  withFolder(async folder => {
    ok(await ota(['init', '--apk', first], { cwd: folder }));
    const cwd = path.join(folder, 'releases');
    assert.match(ok(await ota(['validate'], { cwd })), /^valid: 0 errors/);
    ok(await ota(['build', 'add', path.join(APKS, 'b42.apk')], { cwd }));
    ok(await ota(['promote', 'b42', '--percent', '10', '--offline'], { cwd }));
    assert.match(await readFile(path.join(cwd, 'rollout.yaml'), 'utf8'), /^current: b42$/m);
    const { code, err } = await ota(['validate'], { cwd: path.join(cwd, 'cohorts') });
    assert.is(code, 2);
    assert.match(err, /ota init/);
  }));

test('a schema is printed for tools', async () => {
  assert.is(ok(await ota(['schema'])), 'rollout\nbuild\ncohort\npolicy\n');
  for (const name of ['rollout', 'build', 'cohort', 'policy']) {
    const file = path.resolve(import.meta.dirname, `../../schemas/${name}.schema.json`);
    assert.equal(JSON.parse((await ota(['schema', name])).out), JSON.parse(await readFile(file, 'utf8')));
  }
  assert.match((await ota(['schema', 'rolout'])).err, /Allowed choices are rollout, build/);
});

test('after an APK was declared the next step is named only where it can be one', () =>
  withFolder(async cwd => {
    ok(await ota(['init', '--apk', first], { cwd }));
    assert.match(ok(await ota(['build', 'add', first], { cwd })), /^b41 is already current$/m);
    const next = ok(await ota(['build', 'add', path.join(APKS, 'b42.apk')], { cwd }));
    assert.match(next, /next: ota promote b42 --percent 1/);
    const builds = [aBuild(41), aBuild(42), aBuild(43, { signerFingerprint: OTHER_SIGNER })];
    const files = new Map([['builds/b43.yaml', '']]);
    const line = (id: string, code = 43): string =>
      nextLine({ files, state: aState({ builds: [...builds, aBuild(code, { buildId: 'x' })] }) }, id);
    assert.match(line('b43'), /signed with a different key than b42: devices that run b42 cannot install it/);
    assert.match(line('x', 40), /x is older than b42; to go back to it: ota rollback --to x/);
    assert.is(nextLine({ files, state: undefined }, 'b43'), 'next: ota validate\n');
  }));

test.run();
