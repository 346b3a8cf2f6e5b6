import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { bucketOf } from '../controller/domain/cohort.ts';
import { exposed } from '../demo/cohort.ts';

const root = path.resolve(import.meta.dirname, '..');

interface Played {
  readonly code: number;
  readonly stdout: string;
}

const play = (...args: string[]): Promise<Played> =>
  new Promise(resolve => {
    const command = ['--import', 'tsx', 'demo/main.ts', '--once', '--json', '--devices', '120', ...args];
    execFile(process.execPath, command, { cwd: root }, (error, stdout) => {
      resolve({ code: error === null ? 0 : Number(error.code), stdout });
    });
  });

interface Result {
  readonly ok: boolean;
  readonly figures: readonly {
    readonly name: string;
    readonly expected: number;
    readonly measured: number;
    readonly ok: boolean;
  }[];
}

test("the demo's own cohort formula and the controller's agree", () => {
  for (let i = 0; i < 2_000; i++)
    for (const seed of ['', 'b42.3'])
      for (const percent of [0, 0.25, 1, 10, 50, 99.99, 100])
        assert.is(exposed(`d-${i}`, seed, percent), bucketOf(`d-${i}`, seed) < Math.round(percent * 100));
});

test('npm run demo -- --once --json prints one JSON object, every figure as expected, and ends', async () => {
  const { code, stdout } = await play();
  assert.is(stdout.trim().split('\n').length, 1);
  const result = JSON.parse(stdout) as Result;
  assert.equal(
    result.figures.filter(f => !f.ok),
    [],
  );
  assert.is(result.ok, true);
  assert.is(code, 0);
});

test('one changed byte of an APK: no device installs it and the demo fails', async () => {
  const { code, stdout } = await play('--tamper');
  assert.is(code, 1);
  const { figures } = JSON.parse(stdout) as Result;
  const named = (name: string) => figures.find(f => f.name === name);
  assert.is(named('b42 at 10 %')?.measured, 0);
  assert.ok((named('b42 at 10 %')?.expected ?? 0) > 0);
  // The controller looks at its APKs each minute. On a slow machine that can end the offers before every device has
  // tried, so the failed verifications of the devices are not counted here.
  assert.ok(named('failed verifications') !== undefined);
});

test('its first lines say where to watch it, and the token signs in there while it runs', async () => {
  const demo = spawn(process.execPath, ['--import', 'tsx', 'demo/main.ts', '--devices', '60'], { cwd: root });
  try {
    const [, url = '', token = ''] = await new Promise<RegExpExecArray>((resolve, reject) => {
      let seen = '';
      demo.stdout.on('data', chunk => {
        seen += String(chunk);
        const found = /watch it at (\S+) and sign in with (\S+)\n/.exec(seen);
        if (found !== null) resolve(found);
      });
      demo.once('close', () => reject(new Error(`it ended: ${seen}`)));
    });
    const signedIn = await fetch(`${url}sign-in`, {
      method: 'POST',
      redirect: 'manual',
      headers: { origin: new URL(url).origin },
      body: new URLSearchParams({ token, next: '/' }),
    });
    const cookie = signedIn.headers.get('set-cookie')?.split(';')[0] ?? '';
    const page = await fetch(url, { headers: { cookie } });
    assert.is(page.status, 200);
    assert.match(await page.text(), /<title>Now\b/);
  } finally {
    const ended = once(demo, 'close');
    demo.kill('SIGINT');
    await ended;
  }
});

test.run();
