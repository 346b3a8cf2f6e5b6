/** One pass over the source (SPEC §7): read → judge → apply → publish, or reject and change nothing. */
import { artifactsNamedIn } from '../domain/artifact-use.ts';
import type { Snapshot } from '../domain/decision.ts';
import type { Observe } from '../domain/event.ts';
import type { Revision, Sha256 } from '../domain/ids.ts';
import { type Judgement, type JudgeSteps, judge, problemsOf } from '../domain/judging/judge.ts';
import type { Reconciled } from '../domain/judging/reconciled.ts';
import type { Plan } from '../domain/plan/index.ts';
import { type Finding, hasError, type Problem } from '../domain/problem.ts';
import { carryOver, type RampProgress } from '../domain/ramp/progress.ts';
import type { Standing } from '../domain/standing.ts';
import type { Applied, Clock, DesiredStore, OutboxEntry, Source, SourceTree } from '../ports/index.ts';
import type { Attempts } from './attempt.ts';
import type { Continuity } from './continuity.ts';
import type { PictureKeeper } from './picture.ts';
import type { Publication } from './publication.ts';
import { announce, appliedDetail, auditOf, refusedDetail, rewritten } from './record.ts';

export interface PassOptions {
  readonly source: Source;
  readonly desired: DesiredStore;
  readonly clock: Clock & { readonly held: boolean };
  readonly observe: Observe;
  readonly publication: Publication;
  readonly judging: JudgeSteps<SourceTree>;
  readonly continuity: Continuity;
  /** Empty when the plan has the approvals that the policy asks for. */
  readonly approve: (revision: Revision, plan: Plan, needed: number) => Promise<Finding[]>;
  /** Called before the first revision of this store is applied. True if its build is now halted: then judge again. */
  readonly haltUntilKnown: (head: Standing) => Promise<boolean>;
  /** The outbox rows of the revision, committed together with it. */
  readonly effects: (reconciled: Reconciled) => OutboxEntry[];
}

export interface Kept {
  readonly attempts: Attempts;
  readonly picture: PictureKeeper;
  /** Called each time the source has returned its newest revision. */
  readonly sourceRead: () => void;
}

/** Rejects with the error of the source, the store or a judging step. Nothing has changed then. */
type Pass = (how: { readonly acceptRewrite?: Revision }) => Promise<void>;

export function makePass(options: PassOptions, { attempts, picture, sourceRead }: Kept): Pass {
  const { source, desired, clock, observe, judging, continuity, publication } = options;

  async function unchanged(applied: Applied, sinceMs: number): Promise<void> {
    await picture.refresh(applied);
    const ms = performance.now() - sinceMs;
    observe({ type: 'ota.reconcile.unchanged', revision: applied.revision, ms });
  }

  async function reject(tree: SourceTree, problems: readonly Problem[], sinceMs: number): Promise<void> {
    const { revision } = tree;
    const attempt = {
      revision,
      attemptedAtMs: clock.nowMs(),
      problems,
      artifacts: artifactsNamedIn(tree.files),
    };
    const isNew = await attempts.reject(
      attempt,
      () => options.effects({ kind: 'rejected', revision, problems }),
      () => refusedDetail(tree, problems),
    );
    if (!isNew) return;
    const codes = [...new Set(problems.filter(p => p.severity === 'error').map(p => p.code))];
    const ms = performance.now() - sinceMs;
    observe({ type: 'ota.reconcile.rejected', revision, ms, problems: problems.length, codes });
  }

  const judged = (tree: SourceTree, applied: Applied | undefined): Promise<Judgement> =>
    judge(
      {
        ...judging,
        clockHeld: clock.held,
        broken: () => applied !== undefined && continuity.broken(tree.revision, applied),
        approve: (plan, needed) => options.approve(tree.revision, plan, needed),
      },
      tree,
      applied,
      clock.nowMs(),
    );

  /** The current progress. A step may have been entered while the revision was judged. */
  function progressOf({ base, head }: Plan): RampProgress | undefined {
    const fresh = publication.snapshot?.progress;
    if (base === undefined || fresh === undefined || head.progress?.rampId !== base.progress?.rampId)
      return head.progress;
    const before = { rollout: base.state.rollout, progress: fresh };
    return carryOver(before, head.state.rollout, clock.nowMs());
  }

  async function apply(
    tree: SourceTree,
    plan: Plan,
    problems: readonly Problem[],
    missing: ReadonlySet<Sha256>,
    sinceMs: number,
  ): Promise<void> {
    const { revision, treeHash } = tree;
    const appliedAtMs = clock.nowMs();
    const row: Applied = { ...plan.head, progress: progressOf(plan), revision, treeHash, appliedAtMs };
    const before = publication.snapshot;
    const after = picture.of(row, missing);
    const effects = options.effects({ kind: 'applied', before, after, plan, problems });
    const audit = [auditOf(before, after, plan, appliedAtMs, tree.commit)];
    const { base } = plan;
    const judged = base && { buildId: base.state.rollout.current, halts: base.halts ?? [] };
    await desired.apply(row, problems, audit, effects, appliedDetail(tree, before, plan, problems), judged);
    attempts.applied(revision, problems);
    picture.publish(after, row);
    announce(observe, revision, plan.transitions);
    const ms = performance.now() - sinceMs;
    observe({ type: 'ota.reconcile.applied', revision, ms, changes: plan.changes.length });
  }

  const haltsMoved = ({ base }: Plan): boolean =>
    base !== undefined && idsOf(base.halts) !== idsOf(publication.snapshot?.halts);

  async function pass(how: Parameters<Pass>[0]): Promise<void> {
    const { acceptRewrite } = how;
    const sinceMs = performance.now();
    const revision = await source.head();
    sourceRead();
    const kept = await desired.applied();
    // The commit succeeded but its answer was lost, so the snapshot still has the old ramp and halts.
    if (isAnother(kept, publication.snapshot)) await picture.follow(desired.applied);
    // The stored ramp may be some minutes older than the one in the snapshot.
    const stands = publication.snapshot;
    const applied = kept && {
      ...kept,
      progress: stands?.progress ?? kept.progress,
      halts: stands?.halts ?? kept.halts,
    };
    if (applied?.revision === revision) {
      // The branch went back from a rejected revision to the applied one, so the rejected attempt is over.
      if (attempts.revision !== revision) await attempts.stand(revision, applied.appliedAtMs);
      return unchanged(applied, sinceMs);
    }
    const tree = await source.read(revision);
    const same = applied !== undefined && tree.treeHash === applied.treeHash;
    if (same && !(await continuity.broken(revision, applied))) {
      await attempts.stand(revision, clock.nowMs());
      return unchanged({ ...applied, revision }, sinceMs);
    }
    const accepted = applied === undefined || same || acceptRewrite === revision;
    if (!accepted && !(await source.descends(revision, applied.revision)))
      return reject(tree, [rewritten(revision, applied.revision)], sinceMs);
    const judgement = await judged(tree, applied);
    const problems = problemsOf(judgement);
    const { plan } = judgement;
    if (plan === undefined || hasError(problems)) {
      await continuity.rejected(revision, applied);
      return reject(tree, problems, sinceMs);
    }
    if (applied === undefined && (await options.haltUntilKnown(plan.head))) return pass(how);
    const missing = await picture.missing(plan.head.state);
    const done = await publication.inTurn(async () => {
      if (haltsMoved(plan)) return false;
      await apply(tree, plan, problems, missing, sinceMs);
      return true;
    });
    // The halts changed while the revision was judged, so it must be judged again.
    if (!done) await pass(how);
  }

  return pass;
}

const isAnother = (kept: Applied | undefined, shown: Snapshot | undefined): boolean =>
  kept !== undefined && shown !== undefined && kept.revision !== shown.revision;

const idsOf = (halts: readonly { readonly id: number }[] = []): string => halts.map(h => h.id).join(' ');
