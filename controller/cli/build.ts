/** `ota build …`: declares APKs as builds of the desired state. */
import { createReadStream } from 'node:fs';
import { mkdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { InvalidArgumentError } from 'commander';
import { parse, stringify } from 'yaml';
import { type ApkFacts, buildDocument, HINTS, verifyApk } from '../apk/index.ts';
import { openFileReader } from '../artifacts/file-reader.ts';
import { Fault } from '../domain/fault.ts';
import { isBuildId, normaliseFingerprint } from '../domain/ids.ts';
import { acceptable } from './apk-concerns.ts';
import { openApkInput } from './apk-input.ts';
import { buildArgument, countArgument, reasonArgument } from './arguments.ts';
import { uploadBar } from './bar.ts';
import { runBuildVerify } from './build-verify.ts';
import { type Client, controllerClient } from './client.ts';
import { unreadable } from './device-import.ts';
import { EXIT, type ExitCode, type Io, outJson, paint } from './io.ts';
import { judgeHead } from './judging.ts';
import { errorsIn, textOf, visible } from './problem-formats.ts';
import { examples, type Verb } from './program.ts';
import { replaceFile } from './replace-file.ts';
import { openWorkspace, type Workspace } from './workspace.ts';

const UPLOAD_TIMEOUT_MS = 600_000;
const MODELINE = '# yaml-language-server: $schema=../../schemas/build.schema.json\n';

interface AddOptions {
  readonly id?: string;
  readonly upload?: boolean;
  readonly notes?: string;
  readonly dir: string;
  readonly json?: boolean;
}

export const build: Verb = (program, choose) => {
  const group = program
    .command('build')
    .summary('declare an APK as a build, or verify one')
    .description('Reads, verifies, declares and uploads APKs.')
    .addHelpText('after', examples('ota build verify app.apk', 'ota build add app.apk'));

  group
    .command('add')
    .description(
      'Verifies an APK as Android does, stores it in the controller and writes its facts to builds/<id>.yaml.',
    )
    .argument('<apk>', 'a signed APK')
    .option('--id <build>', 'its build id (default: b and the version code)', buildArgument)
    .option('--upload', 'store the APK in the controller first (default: when OTA_ADMIN_TOKEN is set)')
    .option('--no-upload', 'only write the file')
    .option('--notes <text>', 'a note for people', reasonArgument)
    .option('--dir <dir>', 'the folder that holds rollout.yaml', 'releases')
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      examples(
        'ota build add app-release.apk',
        'ota build add app-release.apk --id b43 --notes "fixes Wi-Fi"',
        'ota build add app-release.apk --no-upload',
      ),
    )
    .action((apk: string, options: AddOptions) => choose(io => runBuildAdd(apk, options, io)));

  group
    .command('verify')
    .description(
      'Shows what an APK contains, or why Android would refuse it. Exit code 1 when it is rejected, 2 when it cannot be read.',
    )
    .argument('<file>', 'an APK')
    .option('--sdk <n>', 'judge for one Android version (API level) only', sdkArgument)
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      examples(
        'ota build verify app.apk',
        'ota build verify app.apk --sdk 33',
        'ota build verify app.apk --json | jq .sha256',
      ),
    )
    .action((file: string, options: { sdk?: number; json?: boolean }) =>
      choose(io =>
        runBuildVerify(
          path.resolve(io.cwd, file),
          { json: options.json === true, sdk: options.sdk, color: io.colour },
          io,
        ),
      ),
    );
};

const sdkArgument = (text: string): number => {
  const sdk = countArgument(1, 10_000)(text);
  if (sdk < 24) throw new InvalidArgumentError('Builds are for SDK 24 and up.');
  return sdk;
};

/** Exit code 0: written, or declared before with the same facts. 1: the APK is rejected or the tree would be invalid. */
async function runBuildAdd(apk: string, options: AddOptions, io: Io): Promise<ExitCode> {
  const wanted = options.upload ?? io.controller.token !== undefined;
  const client = wanted ? controllerClient(io) : undefined;
  await using input = await openApkInput(path.resolve(io.cwd, apk)).catch((cause: unknown) => {
    throw unreadable(apk, cause);
  });
  const facts = await factsOf(input.path, apk, io);
  if (facts === undefined) return EXIT.invalid;
  const id = options.id ?? `b${facts.versionCode}`;
  if (!isBuildId(id))
    throw new Fault('usage', `${id} is not a valid build id; choose one with --id (letters, digits, . _ -)`, {
      retry: 'never',
    });
  const workspace = await openWorkspace(io, options.dir);
  const shown = `${workspace.shown}/builds/${id}.yaml`;
  const document = {
    ...buildDocument(facts, id),
    ...(options.notes === undefined ? {} : { notes: options.notes }),
  };
  const text = MODELINE + stringify(document, { lineWidth: 0 });
  const verdict = await judgeAddition(workspace, id, text, facts, io);
  if (verdict === 'invalid') return EXIT.invalid;
  if (client !== undefined) await upload(client, input.path, facts, io);
  else if (options.upload === undefined)
    io.err(
      'note: OTA_ADMIN_TOKEN is not set, so the APK was not uploaded; upload it before you promote the build\n',
    );
  if (verdict === 'new') {
    await mkdir(path.join(workspace.dir, 'builds'), { recursive: true });
    await replaceFile(path.join(workspace.dir, 'builds', `${id}.yaml`), text, undefined);
  }
  const done = { ...document, file: shown, written: verdict === 'new', uploaded: client !== undefined };
  if (options.json === true) outJson(io, done);
  else {
    io.out(verdict === 'new' ? `wrote ${shown}\n` : `${shown} already declares this APK\n`);
    io.out(`next: ota promote ${id} --percent 1\n`);
  }
  return EXIT.fine;
}

async function factsOf(file: string, shown: string, io: Io): Promise<ApkFacts | undefined> {
  const reader = await openFileReader(file).catch((cause: unknown) => {
    throw unreadable(shown, cause);
  });
  try {
    const verdict = await verifyApk(reader, {});
    if (verdict.ok) return verdict.facts;
    io.err(
      `${paint(io).red('refused')}: ${visible(verdict.message)} [${verdict.code}]\n  hint: ${HINTS[verdict.code]}\n`,
    );
    return undefined;
  } finally {
    await reader.close();
  }
}

/** Judges the tree with the new file. An existing file with the same facts is left alone, including its notes. */
async function judgeAddition(
  workspace: Workspace,
  id: string,
  text: string,
  facts: ApkFacts,
  io: Io,
): Promise<'new' | 'same' | 'invalid'> {
  const colours = paint(io);
  const tree = await workspace.working();
  const relative = `builds/${id}.yaml`;
  const before = await judgeHead(workspace, tree, undefined, io.nowMs());
  const there = tree.files.find(f => f.path === relative);
  const same = there !== undefined && 'content' in there && sameFacts(there.content.toString('utf8'), text);
  if (!acceptable(facts.concerns, same, io)) return 'invalid';
  if (same) return 'same';
  if (there !== undefined) {
    io.err(
      `${colours.red('refused')}: ${workspace.shown}/${relative} already exists with other facts [build_facts_edited]\n  a build never changes: give this one another id with --id\n`,
    );
    return 'invalid';
  }
  const files = [...tree.files, { path: relative, content: Buffer.from(text) }];
  const after = await judgeHead(workspace, { ...tree, files }, undefined, io.nowMs());
  // Older problems are shown but do not refuse the build: a first build may be added to an incomplete tree.
  const known = new Set(before.problems.map(p => `${p.file} ${p.code} ${p.message}`));
  const fresh = after.problems.filter(p => !known.has(`${p.file} ${p.code} ${p.message}`));
  for (const problem of after.problems)
    if (problem.severity === 'error' || fresh.includes(problem)) io.err(textOf(problem, colours));
  if (errorsIn(fresh) === 0) return 'new';
  io.err(
    `${colours.red('refused')}: with this build the desired state would be invalid; nothing was written\n`,
  );
  return 'invalid';
}

/** Compares every key except `notes` and `withdrawn`. Fingerprints may have either spelling. */
function sameFacts(there: string, text: string): boolean {
  const facts = (yaml: string): string => {
    const { notes: _notes, withdrawn: _withdrawn, ...rest } = (parse(yaml) ?? {}) as Record<string, unknown>;
    const plain = JSON.stringify(Object.entries(rest).sort(([a], [b]) => (a < b ? -1 : 1)));
    return plain.replace(/[0-9A-Fa-f]{2}(:[0-9A-Fa-f]{2}){31}/g, text => normaliseFingerprint(text) ?? text);
  };
  try {
    return facts(there) === facts(text);
  } catch {
    return false; // the file is not YAML, so its facts differ
  }
}

async function upload(client: Client, file: string, facts: ApkFacts, io: Io): Promise<void> {
  const { size } = await stat(file);
  const bar = uploadBar(io, size);
  try {
    const { json } = await client.call({
      method: 'PUT',
      path: `/v1/artifacts/${facts.sha256}`,
      body: {
        bytes: bar.count(createReadStream(file)),
        type: 'application/vnd.android.package-archive',
        length: size,
      },
      timeoutMs: UPLOAD_TIMEOUT_MS,
    });
    bar.end();
    io.err(
      (json as { created: boolean }).created
        ? `uploaded ${size} bytes as ${facts.sha256}\n`
        : `the controller already has this APK\n`,
    );
  } catch (error) {
    bar.end();
    throw error;
  }
}
