/** Every command that README and docs show is run here, or stands below with the reason why it cannot be. */
import { execFile } from 'node:child_process';
import { chmod, copyFile, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { proposalsOf } from '../controller/compose/proposals.ts';
import { buildYaml } from '../controller/yaml/write.ts';
import { ota } from './support/cli.ts';
import { type Journey, withController } from './support/controller.ts';
import { anApk, call } from './support/http.ts';
import { otaProgram } from './support/programs.ts';
import { releaseFiles } from './support/releases.ts';
import { gitEnvironment } from './support/repository.ts';
import { aBuild, aRollout, aState } from './support/state.ts';

const ROOT = path.resolve(import.meta.dirname, '..');
const run = promisify(execFile);

/** What cannot be run here, by its beginning, and why. `docker`, `kubectl`, `adb` and `systemctl` would stand here too. */
const NOT_RUN: Readonly<Record<string, string>> = {
  'npm ci': 'installs the packages that run this test',
  'npm test': 'runs this test',
  'npm run test:only': 'test/runner.test.ts runs the runner',
  'npm run format': 'rewrites the checkout; CI runs its check',
  'npm run check': 'the first half of npm test',
  'npm start': 'test/main-signals.test.ts starts it',
  'node --import tsx test/': 'is a test itself',
  'export OTA_URL': 'sets what every command here has',
  'ota adopt': 'needs the environment of a controller: test/journeys/installation.test.ts runs it there',
  'ota artifact copy --from': 'needs a bucket: test/cli/artifact-copy.test.ts runs it there',
  'export OTA_DATABASE_FILE': 'names a server',
  'ota store copy --from /var/lib/ota --to':
    'needs PostgreSQL: test/postgres/store-copy-cli.test.ts runs it there',
  'OTA_SOURCE=https://': 'needs a repository and a certificate of its own',
  'ssh-keyscan': 'asks another host',
  'source <(ota completion zsh)': 'needs zsh: test/cli/completion.test.ts runs it there',
  'git add .': 'test/journeys/operator-1-by-verbs.test.ts commits',
};

/** Commands that say no in this scene, and the code or words with which they do. */
const SAYS_NO: readonly (readonly [command: RegExp, words: RegExp])[] = [
  [/^ota notify test/, /\[notify_off\]/],
  [/^ota resume --reason "a broken tablet"/, /\[resume_nothing\]/],
  [/^ota explain kiosk-7 --at/, /\[query_invalid\]/],
  // Each command has a desk of its own, so no context was added; test/cli/context.test.ts adds and uses them.
  [/^ota (context (use|remove) staging|status --context production)/, /\[context_unknown\]/],
  [/^ota store copy --from \S+ --cancel/, /\[copy_not_leaving\]/],
  [/^ota artifact delete/, /\[artifact_unknown\]/],
];

async function documented(): Promise<string[]> {
  const docs = (await readdir(path.join(ROOT, 'docs'))).filter(name => name.endsWith('.md')).sort();
  const files = ['README.md', 'CONTRIBUTING.md', 'SECURITY.md', ...docs.map(name => `docs/${name}`)];
  const commands: string[] = [];
  for (const file of files) {
    const text = await readFile(path.join(ROOT, file), 'utf8');
    for (const [, block = ''] of text.matchAll(/```sh\n([\s\S]*?)```/g))
      for (const line of block.replaceAll('\\\n', ' ').split('\n')) {
        const command = line.replace(/\s+#\s.*$/, '').trim();
        if (command !== '' && !command.startsWith('#')) commands.push(command.replace(/^npx ota/, 'ota'));
      }
  }
  return [...new Set(commands)];
}

interface Desk {
  /** Runs a line as a person would; resolves to the exit code and all that was said. */
  run(command: string): Promise<{ code: number; said: string }>;
}

/** Shell syntax beyond words and double quotes. */
const NEEDS_SHELL = /[|&><$'`]/;
const wordsOf = (command: string): string[] =>
  [...command.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, bare]) => quoted ?? bare ?? '');

/** A clone of what the controller follows, with what the examples speak of: files, branches, builds, a device. */
async function makeDesk(journey: Journey): Promise<Desk> {
  const { folder, repository, builds, adminToken, url } = journey;
  const next = await anApk(44);
  const b43 = aBuild(43, { signerFingerprint: builds.b42.build.signerFingerprint });
  const state = aState({
    builds: [builds.b41.build, builds.b42.build, b43],
    rollout: aRollout({ canary: { tags: [], devices: ['kiosk-7'], cohorts: [] } }),
  });
  await journey.commitFiles(releaseFiles(state));
  const cwd = path.join(folder, 'desk');
  const env = { ...gitEnvironment(folder), OTA_URL: url, OTA_ADMIN_TOKEN: adminToken };
  const git = (...args: string[]) =>
    run('git', ['-c', 'user.name=Olga', '-c', 'user.email=o@example.com', ...args], { cwd, env });
  await run('git', ['clone', '--quiet', repository.folder, cwd], { env });
  await writeFile(path.join(folder, '.gitconfig'), '[user]\n  name = Olga\n  email = o@example.com\n');
  await git('checkout', '--quiet', '-b', 'my-branch');
  const note = buildYaml({ ...b43, notes: undefined }).replace('build_id: b43', 'build_id: b43');
  await writeFile(path.join(cwd, 'releases/builds/b43.yaml'), `${note}notes: on my branch\n`);
  await git('commit', '--quiet', '--all', '--message', 'a note');
  await git('checkout', '--quiet', 'main');
  const base = (await git('rev-parse', 'HEAD')).stdout.trim();
  const bin = path.join(folder, 'bin');
  await mkdir(bin);
  await mkdir(path.join(folder, 'backups'));
  const shim = `#!/bin/sh\nexec "${process.execPath}" "${otaProgram()}" "$@"\n`;
  await writeFile(path.join(bin, 'ota'), shim);
  await chmod(path.join(bin, 'ota'), 0o755);
  const reset = async (): Promise<void> => {
    await git('reset', '--quiet', '--hard', 'main');
    await git('clean', '--quiet', '-fdx');
    for (const name of ['app.apk', 'app-release.apk']) await writeFile(path.join(cwd, name), next.apk);
    await writeFile(path.join(cwd, 'agent-42.apk'), builds.b42.apk);
    await writeFile(path.join(cwd, 'fleet.csv'), 'device_id,tags\nd-1,qa lab\nd-2,\n');
    await writeFile(path.join(cwd, 'failed.csv'), 'device_id\nkiosk-7\n');
  };
  return {
    run: async command => {
      await reset();
      await admitKiosk(journey, /^ota device enrol/.test(command));
      const line = command
        .replaceAll('/backups/', `${folder}/backups/`)
        .replaceAll('/var/lib/ota', path.join(folder, 'data'))
        .replaceAll('<commit>', base)
        .replaceAll('/v1/artifacts/<sha256>', `/v1/artifacts/${builds.b42.build.sha256}`);
      // An empty folder is what a first hour begins with.
      const at = /^ota init/.test(command) ? await emptyDesk(cwd, folder) : cwd;
      // The program itself reads --context, before its verbs do.
      if (!NEEDS_SHELL.test(line) && !line.includes('--context')) {
        const proposals = proposalsOf(env, Date.now);
        const argv = wordsOf(line).slice(1);
        const { code, out, err } = await ota(argv, { cwd: at, url, token: adminToken, proposals });
        return { code, said: out + err };
      }
      try {
        const shell = { ...env, PATH: `${bin}:${process.env.PATH}`, BASE_SHA: base };
        const { stdout, stderr } = await run('bash', ['-e', '-o', 'pipefail', '-c', line], {
          cwd: at,
          env: shell,
        });
        return { code: 0, said: stdout + stderr };
      } catch (error) {
        const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
        return { code, said: stdout + stderr };
      }
    },
  };
}

async function emptyDesk(cwd: string, folder: string): Promise<string> {
  const empty = path.join(folder, 'empty');
  await mkdir(empty);
  await copyFile(path.join(cwd, 'app-release.apk'), path.join(empty, 'app-release.apk'));
  return empty;
}

/** kiosk-7 is enrolled and runs b42, whatever the command before made of it; `not` at all for one that enrols it. */
async function admitKiosk({ admin, url }: Journey, not: boolean): Promise<void> {
  await admin('DELETE', '/v1/devices/kiosk-7');
  if (not) return;
  const { json } = await admin('POST', '/v1/devices', { json: { device_id: 'kiosk-7' } });
  const { token } = json as { token: string };
  await call(url, 'GET', '/v1/agent/update?version_code=42&build_id=b42&sdk=33', { token });
}

test('every documented command does what it is shown for, or is listed with the reason why it cannot run here', async () => {
  const commands = await documented();
  const beginnings = Object.keys(NOT_RUN);
  const isLeft = (command: string): boolean => beginnings.some(b => command.startsWith(b));
  for (const beginning of beginnings)
    assert.ok(
      commands.some(c => c.startsWith(beginning)),
      `${beginning} is not documented any more`,
    );
  const left = commands.filter(isLeft);
  const wanted = commands.filter(c => !isLeft(c));
  assert.ok(wanted.length > 60, `${wanted.length} commands`);
  await withController(async journey => {
    const desk = await makeDesk(journey);
    const wrong: string[] = [];
    const unused = new Set(SAYS_NO);
    for (const command of wanted) {
      const { code, said } = await desk.run(command);
      const no = SAYS_NO.find(([pattern]) => pattern.test(command));
      if (no !== undefined) unused.delete(no);
      if (no === undefined ? code !== 0 : code === 0 || !no[1].test(said))
        wrong.push(`${command}: exit ${code}\n${said}`);
    }
    assert.is(wrong.join('\n'), '');
    assert.equal([...unused], []);
  });
  console.log(`${wanted.length} commands run, ${left.length} not: ${left.join('; ')}`);
});

test.run();
