/** `ota init`: creates a releases repository. */
import { access, mkdir } from 'node:fs/promises';
import path from 'node:path';
import { simpleGit } from 'simple-git';
import { Fault } from '../../domain/fault.ts';
import { ROLLOUT_FILE } from '../../domain/rules/index.ts';
import { buildArgument } from '../arguments.ts';
import { type AddOptions, addBuild } from '../build-add.ts';
import { EXIT, type ExitCode, type Io } from '../io.ts';
import { examples, type Verb } from '../program.ts';
import { replaceFile } from '../replace-file.ts';
import { VERSION } from '../version.ts';
import { openWorkspace } from '../workspace.ts';
import { initFiles } from './files.ts';

interface InitOptions extends Pick<AddOptions, 'id' | 'upload' | 'notes'> {
  readonly apk?: string;
}

export const init: Verb = (program, choose) => {
  program
    .command('init')
    .summary('make a releases repository')
    .description(
      'Writes releases/ with a policy and a cohort, the schemas for editors, the workflow that judges pull requests,\n' +
        'CODEOWNERS and a README. Existing files are kept. With an APK it also writes the first build and its rollout.',
    )
    .argument('[dir]', 'the folder; it is created if it does not exist', '.')
    .option('--apk <file>', 'the first build: a signed APK, ideally the one that the fleet runs')
    .option('--id <build>', 'its build id (default: b and the version code)', buildArgument)
    .option('--upload', 'store the APK in the controller (default: when OTA_ADMIN_TOKEN is set)')
    .option('--no-upload', 'do not store it')
    .addHelpText(
      'after',
      examples(
        'ota init --apk app-release.apk',
        'ota init ../agent-releases',
        'ota build add app-release.apk',
      ),
    )
    .action((dir: string, options: InitOptions) => choose(io => runInit(dir, options, io)));
};

/** 0, or 1 if the APK is refused. Files that are already written are kept. */
async function runInit(dir: string, options: InitOptions, io: Io): Promise<ExitCode> {
  const root = path.resolve(io.cwd, dir);
  const releases = path.join(root, 'releases');
  if (await isThere(path.join(releases, ROLLOUT_FILE)))
    throw new Fault(
      'already_there',
      `${path.join(dir, 'releases', ROLLOUT_FILE)} exists: this is already a releases repository\n  to add a build: ota build add APK`,
      { retry: 'never' },
    );
  const apk = options.apk ?? (await askForApk(io));
  const written: string[] = [];
  const kept: string[] = [];
  for (const [file, text] of initFiles(VERSION)) {
    const target = path.join(root, file);
    if (await isThere(target)) {
      kept.push(file);
      continue;
    }
    await mkdir(path.dirname(target), { recursive: true });
    await replaceFile(target, text, undefined);
    written.push(file);
  }
  const made = await makeRepository(root, io);
  if (written.length > 0) io.out(`wrote ${written.join('\n      ')}\n`);
  if (kept.length > 0) io.err(`note: these files exist and were not changed: ${kept.join(', ')}\n`);
  if (made) io.out('made a Git repository, branch main\n');
  if (apk === undefined) {
    io.out(
      `next: ota build add APK${dir === '.' ? '' : `, in ${dir}`}: the first build, ideally the one that the fleet runs\n`,
    );
    return EXIT.fine;
  }
  // The path of the APK is relative to the folder in which the command runs.
  const code = await addBuild(path.resolve(io.cwd, apk), { ...options, dir: releases }, io);
  if (code === EXIT.fine) io.out('next: git add . && git commit -m "the first release", and push it\n');
  return code;
}

const isThere = (file: string): Promise<boolean> =>
  access(file).then(
    () => true,
    () => false,
  );

/** Asks for the first APK on a terminal. An empty line means later. */
async function askForApk(io: Io): Promise<string | undefined> {
  if (!io.terminal) return undefined;
  io.err('The first APK, ideally the one that the fleet runs (empty: later): ');
  let typed = '';
  for await (const piece of io.stdin()) {
    typed += piece.toString('utf8');
    if (typed.includes('\n')) break;
  }
  const answer = (typed.split('\n')[0] ?? '').trim();
  return answer === '' ? undefined : answer;
}

/** True if a repository was made. A folder inside a repository stays part of it. */
async function makeRepository(root: string, io: Io): Promise<boolean> {
  const { repository, unreadable } = await openWorkspace(io, root);
  if (unreadable !== undefined) throw unreadable;
  if (repository !== undefined) return false;
  await simpleGit({ baseDir: root }).raw(['init', '--quiet', '--initial-branch=main']);
  return true;
}
