/**
 * Tests the way back of a change before it is needed: runs `ota rollback` on a scratch clone of the change and judges
 * the result against the promoted head, like the controller would.
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
  /** `said`: the problems, one per line. */
  | { readonly kind: 'refused'; readonly command: string; readonly message: string };

interface WayBack {
  /** The command to type. */
  readonly command: string;
  /** What it does, or why it alone would be refused. */
  readonly effect: string;
  readonly passes: boolean;
}

export interface Change {
  readonly workspace: Workspace;
  readonly repository: Repository;
  readonly base: Standing | undefined;
  /** The plan of the merge. */
  readonly plan: Plan;
  readonly baseName: string;
  readonly head: Revision;
}

/** Whether the change offers a build to devices that were not offered it before. */
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
  if (typeof back === 'string') return { kind: 'refused', command, message: back };
  if (back.plan === undefined) return { kind: 'refused', command, message: problemsIn(back, io) };
  return {
    kind: 'passes',
    steps: [{ command, effect: bare(headline(back.plan)), passes: true }, await revert(change, io)],
    approvals: back.approvalsNeeded,
  };
}

/** The `--to` of the rollback: the current build of the base if there is no last_safe, else undefined. */
const targetOf = (base: Standing, { head }: Plan): BuildId | undefined =>
  head.state.rollout.lastSafe === undefined && base.state.rollout.current !== head.state.rollout.current
    ? base.state.rollout.current
    : undefined;

/** The output of `ota rollback` if it was refused, else the judgement of the files that it wrote. */
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
    // A rehearsal does not need the fleet, and the controller need not know of the scratch clone.
    controller: { url: undefined, token: undefined },
  };
  const argv = ['rollback', ...named, '--dir', dir, '--offline', '--reason', 'rehearsal of the way back'];
  const code = await run(argv, there, [rollback(undefined)], VERSION);
  if (code !== EXIT.fine) return said;
  const workspace = await openWorkspace(there, dir);
  const { standing } = await baseAt(workspace, 'HEAD', io.nowMs());
  return judgeHead(workspace, await workspace.working(), standing, io.nowMs());
}

/** Reverting the merge restores the base's files. This can be refused although the rollback passes: a withdrawal is final. */
async function revert({ workspace, baseName, plan }: Change, io: Io): Promise<WayBack> {
  const tree = await workspace.at(baseName);
  const judged = await judgeHead(workspace, tree, plan.head, io.nowMs());
  const command = 'git revert -m 1 <merge>';
  if (judged.plan !== undefined) return { command, effect: bare(headline(judged.plan)), passes: true };
  const codes = [...new Set(judged.problems.filter(p => p.severity === 'error').map(p => p.code))];
  return { command, effect: `would be refused: ${codes.join(', ')}`, passes: false };
}

const problemsIn = ({ problems }: HeadJudgement, io: Io): string =>
  problems
    .filter(p => p.severity === 'error')
    .map(p => textOf(p, paint(io)))
    .join('');
