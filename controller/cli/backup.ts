/** `ota backup PATH`: one consistent copy of the database, while the controller runs. */
import path from 'node:path';
import { EXIT, type ExitCode, type Io, outJson } from './io.ts';
import { examples, type Verb } from './program.ts';

/** Copies the database of a data folder to a new file; Faults name what is wrong. */
export type CopyDatabase = (folder: string, toFile: string) => Promise<void>;

interface BackupOptions {
  readonly data: string;
  readonly json?: boolean;
}

export const backup =
  (copy: CopyDatabase): Verb =>
  (program, choose) => {
    program
      .command('backup')
      .summary('copy the database online')
      .description(
        "Copies the controller's database to a new file, complete or not at all, while the controller runs.\n" +
          'Runs on the machine that holds the data folder. The copy holds everything but APKs and keys:\n' +
          'keep artifacts/ and the key files of the data folder with it.',
      )
      .argument('<path>', 'the new file; an existing one is never overwritten')
      .option('--data <dir>', "the controller's data folder", 'data')
      .option('--json', 'print JSON')
      .addHelpText(
        'after',
        examples('ota backup /backups/ota-$(date +%F).db', 'ota backup copy.db --data /var/lib/ota'),
      )
      .action((file: string, options: BackupOptions) => choose(io => runBackup(copy, file, options, io)));
  };

async function runBackup(
  copy: CopyDatabase,
  file: string,
  options: BackupOptions,
  io: Io,
): Promise<ExitCode> {
  const target = path.resolve(io.cwd, file);
  await copy(path.resolve(io.cwd, options.data), target);
  if (options.json === true) outJson(io, { file: target });
  else io.out(`wrote ${target}\n`);
  return EXIT.fine;
}
