/** The bundle that is installed says what the sources say: its schemas are compiled beforehand. */
import { execFile } from 'node:child_process';
import { cp, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { buildCli } from '../../scripts/build.ts';
import { ota } from '../support/cli.ts';
import { withFolder } from '../support/folder.ts';

const root = path.resolve(import.meta.dirname, '../..');

/** Each breaks the schema in its own way: type, pattern, format, multipleOf, a key too many, a key too few. */
const BREAKS: readonly (readonly [file: string, from: RegExp, to: string])[] = [
  ['rollout.yaml', /^current: .*$/m, 'current: [b42]'],
  ['rollout.yaml', /^current: (.*)$/m, 'current: $1\nsurprise: 1'],
  ['rollout.yaml', /^(rollout_percent|ramp):[\s\S]*?(?=^\w)/m, 'rollout_percent: 1.234\n'],
  [
    'rollout.yaml',
    /^current: (.*)$/m,
    'current: $1\nsuspend: {reason: x, since: 2026-02-30T00:00:00Z, until: soon}',
  ],
  [
    'policy.yaml',
    /^kind: .*$/m,
    'kind: Policy\nfreeze_windows: [{days: [mon], from: "25:00", to: "26:00", timezone: Mars/Base}]',
  ],
  ['builds/b42.yaml', /^sha256: .*$/m, 'sha256: short'],
];

test('the bundle finds the same problems as the sources, and knows its version', () =>
  withFolder(async folder => {
    const program = path.join(folder, 'program');
    await buildCli(program);
    const main = path.join(program, 'controller/cli/main.js');
    const bundled = (...argv: string[]): Promise<string> =>
      promisify(execFile)(process.execPath, [main, ...argv], {
        cwd: folder,
        env: { PATH: process.env.PATH, HOME: folder },
      }).then(
        ({ stdout }) => stdout,
        (error: { stdout: string; stderr: string }) => error.stdout || error.stderr,
      );
    let seen = 0;
    for (const [file, from, to] of BREAKS) {
      await cp(path.join(root, 'releases'), path.join(folder, 'releases'), { recursive: true });
      const target = path.join(folder, 'releases', file);
      const text = await readFile(target, 'utf8');
      await writeFile(target, text.replace(from, to));
      const expected = await ota(['validate', '--format', 'json', '--offline'], { cwd: folder });
      const { problems } = JSON.parse(expected.out) as { problems: unknown[] };
      seen += problems.length;
      assert.equal(
        JSON.parse(await bundled('validate', '--format', 'json', '--offline')),
        JSON.parse(expected.out),
        to,
      );
    }
    assert.ok(seen >= BREAKS.length, `${seen} problems`);
    assert.is(await bundled('--help'), (await ota(['--help'])).out);
    assert.match(await bundled('promot'), /Did you mean promote/);
    const env = { PATH: process.env.PATH, HOME: folder, OTA_URL: 'http://127.0.0.1:1', OTA_ADMIN_TOKEN: 'x' };
    const asked = await promisify(execFile)(process.execPath, [main, 'status'], { cwd: folder, env }).catch(
      (error: { stderr: string }) => error,
    );
    assert.match(asked.stderr, /nothing listens there/, 'it has an HTTP client');
    // What writes files is a CommonJS package inside.
    const added = await bundled('context', 'add', 'here', 'http://127.0.0.1:8080', 'token');
    assert.is(added, 'added here, the current context\n');
  }));

test.run();
