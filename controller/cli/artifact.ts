/** `ota artifact …`: the APKs that the controller stores, and what uses them. */
import type { Command } from 'commander';
import type * as Api from '../../schemas/api.d.ts';
import { type ArtifactUse, usesText } from '../domain/artifact-use.ts';
import { Fault } from '../domain/fault.ts';
import { bytesText, countText } from '../domain/plan/words.ts';
import { type ApkCopies, type ApkCopyOptions, runCopy } from './artifact-copy.ts';
import { type Client, controllerClient } from './client.ts';
import { EXIT, type ExitCode, type Io, outJson, paint } from './io.ts';
import { examples, type Verb } from './program.ts';
import { table } from './table.ts';

interface ListOptions {
  readonly unused?: boolean;
  readonly json?: boolean;
}

export const artifact =
  (copies: ApkCopies): Verb =>
  (program, choose) => {
    const group = program
      .command('artifact')
      .summary('list, delete and copy stored APKs')
      .description(
        'Lists the stored APKs and what uses them, deletes APKs that are not needed, and copies them between folders and\n' +
          'buckets.',
      )
      .addHelpText('after', examples('ota artifact list', 'ota artifact delete 4bb1ec75f671'));
    const verb = (name: string, about: string, samples: readonly string[]): Command =>
      group
        .command(name)
        .description(about)
        .addHelpText('after', examples(...samples));

    verb('list', 'Lists the stored APKs, and the builds, revisions and pull requests that use them.', [
      'ota artifact list',
      'ota artifact list --unused',
    ])
      .option('--unused', 'only APKs that nothing uses')
      .option('--json', 'print JSON')
      .action((options: ListOptions) => choose(io => runList(controllerClient(io), options, io)));

    verb(
      'delete',
      'Deletes stored APKs. Needs --force if a build, a refused revision or an open pull request still uses one.',
      ['ota artifact delete 4bb1ec75f671', 'ota artifact delete b40 --force'],
    )
      .argument('<artifact...>', 'SHA-256, its first 8 digits or more, or a build id')
      .option('--force', 'also delete APKs in use; their builds are not offered until uploaded again')
      .action((names: string[], options: { force?: boolean }) =>
        choose(io => runDelete(controllerClient(io), names, options.force === true, io)),
      );

    verb(
      'copy',
      'Copies stored APKs between folders and buckets of an S3-compatible store, and verifies the hash of each. Run it on a\n' +
        'host that reaches both; a controller may be running. Run it again to copy what is missing. For a bucket, set\n' +
        'OTA_ARTIFACTS_ENDPOINT, OTA_ARTIFACTS_REGION, OTA_ARTIFACTS_PATH_STYLE and AWS credentials. See docs/object-store.md.',
      [
        'ota artifact copy --from s3://fleet-apks/production --to /var/lib/ota/artifacts',
        'ota artifact copy --from /var/lib/ota/artifacts --to s3://fleet-apks/production',
      ],
    )
      .requiredOption('--from <place>', 'a folder of APKs, or s3://bucket/prefix')
      .requiredOption('--to <place>', 'the destination: a folder, or s3://bucket/prefix')
      .action((options: ApkCopyOptions) => choose(io => runCopy(copies, options, io)));
  };

const listed = async (client: Client): Promise<Api.ArtifactList> =>
  (await client.call({ path: '/v1/artifacts' })).json as Api.ArtifactList;

async function runList(client: Client, options: ListOptions, io: Io): Promise<ExitCode> {
  const { artifacts, used_bytes } = await listed(client);
  const shown = artifacts.filter(a => options.unused !== true || a.uses.length === 0);
  if (options.json === true) outJson(io, { artifacts: shown, used_bytes });
  else print(shown, used_bytes, io);
  return EXIT.fine;
}

function print(artifacts: readonly Api.StoredArtifact[], usedBytes: number, io: Io): void {
  const { bold, dim } = paint(io);
  const rows = artifacts.map(a => [
    a.sha256.slice(0, 16),
    bytesText(a.size_bytes),
    a.stored_at,
    a.uses.length === 0 ? dim('nothing names it') : usesText(a.uses as ArtifactUse[]),
  ]);
  if (rows.length > 0)
    io.out(table([['sha256', 'size', 'uploaded', 'named by'].map(h => bold(h)), ...rows], [1]));
  io.err(`${countText(artifacts.length, 'APK')}; all of them take ${bytesText(usedBytes)}\n`);
}

async function runDelete(
  client: Client,
  names: readonly string[],
  force: boolean,
  io: Io,
): Promise<ExitCode> {
  const { artifacts } = await listed(client);
  // Look up all names before deleting anything.
  const chosen = [...new Set(names.map(name => oneNamed(name, artifacts)))];
  for (const { sha256, size_bytes } of chosen) {
    const query = force ? { force: 'true' } : {};
    await client.call({ method: 'DELETE', path: `/v1/artifacts/${sha256}`, query });
    io.out(`deleted ${sha256} (${bytesText(size_bytes)})\n`);
  }
  return EXIT.fine;
}

/** Kinds of uses whose name is a build id. */
const OF_BUILD = new Set(['current', 'last_safe', 'declared', 'former']);

/** Faults `artifact_unknown`, `artifact_ambiguous`. */
function oneNamed(name: string, artifacts: readonly Api.StoredArtifact[]): Api.StoredArtifact {
  const byBuild = artifacts.filter(a => a.uses.some(u => OF_BUILD.has(u.kind) && u.name === name));
  const byHash = /^[0-9a-f]{8,64}$/.test(name) ? artifacts.filter(a => a.sha256.startsWith(name)) : [];
  const found = [...new Set([...byBuild, ...byHash])];
  const [only, another] = found;
  if (only === undefined)
    throw new Fault(
      'artifact_unknown',
      `no stored APK matches ${JSON.stringify(name.slice(0, 100))}\n  list them with: ota artifact list; give a build id or at least 8 digits of the hash`,
      { retry: 'never' },
    );
  if (another !== undefined)
    throw new Fault('artifact_ambiguous', `${name} matches ${found.length} stored APKs: give more digits`, {
      retry: 'never',
    });
  return only;
}
