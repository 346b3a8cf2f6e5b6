/** Ends an edit: writes it, proposes it or only shows it. The edit is made before anything is printed. */
import path from 'node:path';
import type { FleetPlan } from '../domain/plan/fleet.ts';
import type { Plan } from '../domain/plan/index.ts';
import { planJson } from '../domain/plan/json.ts';
import type { PlanForecast } from '../domain/plan/outlook.ts';
import { renderPlanText } from '../domain/plan/text.ts';
import type { Proposals } from '../ports/index.ts';
import { EXIT, type ExitCode, type Io, outJson, paint } from './io.ts';
import { type Placed, textOf, visible } from './problem-formats.ts';
import { replaceFile } from './replace-file.ts';
import { contentOf, type Subject } from './subject.ts';

export interface Edited {
  /** New texts by path under `releases/`. A text may equal the present one. */
  readonly texts: ReadonlyMap<string, string>;
  readonly title: string;
  readonly reason: string | undefined;
  readonly notes: readonly string[];
  readonly warnings: readonly Placed[];
  readonly plan: Plan;
  readonly fleet: FleetPlan | undefined;
  readonly forecast: PlanForecast;
}

export function printProblems(problems: readonly Placed[], io: Io): void {
  const colours = paint(io);
  for (const problem of problems) io.err(textOf(problem, colours));
}

/** The result of the edit, and the texts for standard error and standard output. */
interface Ending {
  readonly done: Record<string, unknown>;
  readonly err: string;
  readonly out: string;
}

/** Prints after the edit, so that a reader that closes early or a full disk cannot stop the edit. */
export async function finish(
  io: Io,
  options: { readonly dryRun?: boolean; readonly json?: boolean },
  subject: Subject,
  edited: Edited,
  proposals: Proposals | undefined,
): Promise<ExitCode> {
  const { shown: folder } = subject.workspace;
  const shown = [...edited.texts.keys()].map(file => (folder === '.' ? file : `${folder}/${file}`));
  const ending =
    options.dryRun === true
      ? { done: {}, err: 'dry run: nothing was written\n', out: '' }
      : proposals === undefined
        ? await write(subject, edited, shown)
        : await propose(subject, edited, proposals);
  printProblems(edited.warnings, io);
  if (options.json !== true) io.out(renderPlanText(edited.plan, edited));
  for (const note of edited.notes) io.err(`note: ${visible(note)}\n`);
  if (ending.err !== '') io.err(ending.err);
  if (options.json !== true) io.out(ending.out);
  else
    outJson(io, {
      title: edited.title,
      file: shown[0],
      files: shown,
      written: false,
      ...ending.done,
      plan: planJson(edited.plan, edited.fleet, edited.forecast),
    });
  return EXIT.fine;
}

const isChanged = ({ tree }: Subject, [file, text]: readonly [string, string]): boolean =>
  contentOf(tree, file) !== text;

async function write(subject: Subject, { texts, title }: Edited, shown: readonly string[]): Promise<Ending> {
  const { workspace, tree } = subject;
  const changed = [...texts].filter(entry => isChanged(subject, entry));
  if (changed.length === 0)
    return { done: {}, err: `${shown.join(', ')} already says so: nothing was written\n`, out: '' };
  for (const [file, text] of changed)
    await replaceFile(path.join(workspace.dir, file), text, contentOf(tree, file));
  const next =
    workspace.repository === undefined
      ? ''
      : `next: git add ${workspace.shown} && git commit -m ${JSON.stringify(title)}, then open a pull request\n`;
  return { done: { written: true }, err: '', out: `wrote ${shown.join(', ')}\n${next}` };
}

async function propose(subject: Subject, edited: Edited, proposals: Proposals): Promise<Ending> {
  const { workspace, base, newFiles } = subject;
  const { repository } = workspace;
  if (repository === undefined || base === undefined)
    throw new Error('assertion: a proposal has a base commit');
  if (edited.plan.empty || ![...edited.texts].some(entry => isChanged(subject, entry)))
    return { done: {}, err: 'nothing differs from the merged state: no pull request is needed\n', out: '' };
  const inRepository = (file: string): string => path.posix.join(repository.path, file);
  const files = new Map([...newFiles, ...edited.texts]);
  const { branch, url } = await proposals.open({
    root: repository.root,
    base,
    files: new Map([...files].map(([file, text]) => [inRepository(file), text])),
    title: edited.title,
    reason: edited.reason,
    plan: edited.plan,
    fleet: edited.fleet,
    forecast: edited.forecast,
    warnings: edited.warnings.map(w => w.message),
  });
  const out = url === undefined ? `pushed branch ${branch}\n` : `opened ${url} (branch ${branch})\n`;
  return { done: { branch, url }, err: '', out };
}
