/** The workflow that `ota init` writes, step by step, with the file that `npm pack` makes. */
import { execFile } from 'node:child_process';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { parse } from 'yaml';
import { ota } from '../support/cli.ts';
import { withFolder } from '../support/folder.ts';
import { gitEnvironment } from '../support/repository.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
const run = promisify(execFile);

interface Step {
  readonly name?: string;
  readonly id?: string;
  readonly run?: string;
  readonly env?: Readonly<Record<string, string>>;
}

const APKS = path.join(ROOT, 'examples/apks');

/** A releases repository whose HEAD is the merge that GitHub makes of a pull request. */
async function mergedPull(cwd: string): Promise<void> {
  await mkdir(cwd);
  const git = (...args: string[]) =>
    run('git', ['-c', 'user.name=Olga', '-c', 'user.email=o@example.com', ...args], {
      cwd,
      env: gitEnvironment(path.dirname(cwd)),
    });
  const say = async (...argv: string[]): Promise<void> => {
    const { code, err } = await ota(argv, { cwd });
    assert.is(code, 0, err);
  };
  await say('init', '--apk', path.join(APKS, 'b41.apk'));
  await git('add', '.');
  await git('commit', '--quiet', '--message', 'the first release');
  await git('checkout', '--quiet', '-b', 'change');
  await say('build', 'add', path.join(APKS, 'b42.apk'));
  await say('promote', 'b42', '--percent', '10', '--offline');
  await git('add', '.');
  await git('commit', '--quiet', '--message', 'promote b42');
  await git('checkout', '--quiet', 'main');
  await git('merge', '--quiet', '--no-ff', '--no-edit', 'change');
}

/** A runner as GitHub describes it: files that steps write to, and a PATH that grows between them. */
async function makeRunner(cwd: string, place: string, tarball: string) {
  const files = Object.fromEntries(
    ['GITHUB_OUTPUT', 'GITHUB_PATH', 'GITHUB_STEP_SUMMARY'].map(name => [name, path.join(place, name)]),
  );
  for (const file of Object.values(files)) await writeFile(file, '');
  const { stdout: cache } = await run('npm', ['config', 'get', 'cache']);
  const read = (name: string): Promise<string> => readFile(files[name] ?? '', 'utf8');
  const expressions = async (text: string): Promise<string> => {
    const values: Readonly<Record<string, string>> = {
      'vars.OTA_PACKAGE': tarball,
      'github.event.merge_group.base_sha': '',
      'steps.base.outputs.sha': /^sha=(\w+)$/m.exec(await read('GITHUB_OUTPUT'))?.[1] ?? '',
    };
    return text.replace(/\$\{\{ (\S+) \}\}/g, (whole, name: string) => values[name] ?? whole);
  };
  return {
    read,
    step: async (step: Step): Promise<{ code: number; said: string }> => {
      const own: Record<string, string> = {};
      for (const [name, text] of Object.entries(step.env ?? {})) own[name] = await expressions(text);
      assert.not.match(JSON.stringify(own), /\$\{\{/, 'every expression is known');
      const added = (await read('GITHUB_PATH')).split('\n').filter(line => line !== '');
      const env = {
        ...gitEnvironment(place),
        ...files,
        ...own,
        PATH: [...added.reverse(), process.env.PATH].join(':'),
        RUNNER_TEMP: place,
        npm_config_cache: cache.trim(),
        npm_config_prefer_offline: 'true',
      };
      try {
        const { stdout, stderr } = await run('bash', ['-e', '-o', 'pipefail', '-c', step.run ?? ''], {
          cwd,
          env,
        });
        return { code: 0, said: stdout + stderr };
      } catch (error) {
        const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
        return { code, said: stdout + stderr };
      }
    },
  };
}

test('the workflow of ota init installs the packed program and judges a pull request with it', () =>
  withFolder(async folder => {
    const cwd = path.join(folder, 'repository');
    await mergedPull(cwd);
    await run('npm', ['pack', '--pack-destination', folder], { cwd: ROOT });
    const tarball = (await readdir(folder)).find(name => name.endsWith('.tgz')) ?? '';
    const runner = await makeRunner(cwd, folder, path.join(folder, tarball));
    const text = await readFile(path.join(cwd, '.github/workflows/releases.yml'), 'utf8');
    const { jobs } = parse(text) as { jobs: { judge: { steps: Step[] } } };
    const steps = jobs.judge.steps.filter(step => step.run !== undefined);
    assert.is(steps.length, 5);
    for (const step of steps) {
      const { code, said } = await runner.step(step);
      if (/npm error code (ENOTFOUND|EAI_AGAIN|ETIMEDOUT|ECONNREFUSED)/.test(said)) {
        console.log('skipped: the packages can not be fetched here');
        return;
      }
      assert.is(code, 0, `${step.name}: ${said}`);
    }
    const summary = await runner.read('GITHUB_STEP_SUMMARY');
    assert.match(summary, /Promote `b42` at 10 %/);
    assert.match(summary, /ota rollback/);

    const rollout = path.join(cwd, 'releases/rollout.yaml');
    await writeFile(rollout, (await readFile(rollout, 'utf8')).replace('current: b42', 'current: b99'));
    const refused = await runner.step(steps.find(step => step.id === 'validate') ?? {});
    assert.is(refused.code, 1);
    assert.match(
      refused.said,
      /^::error file=releases\/rollout\.yaml,line=\d+,col=\d+,title=unknown_build::/m,
    );
  }));

test('without the variable the workflow says what to set', () =>
  withFolder(async folder => {
    const { code } = await ota(['init'], { cwd: folder });
    assert.is(code, 0);
    const text = await readFile(path.join(folder, '.github/workflows/releases.yml'), 'utf8');
    const { jobs } = parse(text) as { jobs: { judge: { steps: Step[] } } };
    const install = jobs.judge.steps.find(step => step.name === 'Install ota') ?? {};
    const place = path.join(folder, 'place');
    await mkdir(place);
    const runner = await makeRunner(folder, place, '');
    const said = await runner.step(install);
    assert.is(said.code, 1);
    assert.match(said.said, /::error::set the repository variable OTA_PACKAGE/);
  }));

test.run();
