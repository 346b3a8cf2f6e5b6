/** `ota adopt`: settings that tell an installation from another were changed on purpose. */
import { reasonArgument } from './arguments.ts';
import { EXIT, type ExitCode, type Io } from './io.ts';
import { examples, type Verb } from './program.ts';
import { table } from './table.ts';

/** What the controller's settings and its database say; Faults name what is wrong. */
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
        'Shows where the settings of this environment differ from what the database says of its installation: keys,\n' +
          'source, public URL. With --reason the database is made to agree, and the audit says who changed what and why.\n' +
          "Runs on the controller's host with the controller's environment. See docs/operations.md.",
      )
      .option('--reason <text>', 'why, for the audit; without it nothing is changed', reasonArgument)
      .addHelpText('after', examples('ota adopt', 'ota adopt --reason "the repository moved to git.example"'))
      .action((options: { reason?: string }) => choose(io => run(adoptions, options.reason, io)));
  };

async function run(adoptions: Adoptions, reason: string | undefined, io: Io): Promise<ExitCode> {
  const differing = await adoptions.adopt(reason);
  if (differing.length === 0) {
    io.out('Nothing differs: the controller starts with these settings.\n');
    return EXIT.fine;
  }
  io.out(
    table(
      [['setting', 'the database says', 'here'], ...differing.map(d => [d.setting, d.known, d.here])],
      [],
    ),
  );
  if (reason === undefined) {
    io.err('Nothing was changed. Is the change wanted? ota adopt --reason "…"\n');
    return EXIT.invalid;
  }
  io.out('Adopted: start the controller.\n');
  return EXIT.fine;
}
