/** `ota backup PATH`: a consistent copy of the database, or with --full of everything, while the controller runs. */
import path from 'node:path';
import { Fault } from '../domain/fault.ts';
import { countText } from '../domain/plan/words.ts';
import { EXIT, type ExitCode, type Io, outJson } from './io.ts';
import { examples, type Verb } from './program.ts';

/** The work of `backup` and `restore`, done by the store. Faults name what is wrong. */
export interface Backups {
  copyDatabase(folder: string, toFile: string): Promise<void>;
  full(
    folder: string,
    toFile: string,
    options: { readonly withArtifacts: boolean; readonly withKeys: boolean; readonly nowMs: number },
  ): Promise<{
    readonly artifacts: readonly { readonly included: boolean }[];
    readonly keys: readonly string[];
  }>;
  check(file: string): Promise<CheckedBackup>;
  restore(
    file: string,
    folder: string,
    nowMs: number,
  ): Promise<CheckedBackup & { readonly adminToken: string }>;
}

export interface CheckedBackup {
  readonly madeAt: string;
  readonly devices: number;
  readonly revision: string | undefined;
  readonly artifacts: number;
  readonly missing: readonly { readonly sha256: string; readonly buildId: string | undefined }[];
  readonly keys: readonly string[];
}

interface BackupOptions {
  readonly data: string;
  readonly full?: boolean;
  readonly withKeys?: boolean;
  readonly artifacts: boolean;
  readonly json?: boolean;
}

export const backup =
  (backups: Backups): Verb =>
  (program, choose) => {
    program
      .command('backup')
      .summary('copy the database, or with --full everything, online')
      .description(
        "Copies the controller's database to a new file while the controller runs. A failed copy leaves no file.\n" +
          'Runs on the machine that holds the data folder. With --full the file is a tar of the database, the APKs and,\n' +
          'with --with-keys, the keys. Anyone who has the keys can make tokens for every device. See docs/operations.md.',
      )
      .argument('<path>', 'the new file; an existing one is never overwritten')
      .option('--data <dir>', "the controller's data folder", 'data')
      .option('--full', 'everything that `ota restore` needs, as one tar file')
      .option('--with-keys', 'with --full: token-key and nudge-key too; keep such a file as safe as the keys')
      .option('--no-artifacts', 'with --full: only a list of the APKs, not the APKs')
      .option('--json', 'print JSON')
      .addHelpText(
        'after',
        examples(
          'ota backup /backups/ota-$(date +%F).db',
          'ota backup --full --with-keys /backups/ota.tar --data /var/lib/ota',
        ),
      )
      .action((file: string, options: BackupOptions) => choose(io => runBackup(backups, file, options, io)));
  };

async function runBackup(backups: Backups, file: string, options: BackupOptions, io: Io): Promise<ExitCode> {
  const target = path.resolve(io.cwd, file);
  const folder = path.resolve(io.cwd, options.data);
  if (options.full !== true) {
    if (options.withKeys === true || !options.artifacts)
      throw new Fault('options_conflict', '--with-keys and --no-artifacts need --full', { retry: 'never' });
    await backups.copyDatabase(folder, target);
    if (options.json === true) outJson(io, { file: target });
    else io.out(`wrote ${target}\n`);
    return EXIT.fine;
  }
  const { artifacts: withArtifacts, withKeys = false } = options;
  const { artifacts, keys } = await backups.full(folder, target, {
    withArtifacts,
    withKeys,
    nowMs: io.nowMs(),
  });
  const included = artifacts.filter(a => a.included).length;
  if (options.json === true)
    outJson(io, { file: target, artifacts: included, listed: artifacts.length, keys });
  else
    io.out(
      `wrote ${target}: the database, ${included} of ${countText(artifacts.length, 'APK')}, ${countText(keys.length, 'key')}\n`,
    );
  if (keys.length === 0)
    io.err(
      'The backup does not contain the keys: store token-key and nudge-key of the data folder separately.\n',
    );
  return EXIT.fine;
}
