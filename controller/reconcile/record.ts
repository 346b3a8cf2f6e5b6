/** The records of a revision: its events, its audit row, and the problem of a rewritten history. */
import type { Snapshot } from '../domain/decision.ts';
import type { Observe } from '../domain/event.ts';
import { withExcerpts } from '../domain/excerpt.ts';
import { APPLY } from '../domain/history.ts';
import type { Revision } from '../domain/ids.ts';
import { rampRow } from '../domain/past.ts';
import type { Plan } from '../domain/plan/index.ts';
import { bare, exposureLine, headline, viewLine } from '../domain/plan/lines.ts';
import type { Problem } from '../domain/problem.ts';
import { intendedPercent } from '../domain/standing.ts';
import type { AuditEntry, RevisionDetail, SourceTree } from '../ports/index.ts';

/** The rollout events of SPEC §10. */
export function announce(observe: Observe, revision: Revision, transitions: Plan['transitions']): void {
  for (const t of transitions) {
    if (t.kind === 'promote')
      observe({ type: 'ota.promote', revision, buildId: t.to, previousBuildId: t.from, percent: t.percent });
    else if (t.kind === 'rollback')
      observe({
        type: 'ota.rollback',
        revision,
        buildId: t.to,
        fromBuildId: t.from,
        forceDowngrade: t.forceDowngrade,
      });
    else {
      const { buildId, fromPercent, toPercent } = t;
      observe({ type: 'ota.rollout.update', revision, buildId, fromPercent, toPercent, by: 'commit' });
    }
  }
}

/** The problem of a head that no longer descends from the applied revision. It belongs to no file. */
export const rewritten = (revision: Revision, applied: Revision): Problem => ({
  severity: 'error',
  code: 'history_rewritten',
  file: '',
  line: 1,
  column: 1,
  path: '',
  message: `the history was rewritten: head ${revision.slice(0, 12)} does not descend from the applied revision ${applied.slice(0, 12)}`,
  hint: `restore the branch, or accept this head with: ota reconcile --accept-rewrite ${revision}`,
});

export function auditOf(
  before: Snapshot | undefined,
  after: Snapshot,
  planned: Plan,
  atMs: number,
  commit: SourceTree['commit'],
): AuditEntry {
  return {
    atMs,
    actor: `git:${after.revision}`,
    action: APPLY,
    subject: after.rollout.current,
    detail: {
      from: before?.revision,
      ...commit,
      percent: intendedPercent(planned.head),
      ramp: rampRow(after.progress),
      transitions: planned.transitions,
      plan_hash: planned.hash,
      changes: planned.changes,
    },
  };
}

/** Limits of the stored details of a revision: enough for its page. */
const MOST_CHANGES = 100;
const MOST_PROBLEMS = 50;
const MOST_CHARS = 500;

const cut = <T>(value: T): T | string => (typeof value === 'string' ? value.slice(0, MOST_CHARS) : value);

function shownProblems(tree: SourceTree, problems: readonly Problem[]): RevisionDetail['problems'] {
  const textOf = (path: string): string | undefined => {
    const file = tree.files.find(f => f.path === path);
    return file !== undefined && 'content' in file ? file.content.toString('utf8') : undefined;
  };
  return withExcerpts(problems.slice(0, MOST_PROBLEMS), textOf);
}

export const refusedDetail = (tree: SourceTree, problems: readonly Problem[]): RevisionDetail => ({
  commit: tree.commit,
  problems: shownProblems(tree, problems),
});

export const appliedDetail = (
  tree: SourceTree,
  before: Snapshot | undefined,
  planned: Plan,
  warnings: readonly Problem[],
): RevisionDetail => ({
  commit: tree.commit,
  from: before?.revision,
  plan_hash: planned.hash,
  plan: {
    headline: bare(headline(planned)),
    exposure: bare(exposureLine(planned)),
    views: planned.views.map(view => bare(viewLine(view))),
    dangers: planned.dangers.map(danger => bare(danger.sentence)),
    changes: planned.changes
      .slice(0, MOST_CHANGES)
      .map(({ before: was, after: is, ...where }) => ({ ...where, before: cut(was), after: cut(is) })),
  },
  problems: shownProblems(tree, warnings),
});
