/** `ota build add`: verifies an APK, stores it in the controller and declares it as a build. */
import { createReadStream } from 'node:fs';
import { mkdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { stringify } from 'yaml';
import { type ApkFacts, buildDocument, HINTS, verifyApk } from '../apk/index.ts';
import { openFileReader } from '../artifacts/file-reader.ts';
import { Fault } from '../domain/fault.ts';
import { isBuildId } from '../domain/ids.ts';
import { ROLLOUT_FILE } from '../domain/rules/index.ts';
import { openApkInput } from './apk-input.ts';
import { uploadBar } from './bar.ts';
import { type Addition, judgeAddition, nextLine } from './build-addition.ts';
import { type Client, controllerClient } from './client.ts';
import { unreadable } from './device-import.ts';
import { EXIT, type ExitCode, type Io, outJson, paint } from './io.ts';
import { modelineFor } from './modeline.ts';
import { visible } from './problem-formats.ts';
import { replaceFile } from './replace-file.ts';
import { openWorkspace, type Workspace } from './workspace.ts';

const UPLOAD_TIMEOUT_MS = 600_000;

export interface AddOptions {
  readonly id?: string;
  readonly upload?: boolean;
  readonly notes?: string;
  readonly dir: string;
  readonly json?: boolean;
}

/** Exit code 0 if written, or already declared with the same facts; 1 if the APK is rejected or the tree would be invalid. */
export async function addBuild(apk: string, options: AddOptions, io: Io): Promise<ExitCode> {
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
  const document = {
    ...buildDocument(facts, id),
    ...(options.notes === undefined ? {} : { notes: options.notes }),
  };
  const text = (await modelineFor(workspace.dir, 'build')) + stringify(document, { lineWidth: 0 });
  const addition = await judgeAddition(workspace, { id, text, facts }, io);
  if (addition === undefined) return EXIT.invalid;
  if (client !== undefined) await upload(client, input.path, facts, io);
  await write(workspace, addition);
  if (client === undefined && options.upload === undefined)
    io.err(
      'note: OTA_ADMIN_TOKEN is not set, so the APK was not uploaded; upload it before you promote the build\n',
    );
  const inFolder = (file: string): string => (workspace.shown === '.' ? file : `${workspace.shown}/${file}`);
  const written = [...addition.files.keys()].map(inFolder);
  const shown = inFolder(`builds/${id}.yaml`);
  const done = { ...document, file: shown, written: written.length > 0, uploaded: client !== undefined };
  if (options.json === true) outJson(io, done);
  else {
    io.out(
      written.length > 0
        ? written.map(file => `wrote ${file}\n`).join('')
        : `${shown} already declares this APK\n`,
    );
    if (addition.files.has(ROLLOUT_FILE))
      io.err(`note: ${id} is the first build, so rollout.yaml offers it to all devices\n`);
    io.out(nextLine(addition, id));
  }
  return EXIT.fine;
}

async function write(workspace: Workspace, { files }: Addition): Promise<void> {
  for (const [file, text] of files) {
    const target = path.join(workspace.dir, file);
    await mkdir(path.dirname(target), { recursive: true });
    await replaceFile(target, text, undefined);
  }
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
