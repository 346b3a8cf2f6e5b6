/**
 * The steps that all editing verbs share: read, change, judge, and only then write or open a pull request. An invalid
 * edit writes nothing.
 */
import type { Command } from 'commander';
import { Fault } from '../domain/fault.ts';
import type { BuildId } from '../domain/ids.ts';
import { countFleet } from '../domain/plan/fleet.ts';
import { ROLLOUT_FILE } from '../domain/rules/index.ts';
import type { Proposals, SourceTree } from '../ports/index.ts';
import type { Change } from '../yaml/change/index.ts';
import { type ChangedTree, changeTree } from '../yaml/change/tree.ts';
import { type Edited, finish, printProblems } from './edit-ending.ts';
import { askFleet } from './fleet.ts';
import { EXIT, type ExitCode, type Io, paint } from './io.ts';
import { judgeHead, notesOn } from './judging.ts';
import { modelineFor } from './modeline.ts';
import { forecastFor } from './plan-forecast.ts';
import { visible } from './problem-formats.ts';
import { askRollout } from './rollout-answer.ts';
import { examineOn } from './stored-apks.ts';
import { readSubject, type Subject, textIn } from './subject.ts';
import { openWorkspace } from './workspace.ts';

export interface EditOptions {
  readonly dir: string;
  readonly base?: string;
  readonly dryRun?: boolean;
  readonly openPr?: boolean;
  readonly json?: boolean;
  readonly offline?: boolean;
}

/** The options that all editing verbs have. */
export const editOptions = (command: Command): Command =>
  command
    .option('--dir <dir>', 'the folder that holds rollout.yaml', 'releases')
    .option('--base <revision>', 'the merged revision (default: HEAD, or the files themselves outside Git)')
    .option('--dry-run', 'show the plan and write nothing')
    .option('--open-pr', 'push a branch and open a pull request; the working files do not change')
    .option('--offline', 'do not ask the controller about the enrolled fleet and the stored APKs')
    .option('--json', 'print one JSON object');

/** The change that a verb wants, and its notes. */
export interface RequestedChange {
  readonly change: Change;
  readonly notes?: readonly string[];
}

/** `needs`: builds whose files are added to the pull request if they are not merged yet. */
export async function runEdit(
  io: Io,
  options: EditOptions,
  needs: readonly BuildId[],
  requested: (subject: Subject) => RequestedChange,
  proposals: Proposals | undefined,
): Promise<ExitCode> {
  const nowMs = io.nowMs();
  const workspace = await openWorkspace(io, options.dir);
  const forPr = options.openPr === true ? proposals : undefined;
  if (options.openPr === true && proposals === undefined)
    throw new Fault(
      'pull_requests_off',
      'pull requests are not set up here\n  run the command without --open-pr, then commit and push',
      { retry: 'never' },
    );
  if (options.openPr === true && workspace.repository === undefined)
    throw new Fault(
      'not_a_repository',
      `${options.dir} is not in a Git repository, so no pull request can be opened`,
      { retry: 'never' },
    );
  const answer = await askRollout(io, options.offline === true);
  const fleet = await askFleet(io, options.offline === true, answer);
  const read = await readSubject(
    workspace,
    { base: options.base, proposals: forPr, needs, fleet, answer },
    nowMs,
  );
  if ('problems' in read) {
    printProblems(read.problems, io);
    io.err(`${paint(io).red('refused')}: the files are invalid before the change; nothing was changed\n`);
    return EXIT.invalid;
  }
  const edited = await judgeEdit(read, requested(read), nowMs, io, options.offline === true);
  return edited === undefined ? EXIT.invalid : finish(io, options, read, edited, forPr);
}

async function judgeEdit(
  subject: Subject,
  { change, notes = [] }: RequestedChange,
  nowMs: number,
  io: Io,
  offline: boolean,
): Promise<Edited | undefined> {
  const { workspace, merged, written, tree, fleet, answer } = subject;
  const { red } = paint(io);
  const result = changeTree(
    tree,
    { written, merged },
    change,
    change.kind === 'policy' ? await modelineFor(workspace.dir, 'policy') : '',
  );
  if (!result.ok) {
    const hint = result.hint === undefined ? '' : `  ${visible(result.hint)}\n`;
    io.err(`${red('refused')}: ${visible(result.message)} [${result.code}]\n${hint}`);
    return undefined;
  }
  const judgement = await judgeHead(workspace, result.tree, merged, nowMs, examineOn(io, offline));
  const { plan, problems } = judgement;
  if (plan === undefined) {
    printProblems(problems, io);
    io.err(`${red('refused')}: to ${result.title} would be invalid; nothing was written\n`);
    return undefined;
  }
  const counted =
    fleet.kind === 'counted' ? countFleet(plan, fleet.devices, fleet.activeWithinMs) : undefined;
  return {
    texts: textsOf(tree, result.texts),
    title: result.title,
    reason: 'reason' in change ? change.reason : undefined,
    notes: [...result.notes, ...subject.notes, ...notes, ...notesOn(judgement)],
    warnings: problems,
    plan,
    fleet: counted,
    forecast: forecastFor(plan, answer, counted),
  };
}

/** New texts by path under `releases/`. If nothing changes, the present rollout.yaml, so that messages can name a file. */
const textsOf = (tree: SourceTree, changed: ChangedTree['texts']): ReadonlyMap<string, string> =>
  changed.size === 0
    ? new Map([[ROLLOUT_FILE, textIn(tree)]])
    : new Map([...changed].map(([file, { after }]) => [file, after]));
