/** The input of an edit: the files to change, the merged state, and the fleet. */
import { Fault } from '../domain/fault.ts';
import type { BuildId, Revision } from '../domain/ids.ts';
import type { DesiredState } from '../domain/release.ts';
import { buildFile, ROLLOUT_FILE } from '../domain/rules/index.ts';
import type { Standing } from '../domain/standing.ts';
import type { Proposals, SourceTree } from '../ports/index.ts';
import type { FleetAnswer } from './fleet.ts';
import { type Base, baseAt, judgeHead } from './judging.ts';
import type { Placed } from './problem-formats.ts';
import type { RolloutAnswer } from './rollout-answer.ts';
import { staleClone } from './stale-clone.ts';
import type { Workspace } from './workspace.ts';

export interface Subject {
  readonly workspace: Workspace;
  /** The merged state; outside Git, the state of the files. */
  readonly merged: Standing;
  /** The files to edit: those in the working folder, or for a pull request those of its base. */
  readonly tree: SourceTree;
  readonly written: DesiredState;
  readonly fleet: FleetAnswer;
  /** The controller's answer about the rollout in force. */
  readonly answer: RolloutAnswer;
  /** Only for a pull request: its base commit, and the build files that it adds, as path and text. */
  readonly base: Revision | undefined;
  readonly newFiles: readonly (readonly [string, string])[];
  readonly notes: readonly string[];
}

interface SubjectOptions {
  readonly base: string | undefined;
  /** Present if a pull request is wanted. */
  readonly proposals: Proposals | undefined;
  readonly needs: readonly BuildId[];
  readonly fleet: FleetAnswer;
  readonly answer: RolloutAnswer;
}

/** The text of rollout.yaml. Call it only for a tree without errors. */
export function textIn(tree: SourceTree): string {
  return contentOf(tree, ROLLOUT_FILE) ?? '';
}

/** The text of one file under `releases/`; undefined if it does not exist. */
export function contentOf(tree: SourceTree, file: string): string | undefined {
  const found = tree.files.find(f => f.path === file);
  return found !== undefined && 'content' in found ? found.content.toString('utf8') : undefined;
}

/** The subject, or the problems if the files cannot be edited. */
export async function readSubject(
  workspace: Workspace,
  options: SubjectOptions,
  nowMs: number,
): Promise<Subject | { readonly problems: readonly Placed[] }> {
  const { repository } = workspace;
  const { proposals, fleet, answer } = options;
  const base =
    proposals === undefined || repository === undefined
      ? undefined
      : options.base === undefined
        ? await proposals.base(repository.root)
        : await repository.resolve(options.base);
  const { standing: merged, warnings } = await mergedBase(workspace, base ?? options.base, nowMs, answer);
  const working = await workspace.working();
  const { tree, newFiles } =
    base === undefined
      ? { tree: working, newFiles: [] }
      : withNew(await workspace.at(base), working, options.needs);
  const { plan, problems } = await judgeHead(workspace, tree, undefined, nowMs);
  if (plan === undefined) return { problems };
  const { head } = plan;
  // A pull request is computed from the merged state.
  const stale = base === undefined ? await staleNote(workspace, options) : [];
  const own = await subjectNotes(workspace, working, tree, fleet);
  const notes = [...warnings.map(w => w.message), ...stale, ...own];
  return {
    workspace,
    merged: merged ?? head,
    tree,
    written: head.state,
    fleet,
    answer,
    base,
    newFiles,
    notes,
  };
}

async function staleNote(workspace: Workspace, { base = 'HEAD', answer }: SubjectOptions): Promise<string[]> {
  const note = await staleClone(workspace, base, answer).catch((error: unknown) => {
    // There is no commit yet.
    if (error instanceof Fault && error.code === 'revision_unknown') return undefined;
    throw error;
  });
  return note === undefined ? [] : [note];
}

const NOTHING: Base = { standing: undefined, warnings: [] };

/** HEAD, if there is one. Without it the working files count as merged. */
async function mergedBase(
  workspace: Workspace,
  base: string | undefined,
  nowMs: number,
  answer: RolloutAnswer,
): Promise<Base> {
  if (workspace.unreadable !== undefined) throw workspace.unreadable;
  if (base !== undefined) return baseAt(workspace, base, nowMs, answer);
  if (workspace.repository === undefined) return NOTHING;
  try {
    return await baseAt(workspace, 'HEAD', nowMs, answer);
  } catch (error) {
    // There is no commit yet: judge the edit on its own.
    if (error instanceof Fault && error.code === 'revision_unknown') return NOTHING;
    throw error;
  }
}

/** Adds builds that `ota build add` has just declared, so that they are merged together with their promotion. */
function withNew(tree: SourceTree, working: SourceTree, needs: readonly BuildId[]) {
  const newFiles = needs.flatMap((id): [string, string][] => {
    const file = buildFile(id);
    const text = contentOf(working, file);
    return text === undefined || contentOf(tree, file) !== undefined ? [] : [[file, text]];
  });
  const added = newFiles.map(([path, text]) => ({ path, content: Buffer.from(text) }));
  return { tree: { ...tree, files: [...tree.files, ...added] }, newFiles };
}

async function subjectNotes(
  workspace: Workspace,
  working: SourceTree,
  tree: SourceTree,
  fleet: FleetAnswer,
): Promise<string[]> {
  const notes: string[] = [];
  if (fleet.kind === 'unknown') notes.push(`counts are nominal: ${fleet.why}`);
  if (tree !== working && textIn(working) !== textIn(tree))
    notes.push(
      'rollout.yaml in the working folder differs from the merged one; the pull request does not include these edits',
    );
  if (tree === working && workspace.repository !== undefined) {
    const head = await workspace.at('HEAD').catch((error: unknown) => {
      if (error instanceof Fault) return undefined;
      throw error;
    });
    if (head !== undefined && textIn(head) !== '' && textIn(head) !== textIn(working))
      notes.push('rollout.yaml had uncommitted edits before this one; they are kept');
  }
  return notes;
}
