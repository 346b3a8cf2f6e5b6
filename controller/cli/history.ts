/** `ota history`: the applied revisions, their authors and their results. */

import type * as Api from '../../schemas/api.d.ts';
import { nameOfActor } from '../domain/actor.ts';
import { countArgument } from './arguments.ts';
import { type Client, controllerClient } from './client.ts';
import { EXIT, type ExitCode, type Io, outJson, paint } from './io.ts';
import { visibleLine } from './problem-formats.ts';
import { examples, type Verb } from './program.ts';
import { shortRevision } from './rollout-wire.ts';
import { table } from './table.ts';

interface HistoryOptions {
  readonly limit: number;
  readonly before?: number;
  readonly json?: boolean;
}

const PAGE = 100;
const MOST = 10_000;

export const history: Verb = (program, choose) => {
  program
    .command('history')
    .summary('show the applied revisions, their authors and their results')
    .description(
      'Lists the applied revisions, newest first: the author of the commit, when it was applied, completed and\n' +
        'replaced, and its steps, verdicts, halts and brakes. Merges that change no field are left out.',
    )
    .option('--limit <n>', 'how many revisions', countArgument(1, MOST), 10)
    .option(
      '--before <id>',
      'only revisions before this id, which the last line shows',
      countArgument(1, 1e12),
    )
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      examples('ota history', 'ota history --limit 100 --json | jq ".revisions[].author"'),
    )
    .action((options: HistoryOptions) => choose(io => runHistory(controllerClient(io), options, io)));
};

async function runHistory(client: Client, options: HistoryOptions, io: Io): Promise<ExitCode> {
  const revisions: Api.AppliedRevision[] = [];
  let before: number | null | undefined = options.before;
  do {
    const limit = Math.min(PAGE, options.limit - revisions.length);
    const { json } = await client.call({ path: '/v1/history', query: { before, limit } });
    const page = json as Api.History;
    revisions.push(...page.revisions);
    before = page.next_before;
  } while (before !== null && revisions.length < options.limit);
  if (options.json === true) outJson(io, { revisions, next_before: before });
  else print(revisions, before, io);
  return EXIT.fine;
}

function print(revisions: readonly Api.AppliedRevision[], before: number | null, io: Io): void {
  if (revisions.length === 0) io.err('nothing was applied yet\n');
  io.out(revisions.map(revision => blockOf(revision, io)).join('\n'));
  if (before !== null) io.err(`more: ota history --before ${before}\n`);
}

function blockOf(revision: Api.AppliedRevision, io: Io): string {
  const { bold, dim, green } = paint(io);
  const { completed_at, replaced_at, author, subject, current, percent, pull } = revision;
  const change =
    revision.change ?? `${current}${percent === null ? '' : ` at ${percent} %`}, no offer changed`;
  const ends = [
    ...(completed_at === null ? [] : [green(`completed ${completed_at}`)]),
    replaced_at === null ? 'in force' : `replaced ${replaced_at}`,
  ];
  const events = revision.events.filter(e => e.kind !== 'completed');
  const lines = [
    [bold(shortRevision(revision.revision)), `${revision.applied_at}  ${bold(change)}`],
    ...(author === null ? [] : [['', visibleLine(`${author}: ${subject ?? ''}`)]]),
    ...(pull === null ? [] : [['', mergeText(revision)]]),
    ['', ends.join(', ')],
    ...(revision.events_left_out ? [['', dim('… earlier events are left out')]] : []),
    ...events.map(e => ['', dim(`${e.at}  ${visibleLine(e.text)}${byText(e)}`)]),
  ];
  return table(lines);
}

function mergeText({ pull, merged_by, approved_by }: Api.AppliedRevision): string {
  const by = merged_by === null ? '' : ` by ${merged_by}`;
  const approved = approved_by.length === 0 ? '' : `, approved by ${approved_by.join(', ')}`;
  return visibleLine(`#${pull} merged${by}${approved}`);
}

/** The person who caused the event, if there is one. */
function byText({ by }: Api.RevisionEvent): string {
  const name = nameOfActor(by);
  return name === undefined ? '' : ` by ${visibleLine(name)}`;
}
