/**
 * What promote, rollout and rollback share: read, change, judge, show the plan, and only then write, or hand the change
 * to whoever opens the pull request. An edit that would be invalid writes nothing.
 */
import path from 'node:path';
import type { Command } from 'commander';
import { Fault } from '../domain/fault.ts';
import type { BuildId } from '../domain/ids.ts';
import { countFleet, type FleetPlan } from '../domain/plan/fleet.ts';
import type { Plan } from '../domain/plan/index.ts';
import { planJson } from '../domain/plan/json.ts';
import { renderPlanText } from '../domain/plan/text.ts';
import { ROLLOUT_FILE } from '../domain/rules/index.ts';
import { meantPercent } from '../domain/standing.ts';
import type { Proposals } from '../ports/index.ts';
import { type Change, changeRollout } from '../yaml/change.ts';
import { editRollout } from '../yaml/edit.ts';
import { askFleet } from './fleet.ts';
import { EXIT, type ExitCode, type Io, outJson, paint } from './io.ts';
import { judgeHead, notesOn } from './judging.ts';
import { type Placed, textOf, visible } from './problem-formats.ts';
import { replaceFile } from './replace-file.ts';
import { askStored } from './stored-apks.ts';
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

/** The options that every editing verb takes. */
export const editOptions = (command: Command): Command =>
  command
    .option('--dir <dir>', 'the folder that holds rollout.yaml', 'releases')
    .option('--base <revision>', 'what is merged (default: HEAD, or the files themselves outside Git)')
    .option('--dry-run', 'show the plan and write nothing')
    .option('--open-pr', 'push a branch and open a pull request; the working files stay as they are')
    .option('--offline', 'do not ask the controller about the enrolled fleet and the stored APKs')
    .option('--json', 'print one JSON object');

/** One verb's wish: which change, and what else to tell. */
export interface Wish {
  readonly change: Change;
  readonly notes?: readonly string[];
}

interface Edited {
  readonly text: string;
  readonly title: string;
  readonly reason: string | undefined;
  readonly notes: readonly string[];
  readonly warnings: readonly Placed[];
  readonly plan: Plan;
  readonly fleet: FleetPlan | undefined;
}

/** `needs`: builds whose files the pull request includes while they are not merged. */
export async function runEdit(
  io: Io,
  options: EditOptions,
  needs: readonly BuildId[],
  wish: (subject: Subject) => Wish,
  proposals: Proposals | undefined,
): Promise<ExitCode> {
  const nowMs = io.nowMs();
  const workspace = await openWorkspace(io, options.dir);
  const forPr = options.openPr === true ? proposals : undefined;
  if (options.openPr === true && proposals === undefined)
    throw new Fault(
      'pull_requests_off',
      'pull requests are not set up here\n  leave --open-pr out, commit and push',
      { retry: 'never' },
    );
  if (options.openPr === true && workspace.repository === undefined)
    throw new Fault(
      'not_a_repository',
      `${options.dir} is not in a Git repository, so no pull request can be opened`,
      {
        retry: 'never',
      },
    );
  const fleet = await askFleet(io, options.offline === true);
  const read = await readSubject(workspace, { base: options.base, proposals: forPr, needs, fleet }, nowMs);
  if ('problems' in read) {
    printProblems(read.problems, io);
    io.err(
      `${paint(io).red('refused')}: the desired state as it is written is invalid; nothing was changed\n`,
    );
    return EXIT.invalid;
  }
  const edited = await judgeEdit(read, wish(read), nowMs, io, options.offline === true);
  return edited === undefined ? EXIT.invalid : finish(io, options, read, edited, forPr);
}

function printProblems(problems: readonly Placed[], io: Io): void {
  const colours = paint(io);
  for (const problem of problems) io.err(textOf(problem, colours));
}

async function judgeEdit(
  subject: Subject,
  { change, notes = [] }: Wish,
  nowMs: number,
  io: Io,
  offline: boolean,
): Promise<Edited | undefined> {
  const { workspace, merged, written, tree, fleet } = subject;
  const { red } = paint(io);
  const result = changeRollout(
    {
      rollout: written.rollout,
      merged: { rollout: merged.state.rollout, percent: meantPercent(merged) },
      builds: written.builds,
    },
    change,
  );
  if (!result.ok) {
    const hint = result.hint === undefined ? '' : `  ${visible(result.hint)}\n`;
    io.err(`${red('refused')}: ${visible(result.message)} [${result.code}]\n${hint}`);
    return undefined;
  }
  const text = editRollout(textIn(tree), result.fields);
  const files = tree.files.map(f =>
    f.path === ROLLOUT_FILE ? { path: f.path, content: Buffer.from(text) } : f,
  );
  const judgement = await judgeHead(workspace, { ...tree, files }, merged, nowMs, () =>
    askStored(io, offline),
  );
  const { plan, problems } = judgement;
  if (plan === undefined) {
    printProblems(problems, io);
    io.err(`${red('refused')}: to ${result.title} would be invalid; nothing was written\n`);
    return undefined;
  }
  return {
    text,
    title: result.title,
    reason: change.reason,
    notes: [...result.notes, ...subject.notes, ...notes, ...notesOn(judgement)],
    warnings: problems,
    plan,
    fleet: fleet.kind === 'counted' ? countFleet(plan, fleet.devices) : undefined,
  };
}

/** What became of the edit, and the lines that say so: those of standard error first. */
interface Ending {
  readonly done: Record<string, unknown>;
  readonly err: string;
  readonly out: string;
}

/** The edit is made before it is talked about, so that no reader that closes early can undo it. */
async function finish(
  io: Io,
  options: EditOptions,
  subject: Subject,
  edited: Edited,
  proposals: Proposals | undefined,
): Promise<ExitCode> {
  const { workspace } = subject;
  const shown = workspace.shown === '.' ? ROLLOUT_FILE : `${workspace.shown}/${ROLLOUT_FILE}`;
  const ending =
    options.dryRun === true
      ? { done: {}, err: 'dry run: nothing was written\n', out: '' }
      : proposals === undefined
        ? await write(subject, edited, shown)
        : await propose(subject, edited, proposals);
  printProblems(edited.warnings, io);
  if (options.json !== true) io.out(renderPlanText(edited.plan, { fleet: edited.fleet }));
  for (const note of edited.notes) io.err(`note: ${visible(note)}\n`);
  if (ending.err !== '') io.err(ending.err);
  if (options.json !== true) io.out(ending.out);
  else
    outJson(io, {
      title: edited.title,
      file: shown,
      written: false,
      ...ending.done,
      plan: planJson(edited.plan, edited.fleet),
    });
  return EXIT.fine;
}

async function write({ workspace, tree }: Subject, { text, title }: Edited, shown: string): Promise<Ending> {
  const before = textIn(tree);
  if (text === before) return { done: {}, err: `${shown} says so already: nothing was written\n`, out: '' };
  await replaceFile(path.join(workspace.dir, ROLLOUT_FILE), text, before);
  const next =
    workspace.repository === undefined
      ? ''
      : `next: git add ${workspace.shown} && git commit -m ${JSON.stringify(title)}, then open a pull request\n`;
  return { done: { written: true }, err: '', out: `wrote ${shown}\n${next}` };
}

async function propose(
  { workspace, base, newFiles, tree }: Subject,
  edited: Edited,
  proposals: Proposals,
): Promise<Ending> {
  const { repository } = workspace;
  if (repository === undefined || base === undefined)
    throw new Error('assertion: a proposal has a base commit');
  if (edited.plan.empty || edited.text === textIn(tree))
    return { done: {}, err: 'nothing differs from what is merged: no pull request is needed\n', out: '' };
  const inRepository = (file: string): string => path.posix.join(repository.path, file);
  const { branch, url } = await proposals.open({
    root: repository.root,
    base,
    files: new Map(
      [[ROLLOUT_FILE, edited.text] as const, ...newFiles].map(([file, text]) => [inRepository(file), text]),
    ),
    title: edited.title,
    reason: edited.reason,
    plan: edited.plan,
    fleet: edited.fleet,
    warnings: edited.warnings.map(w => w.message),
  });
  const out = url === undefined ? `pushed branch ${branch}\n` : `opened ${url} (branch ${branch})\n`;
  return { done: { branch, url }, err: '', out };
}
