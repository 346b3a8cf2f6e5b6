/** The workflow that `ota init` writes, step by step, with the file that `npm pack` makes. */
import { execFile } from 'node:child_process';
import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { parse } from 'yaml';
import { ota } from '../support/cli.ts';
import { withFolder } from '../support/folder.ts';
import { startRegistry } from '../support/registry.ts';
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
async function makeRunner(cwd: string, place: string, wanted: string, registry = '') {
  const files = Object.fromEntries(
    ['GITHUB_OUTPUT', 'GITHUB_PATH', 'GITHUB_STEP_SUMMARY'].map(name => [name, path.join(place, name)]),
  );
  for (const file of Object.values(files)) await writeFile(file, '');
  const read = (name: string): Promise<string> => readFile(files[name] ?? '', 'utf8');
  const expressions = async (text: string): Promise<string> => {
    const values: Readonly<Record<string, string>> = {
      'vars.OTA_PACKAGE': wanted,
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
        npm_config_cache: path.join(place, 'npm-cache'),
        npm_config_registry: registry,
        npm_config_fetch_retries: '0',
        npm_config_update_notifier: 'false',
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

/** The steps of the written workflow that run commands. */
async function stepsIn(cwd: string): Promise<readonly Step[]> {
  const text = await readFile(path.join(cwd, '.github/workflows/releases.yml'), 'utf8');
  const { jobs } = parse(text) as { jobs: { judge: { steps: Step[] } } };
  return jobs.judge.steps.filter(step => step.run !== undefined);
}

/** Runs all steps and asserts that they judged. */
async function judges(cwd: string, runner: Awaited<ReturnType<typeof makeRunner>>): Promise<void> {
  const steps = await stepsIn(cwd);
  assert.is(steps.length, 5);
  for (const step of steps) {
    const { code, said } = await runner.step(step);
    assert.is(code, 0, `${step.name}: ${said}`);
  }
  const summary = await runner.read('GITHUB_STEP_SUMMARY');
  assert.match(summary, /Promote `b42` at 10 %/);
  assert.match(summary, /ota rollback/);
}

const IMAGE = 'registry.example/nexmdm-ota:0.2.0';

/** Takes what docker is asked for, and nothing else. `image`: the folder that stands for the image's root. */
const dockerFor = (image: string, calls: string): string => `#!/bin/sh
echo "$*" >> ${calls}
case "$1 $2" in
  'create ${IMAGE}') echo c0ffee ;;
  'cp c0ffee:'*) exec cp -R "${image}\${2#c0ffee:}" "$3" ;;
  'rm c0ffee') echo c0ffee ;;
  *) echo "docker: unexpected: $*" >&2; exit 64 ;;
esac
`;

test('the workflow of ota init installs the packed program, or the image, and judges a pull request with it', () =>
  withFolder(async folder => {
    const cwd = path.join(folder, 'repository');
    await mergedPull(cwd);
    await run('npm', ['pack', '--pack-destination', folder], { cwd: ROOT });
    const tarball = path.join(folder, (await readdir(folder)).find(name => name.endsWith('.tgz')) ?? '');

    // What deploy/Containerfile puts into /app is what the package holds, with its dependencies.
    const image = path.join(folder, 'image');
    await mkdir(path.join(image, 'app'), { recursive: true });
    await run('tar', ['-xzf', tarball, '-C', path.join(image, 'app'), '--strip-components=1']);
    await symlink(path.join(ROOT, 'node_modules'), path.join(image, 'app/node_modules'));
    const tools = path.join(folder, 'tools');
    const calls = path.join(folder, 'docker-calls');
    await mkdir(tools);
    await writeFile(path.join(tools, 'docker'), dockerFor(image, calls), { mode: 0o755 });
    const contained = path.join(folder, 'contained');
    await mkdir(contained);
    const inImage = await makeRunner(cwd, contained, IMAGE);
    await writeFile(path.join(contained, 'GITHUB_PATH'), `${tools}\n`);
    await judges(cwd, inImage);
    assert.equal(
      (await readFile(calls, 'utf8'))
        .trim()
        .split('\n')
        .map(call => call.split(' ')[0]),
      ['create', 'cp', 'rm'],
    );

    const registry = await startRegistry();
    const runner = await makeRunner(cwd, folder, tarball, registry.url);
    try {
      await judges(cwd, runner);
    } finally {
      await registry.stop();
    }
    const rollout = path.join(cwd, 'releases/rollout.yaml');
    await writeFile(rollout, (await readFile(rollout, 'utf8')).replace('current: b42', 'current: b99'));
    const refused = await runner.step((await stepsIn(cwd)).find(step => step.id === 'validate') ?? {});
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
    const install = (await stepsIn(folder)).find(step => step.name === 'Install ota') ?? {};
    const place = path.join(folder, 'place');
    await mkdir(place);
    const runner = await makeRunner(folder, place, '');
    const said = await runner.step(install);
    assert.is(said.code, 1);
    assert.match(said.said, /::error::set the repository variable OTA_PACKAGE/);
  }));

test.run();
