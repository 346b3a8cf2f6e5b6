/**
 * The way back of a change, taken before anybody needs it: on a scratch clone of the change `ota rollback` really
 * edits the files, and the result is judged against the promoted head as the controller would judge it.
 */
import type { BuildId, Revision } from '../domain/ids.ts';
import type { Plan } from '../domain/plan/index.ts';
import { bare, headline } from '../domain/plan/lines.ts';
import type { Standing } from '../domain/standing.ts';
import { EXIT, type Io, paint } from './io.ts';
import { baseAt, type HeadJudgement, judgeHead } from './judging.ts';
import { textOf } from './problem-formats.ts';
import { run } from './program.ts';
import { rollback } from './rollback.ts';
import { VERSION } from './version.ts';
import { openWorkspace, type Repository, type Workspace } from './workspace.ts';

export type Rehearsal =
  /** `why` completes "nothing to rehearse: …". */
  | { readonly kind: 'none'; readonly why: string }
  | { readonly kind: 'passes'; readonly steps: readonly WayBack[]; readonly approvals: number }
  /** `said`: the problems, line by line. */
  | { readonly kind: 'refused'; readonly command: string; readonly said: string };

export interface WayBack {
  /** What a person types. */
  readonly command: string;
  /** What it does, or why it alone would be refused. */
  readonly effect: string;
  readonly passes: boolean;
}

export interface Change {
  readonly workspace: Workspace;
  readonly repository: Repository;
  readonly base: Standing | undefined;
  /** What would stand after the merge. */
  readonly plan: Plan;
  readonly baseName: string;
  readonly head: Revision;
}

/** Does the change offer a build to devices that were not offered it before? */
export const promotes = ({ transitions, exposure, empty }: Plan): boolean =>
  !empty && (transitions.some(t => t.kind === 'promote') || exposure.finalPercent > exposure.fromPercent);

export async function rehearse(change: Change, io: Io): Promise<Rehearsal> {
  const { plan, base } = change;
  if (!promotes(plan)) return { kind: 'none', why: 'this change promotes nothing' };
  if (base === undefined)
    return { kind: 'none', why: 'this is the first release, so there is nothing to go back to' };
  const to = targetOf(base, plan);
  const named = to === undefined ? [] : ['--to', to];
  const command = ['ota rollback', ...named, '--reason "…" --open-pr'].join(' ');
  const back = await change.repository.scratch(change.head, folder =>
    rollBack(folder, change.repository.path, named, io),
  );
  if (typeof back === 'string') return { kind: 'refused', command, said: back };
  if (back.plan === undefined) return { kind: 'refused', command, said: problemsIn(back, io) };
  return {
    kind: 'passes',
    steps: [{ command, effect: bare(headline(back.plan)), passes: true }, await revert(change, io)],
    approvals: back.approvalsNeeded,
  };
}

/** `rollback` goes to last_safe by itself; without one, to what stood before. */
const targetOf = (base: Standing, { head }: Plan): BuildId | undefined =>
  head.state.rollout.lastSafe === undefined && base.state.rollout.current !== head.state.rollout.current
    ? base.state.rollout.current
    : undefined;

/** What `ota rollback` said when it was refused, else the judgement of the files that it left. */
async function rollBack(
  folder: string,
  dir: string,
  named: readonly string[],
  io: Io,
): Promise<HeadJudgement | string> {
  let said = '';
  const there: Io = {
    ...io,
    cwd: folder,
    out: () => undefined,
    err: text => {
      said += text;
    },
    // A rehearsal needs no fleet, and the scratch clone is nobody's business.
    controller: { url: undefined, token: undefined },
  };
  const argv = ['rollback', ...named, '--dir', dir, '--offline', '--reason', 'rehearsal of the way back'];
  const code = await run(argv, there, [rollback(undefined)], VERSION);
  if (code !== EXIT.fine) return said;
  const workspace = await openWorkspace(there, dir);
  const { standing } = await baseAt(workspace, 'HEAD', io.nowMs());
  return judgeHead(workspace, await workspace.working(), standing, io.nowMs());
}

/** Undoing the merge brings the base's files back. A withdrawal is final, so this way may be shut where the other is open. */
async function revert({ workspace, baseName, plan }: Change, io: Io): Promise<WayBack> {
  const tree = await workspace.at(baseName);
  const judged = await judgeHead(workspace, tree, plan.head, io.nowMs());
  const command = 'git revert -m 1 <merge>';
  if (judged.plan !== undefined) return { command, effect: bare(headline(judged.plan)), passes: true };
  const codes = [...new Set(judged.problems.filter(p => p.severity === 'error').map(p => p.code))];
  return { command, effect: `refused as it is: ${codes.join(', ')}`, passes: false };
}

const problemsIn = ({ problems }: HeadJudgement, io: Io): string =>
  problems
    .filter(p => p.severity === 'error')
    .map(p => textOf(p, paint(io)))
    .join('');
