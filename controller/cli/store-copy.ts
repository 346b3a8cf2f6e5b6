/** `ota store copy`: moves a live installation between a data folder and PostgreSQL. */
import { countText } from '../domain/plan/words.ts';
import { EXIT, type ExitCode, type Io } from './io.ts';
import { examples, type Verb } from './program.ts';
import { table } from './table.ts';
import { usage } from './usage.ts';

interface CopiedTable {
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

/** The work of `ota store`, done by the store. Faults name what is wrong. */
export interface Moves {
  copy(
    from: string,
    to: string,
    cutOver: boolean,
    onStep: (step: CopyStep) => void,
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
      .description('Moves the database of a controller to another engine without interrupting devices.')
      .addHelpText('after', examples('ota store copy --from /var/lib/ota --to postgres'));
    group
      .command('copy')
      .description(
        'Copies the database while the controller runs, as often as you like; each run writes only what differs. With\n' +
          '--cut-over it stops the controller at the source, then copies the rest and compares it. After that, start the\n' +
          'controller at the destination. Run it on a host that reaches both. A place is a data folder, or the word postgres\n' +
          'for the database in OTA_DATABASE or OTA_DATABASE_FILE. See docs/postgresql.md.',
      )
      .requiredOption('--from <place>', 'where the installation is')
      .option(
        '--to <place>',
        'where it goes: an empty database, or one that an earlier run has begun to fill',
      )
      .option('--cut-over', 'stop the source, copy the rest, compare, hand over')
      .option('--cancel', 'cancel an unfinished cut-over, so that the source can be used again')
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
    if (to !== undefined || cutOver === true) throw usage('--cancel takes only --from');
    const name = await moves.cancel(from);
    io.out(`The move is cancelled: start the controller on ${name} again.\n`);
    return EXIT.fine;
  }
  if (to === undefined) throw usage('--to is missing: name the destination');
  const copied = await moves.copy(from, to, cutOver === true, step => io.err(stepText(step)));
  if (cutOver === true) {
    const rows = copied.tables.map(t => [t.table, String(t.rows.dest), t.sha256.dest.slice(0, 16)]);
    io.out(table([['table', 'rows', 'sha256'], ...rows], [1]));
  }
  io.out(cutOver === true ? handedOver(copied) : stillThere(copied));
  return EXIT.fine;
}

function stepText(step: CopyStep): string {
  if (step.step === 'stopped') return 'The source is stopped and not written any more. Copying the rest.\n';
  const { table: name, rows, written } = step;
  return `${name}: ${countText(rows, 'row')}, ${written === 0 ? 'nothing to write' : `${written} written`}\n`;
}

const handedOver = ({ from, to }: { from: string; to: string }): string =>
  `Moved: rows and hashes of every table are equal. Start the controller on ${to}. The one on ${from} refuses to start.\n`;

const stillThere = ({ from, to }: { from: string; to: string }): string =>
  `Copied to ${to}. The controller on ${from} goes on. Run the same command with --cut-over to move.\n`;
