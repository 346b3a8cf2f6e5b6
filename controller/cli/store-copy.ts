/** `ota store copy`: moves a live installation between a data folder and PostgreSQL. */
import { countText } from '../domain/plan/words.ts';
import { EXIT, type ExitCode, type Io } from './io.ts';
import { examples, type Verb } from './program.ts';
import { table } from './table.ts';
import { usage } from './usage.ts';

export interface CopiedTable {
  readonly table: string;
  readonly rows: { readonly source: number; readonly dest: number };
  readonly sha256: { readonly source: string; readonly dest: string };
}

export type CopyStep =
  | {
      readonly step: 'live' | 'rest';
      readonly table: string;
      readonly rows: number;
      readonly written: number;
    }
  | { readonly step: 'stopped' };

/** What the store does for `ota store`; Faults name what is wrong. */
export interface Moves {
  copy(
    from: string,
    to: string,
    cutOver: boolean,
    told: (step: CopyStep) => void,
  ): Promise<{ readonly from: string; readonly to: string; readonly tables: readonly CopiedTable[] }>;
  /** Returns the name of the source. */
  cancel(from: string): Promise<string>;
}

interface CopyOptions {
  readonly from: string;
  readonly to?: string;
  readonly cutOver?: boolean;
  readonly cancel?: boolean;
}

export const store =
  (moves: Moves): Verb =>
  (program, choose) => {
    const group = program
      .command('store')
      .summary('move the database between a data folder and PostgreSQL')
      .description('Moves the database of a controller to another engine while devices go on.')
      .addHelpText('after', examples('ota store copy --from /var/lib/ota --to postgres'));
    group
      .command('copy')
      .description(
        'Copies the database while the controller runs, as often as you like; each run writes only what differs. With\n' +
          '--cut-over the controller at the source is stopped, the rest is copied and compared, and the controller is to be\n' +
          'started at the destination. Runs on a host that reaches both. A place is a data folder, or the word postgres for\n' +
          'the database that OTA_DATABASE or OTA_DATABASE_FILE names. See docs/postgresql.md.',
      )
      .requiredOption('--from <place>', 'where the installation is')
      .option(
        '--to <place>',
        'where it goes: an empty database, or one that holds the beginning of this copy',
      )
      .option('--cut-over', 'stop the source, copy the rest, compare, hand over')
      .option('--cancel', 'give up a cut-over that did not end: the source may be used again')
      .addHelpText(
        'after',
        examples(
          'ota store copy --from /var/lib/ota --to postgres',
          'ota store copy --from /var/lib/ota --to postgres --cut-over',
          'ota store copy --from /var/lib/ota --cancel',
        ),
      )
      .action((options: CopyOptions) => choose(io => run(moves, options, io)));
  };

async function run(moves: Moves, { from, to, cutOver, cancel }: CopyOptions, io: Io): Promise<ExitCode> {
  if (cancel === true) {
    if (to !== undefined || cutOver === true) throw usage('--cancel goes with --from alone');
    const name = await moves.cancel(from);
    io.out(`The move is given up: start the controller on ${name} again.\n`);
    return EXIT.fine;
  }
  if (to === undefined) throw usage('--to is missing: name the place that the installation goes to');
  const copied = await moves.copy(from, to, cutOver === true, step => io.err(told(step)));
  if (cutOver === true) {
    const rows = copied.tables.map(t => [t.table, String(t.rows.dest), t.sha256.dest.slice(0, 16)]);
    io.out(table([['table', 'rows', 'sha256'], ...rows], [1]));
  }
  io.out(cutOver === true ? handedOver(copied) : stillThere(copied));
  return EXIT.fine;
}

function told(step: CopyStep): string {
  if (step.step === 'stopped')
    return 'The source is stopped: nobody writes there any more. Copying the rest.\n';
  const { table: name, rows, written } = step;
  return `${name}: ${countText(rows, 'row')}, ${written === 0 ? 'nothing to write' : `${written} written`}\n`;
}

const handedOver = ({ from, to }: { from: string; to: string }): string =>
  `Moved: rows and hashes of every table are equal. Start the controller on ${to}. The one on ${from} refuses to start.\n`;

const stillThere = ({ from, to }: { from: string; to: string }): string =>
  `Copied to ${to}. The controller on ${from} goes on. Run the same command with --cut-over to move.\n`;
