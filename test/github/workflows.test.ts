import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { parse } from 'yaml';
import { parseState } from '../../controller/yaml/parse.ts';
import { otaProgram } from '../support/programs.ts';
import { releaseFiles, sourceFiles, writeReleases } from '../support/releases.ts';
import { gitEnvironment, withRepository } from '../support/repository.ts';
import { aState } from '../support/state.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
const run = promisify(execFile);

interface Step {
  id?: string;
  uses?: string;
  run?: string;
  with?: Record<string, unknown>;
  'working-directory'?: string;
}
interface Workflow {
  on: Record<string, unknown>;
  permissions: Record<string, string>;
  jobs: Record<string, { permissions?: Record<string, string>; steps: Step[]; needs?: string }>;
}
const workflow = async (name: string): Promise<Workflow> =>
  parse(await readFile(path.join(ROOT, '.github/workflows', name), 'utf8')) as Workflow;

test('releases.yml always reports: every pull request and merge group, never filtered by paths', async () => {
  const { on } = await workflow('releases.yml');
  assert.equal(Object.keys(on).sort(), ['merge_group', 'pull_request']);
  assert.equal(Object.values(on), [null, null]);
});

test('the job that reads untrusted YAML has no write token and runs the judge of the base branch', async () => {
  const { permissions, jobs } = await workflow('releases.yml');
  assert.equal(permissions, {});
  assert.equal(jobs.judge?.permissions, { contents: 'read' });
  const checkouts = jobs.judge?.steps.filter(s => s.uses?.startsWith('actions/checkout@')) ?? [];
  assert.equal(
    checkouts.map(s => s.with?.['persist-credentials']),
    [false, false],
  );
  assert.equal(
    checkouts.map(s => s.with?.path),
    ['change', 'judge'],
  );
  assert.match(String(checkouts[1]?.with?.ref), /steps\.base\.outputs\.sha/);
  for (const step of jobs.judge?.steps ?? []) {
    if (step.run?.includes('npm ')) assert.is(step['working-directory'], 'judge');
    assert.not.match(step.run ?? '', /\$\{\{/, 'no expression reaches a shell');
  }
});

test('the base is the one that the merge commit is made on, however old the pull request is', async () => {
  const { jobs } = await workflow('releases.yml');
  const script = jobs.judge?.steps.find(s => s.id === 'base')?.run ?? '';
  await withRepository(async (repository, place) => {
    const stale = await repository.record();
    await repository.git('checkout', '--quiet', '-b', 'change');
    await repository.commit({ 'rollout.yaml': 'change' });
    await repository.git('checkout', '--quiet', 'main');
    const tip = await repository.record();
    await repository.git('merge', '--quiet', '--no-ff', '--no-edit', 'change');
    const output = path.join(place, 'output');
    const found = async (more: Readonly<Record<string, string>>): Promise<string> => {
      await writeFile(output, '');
      const env = { ...gitEnvironment(place), GITHUB_OUTPUT: output, ...more };
      await run('bash', ['-e', '-c', script], { cwd: repository.folder, env });
      return (await readFile(output, 'utf8')).trim();
    };
    assert.is.not(stale, tip);
    assert.is(await found({ QUEUED_ON: '' }), `sha=${tip}`);
    assert.is(await found({ QUEUED_ON: stale }), `sha=${stale}`, 'a merge group names its own');
  });
});

test('the job that may write runs nothing of the pull request', async () => {
  const { jobs } = await workflow('releases.yml');
  const steps = jobs.post?.steps ?? [];
  assert.is(jobs.post?.needs, 'judge');
  assert.ok(steps.length > 0 && steps.every(s => !(s.uses ?? '').startsWith('actions/checkout')));
  for (const step of steps) assert.not.match(step.run ?? '', /\$\{\{|npm|node /);
});

test('no workflow uses pull_request_target', async () => {
  for (const name of ['ci.yml', 'releases.yml'])
    assert.not.ok('pull_request_target' in (await workflow(name)).on, name);
});

/** As the workflow does: the judge in one place, the change in a repository of its own. */
async function judge(
  args: readonly string[],
  files: Readonly<Record<string, string>>,
): Promise<{ code: number; out: string; base: string }> {
  const folder = await mkdtemp(path.join(tmpdir(), 'ota-judge-'));
  try {
    const env = { PATH: process.env.PATH ?? '', HOME: folder, GIT_CONFIG_NOSYSTEM: '1' };
    const git = (...more: string[]) =>
      run('git', ['-c', 'user.name=Ada', '-c', 'user.email=ada@example.com', ...more], { cwd: folder, env });
    await git('init', '--quiet', '--initial-branch=main');
    await mkdir(path.join(folder, 'releases'));
    await writeReleases(path.join(folder, 'releases'), releaseFiles({ rollout: 10 }));
    await git('add', '.');
    await git('commit', '--quiet', '-m', 'base');
    const base = (await git('rev-parse', 'HEAD')).stdout.trim();
    for (const [name, text] of Object.entries(files))
      await writeFile(path.join(folder, 'releases', name), text);
    await git('add', '.');
    await git('commit', '--quiet', '--allow-empty', '-m', 'change');
    try {
      const { stdout } = await run(
        process.execPath,
        [otaProgram(), ...args.map(a => a.replace('$BASE', base))],
        { cwd: folder, env },
      );
      return { code: 0, out: stdout, base };
    } catch (error) {
      const failed = error as { code: number; stdout: string; stderr: string };
      return { code: failed.code, out: failed.stdout + failed.stderr, base };
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

test('ota validate --format github on a broken tree: an annotation for each problem, at its file, line and column', async () => {
  const rollout =
    'apiVersion: ota.nexmdm/v1\nkind: Rollout\ncurrent: b4x\nlast_safe: b41\nrollout_percent: 110\nwifi_onyl: true\n';
  const files = { ...releaseFiles(aState({ rollout: 10 })), 'rollout.yaml': rollout };
  const { problems } = parseState({ files: sourceFiles(files) }, undefined, { nowMs: Date.now() });
  const errors = problems.filter(p => p.severity === 'error');
  assert.ok(errors.length >= 2, 'the tree is broken in several places');
  const { code, out } = await judge(['validate', 'releases', '--base', '$BASE', '--format', 'github'], {
    'rollout.yaml': rollout,
  });
  assert.is(code, 1);
  const printed = out.split('\n').filter(line => line.startsWith('::error '));
  const placed = printed.map(line =>
    /file=([^,]+),line=(\d+)(?:,endLine=\d+)?,col=(\d+)/.exec(line)?.slice(1, 4).join(':'),
  );
  assert.equal(placed.sort(), errors.map(p => `releases/${p.file}:${p.line}:${p.column}`).sort());
});

test('the plan that CI posts is offline and nominal', async () => {
  const { code, out } = await judge(
    ['plan', '--dir', 'releases', '--base', '$BASE', '--format', 'markdown'],
    {
      ...releaseFiles({ rollout: 50 }),
    },
  );
  assert.is(code, 0, out);
  assert.match(out, /10 % → 50 %/);
  assert.match(out, /[Nn]ominal/);
});

test.run();
