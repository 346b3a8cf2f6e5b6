/** `ota adopt`: accepts an intended change of the settings that identify an installation. */
import { reasonArgument } from './arguments.ts';
import { EXIT, type ExitCode, type Io } from './io.ts';
import { examples, type Verb } from './program.ts';
import { table } from './table.ts';

/** Compares the settings with the database, and with a reason updates the database. Faults name what is wrong. */
export interface Adoptions {
  adopt(
    reason: string | undefined,
  ): Promise<readonly { readonly setting: string; readonly known: string; readonly here: string }[]>;
}

export const adopt =
  (adoptions: Adoptions): Verb =>
  (program, choose) => {
    program
      .command('adopt')
      .summary('let a controller with changed keys, source or URL use its database')
      .description(
        'Shows which settings of this environment differ from those in the database: keys, source, public URL. With\n' +
          '--reason the database takes over the new settings, and the audit log records who changed what and why.\n' +
          "Runs on the controller's host with the controller's environment. See docs/operations.md.",
      )
      .option('--reason <text>', 'why, for the audit log; without it nothing is changed', reasonArgument)
      .addHelpText('after', examples('ota adopt', 'ota adopt --reason "the repository moved to git.example"'))
      .action((options: { reason?: string }) => choose(io => run(adoptions, options.reason, io)));
  };

async function run(adoptions: Adoptions, reason: string | undefined, io: Io): Promise<ExitCode> {
  const differing = await adoptions.adopt(reason);
  if (differing.length === 0) {
    io.out('No setting differs: the controller can start with these settings.\n');
    return EXIT.fine;
  }
  io.out(
    table(
      [['setting', 'the database says', 'here'], ...differing.map(d => [d.setting, d.known, d.here])],
      [],
    ),
  );
  if (reason === undefined) {
    io.err('Nothing was changed. To accept the new settings: ota adopt --reason "…"\n');
    return EXIT.invalid;
  }
  io.out('Adopted: start the controller.\n');
  return EXIT.fine;
}
