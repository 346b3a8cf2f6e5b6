/** Completion as real shells do it; a shell that is not installed is skipped. */
import { execFile, spawnSync } from 'node:child_process';
import { chmod, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ota } from '../support/cli.ts';
import { type Journey, withController } from '../support/controller.ts';
import { withFolder } from '../support/folder.ts';
import { otaProgram } from '../support/programs.ts';

const installed = (shell: string): boolean => spawnSync(shell, ['-c', 'true']).status === 0;

const complete = async (journey: Journey, ...words: string[]): Promise<string[]> => {
  const ran = await ota(['complete', '--', ...words], {
    cwd: journey.folder,
    url: journey.url,
    token: journey.adminToken,
  });
  assert.is(ran.code, 0, ran.err);
  return ran.out.split('\n').filter(line => line !== '');
};

test('verbs, options, choices, builds, devices and tags are completed', () =>
  withController(async journey => {
    await journey.enrol(['kiosk-1', 'kiosk-2'], ['lab']);
    await journey.enrol(['phone-1'], ['qa']);
    await journey.merge(100);
    assert.equal(await complete(journey, 'pro'), ['promote']);
    assert.not.ok((await complete(journey, '')).includes('complete'), 'what shells ask is no verb of people');
    assert.equal(await complete(journey, 'device', 're'), ['revoke']);
    assert.equal(await complete(journey, 'device', 'list', '--ou'), ['--outcome', '--output']);
    assert.equal(await complete(journey, 'device', 'list', '-o', ''), ['wide', 'json', 'csv']);
    assert.equal(await complete(journey, 'explain', 'kiosk'), ['kiosk-1', 'kiosk-2']);
    assert.equal(await complete(journey, 'device', 'list', '--tag', ''), ['lab', 'qa']);
    assert.equal(await complete(journey, 'device', 'list', '--tag', 'lab', '--build', 'b4'), ['b41', 'b42']);
    assert.equal(await complete(journey, 'promote', ''), ['b41', 'b42']);
    assert.equal(await complete(journey, 'completion', ''), ['bash', 'zsh', 'fish']);
    const nobody = await ota(['complete', '--', 'explain', ''], { url: 'http://127.0.0.1:1', token: 'x' });
    assert.equal([nobody.code, nobody.out, nobody.err], [0, '', ''], 'a shell is never spoken to');
  }));

/** Each prints what it would offer, one a line, with the script loaded and `ota` in PATH. */
const SHELLS: Readonly<Record<string, (script: string) => string>> = {
  bash: script =>
    `source ${script}; COMP_WORDS=(ota device re); COMP_CWORD=2; _ota; printf '%s\\n' "\${COMPREPLY[@]}"`,
  zsh: script =>
    `autoload -Uz compinit && compinit -u -D; compadd() { print -l -- $found; }; source ${script}; words=(ota device re); CURRENT=3; _ota`,
  fish: script => `source ${script}; complete -C 'ota device re'`,
};

for (const [shell, ask] of Object.entries(SHELLS))
  (installed(shell) ? test : test.skip)(`${shell} completes with the script that is printed for it`, () =>
    withFolder(async folder => {
      const program = path.join(folder, 'ota');
      await writeFile(program, `#!/bin/sh\nexec "${process.execPath}" "${otaProgram()}" "$@"\n`);
      await chmod(program, 0o755);
      const script = path.join(folder, 'script');
      await writeFile(script, (await ota(['completion', shell])).out);
      const env = { PATH: `${folder}:${process.env.PATH}`, HOME: folder };
      const { stdout } = await promisify(execFile)(shell, ['-c', ask(script)], { env, cwd: folder });
      assert.equal(
        stdout
          .split('\n')
          .filter(line => line !== '')
          .sort(),
        ['revoke'],
      );
    }),
  );

test.run();
