/**
 * The loop: wake → read → parse → admit → plan → apply → publish (SPEC §7). The one writer of desired state and the
 * one publisher of the snapshot. A bad revision changes nothing: last good stands and its problems are told.
 */
import { makeSnapshot, type Snapshot } from '../domain/decision.ts';
import type { Observe } from '../domain/event.ts';
import { Fault, faultCode } from '../domain/fault.ts';
import type { BuildId, Revision, Sha256 } from '../domain/ids.ts';
import { type Plan, plan } from '../domain/plan/index.ts';
import { checkPolicy } from '../domain/policy/index.ts';
import { type Finding, hasError, type Problem } from '../domain/problem.ts';
import type { RampClock } from '../domain/ramp.ts';
import type { DesiredState, Rollout } from '../domain/release.ts';
import type { Base, RuleTimes } from '../domain/rules/index.ts';
import { makeTurns } from '../domain/turns.ts';
import type {
  Applied,
  Clock,
  DesiredStore,
  OutboxEntry,
  Reconciler,
  ReconcileStatus,
  Source,
  SourceTree,
} from '../ports/index.ts';
import type { Publication } from './publication.ts';
import { announce, auditOf, type Judged, rewritten } from './record.ts';
import { makeWaker } from './wake.ts';

interface Parsed {
  readonly state?: DesiredState | undefined;
  readonly problems: Problem[];
}

export interface ReconcileOptions {
  readonly source: Source;
  readonly desired: DesiredStore;
  readonly clock: Clock & { readonly held: boolean };
  /** Tells the age of the source also while the wall clock is held. */
  readonly monotonicMs: () => number;
  readonly observe: Observe;
  readonly parse: (tree: SourceTree, base: Base | undefined, times: RuleTimes) => Parsed | Promise<Parsed>;
  /** When the standing ramp began: from the applied state, else from the history of rollout.yaml. */
  readonly rampStart: (
    revision: Revision,
    head: Rollout,
    applied: Applied | undefined,
    nowMs: number,
  ) => Promise<{ readonly clock: RampClock; readonly introducedAtMs: number }>;
  /** Places findings of policy and admission in the text they are about. */
  readonly place: (tree: SourceTree, findings: readonly Finding[]) => Problem[] | Promise<Problem[]>;
  /** Is every build that may be offered stored, and does it agree with its YAML? */
  readonly admit: (state: DesiredState, standing: DesiredState | undefined) => Promise<Finding[]>;
  /** Builds in use whose APK has gone since. */
  readonly missing: (state: DesiredState) => Promise<ReadonlySet<Sha256>>;
  /** Was this plan approved as the policy asks? Empty when it was. */
  readonly approve: (
    revision: Revision,
    plan: Plan,
    before: DesiredState | undefined,
    after: DesiredState,
  ) => Promise<Finding[]>;
  /** What is promised because of a revision; committed with it. */
  readonly effects: (judged: Judged) => OutboxEntry[];
  /** Where the snapshot is put in force; the loop alone publishes. */
  readonly publication: Publication;
}

export interface Reconcile extends Reconciler {
  readonly snapshot: Snapshot | undefined;
  /** Declared now or at any time before: reports about it are taken. */
  knowsBuild(buildId: BuildId): boolean;
  /** Since the source was last read, ms; before the first time since the loop was made, so that an outage shows. */
  sourceAgeMs(): number;
  /** Publishes what the store holds, before the source is asked. */
  restore(): Promise<void>;
  /** Wakes by interval and by the source's own hints until stopped. */
  start(intervalMs: number, random: () => number): Promise<void>;
  stop(): Promise<void>;
}

type Pass = { readonly acceptRewrite?: Revision };

export function makeReconcile(options: ReconcileOptions): Reconcile {
  const { source, desired, clock, monotonicMs, observe, publication } = options;
  let former: ReadonlySet<BuildId> = new Set();
  let problems: readonly Problem[] = [];
  /** Of the applied revision: they stand as long as it does. */
  let warnings: readonly Problem[] = [];
  let attemptedRevision: Revision | undefined;
  let sourceReadAtMs: number | undefined;
  let ageCountsFromMs = monotonicMs();
  let sourceFault: string | undefined;
  const inTurn = makeTurns();

  const status = (): ReconcileStatus => ({
    appliedRevision: publication.snapshot?.revision,
    appliedAtMs: publication.snapshot?.appliedAtMs,
    attemptedRevision,
    problems,
    sourceReadAtMs,
    sourceFault,
    clockHeld: clock.held,
  });

  const pictureOf = async (applied: Applied): Promise<Snapshot> =>
    makeSnapshot(applied.state, {
      revision: applied.revision,
      appliedAtMs: applied.appliedAtMs,
      clock: applied.clock,
      missingArtifacts: await options.missing(applied.state),
    });

  async function restore(): Promise<void> {
    const applied = await desired.applied();
    const attempted = await desired.attempted();
    attemptedRevision = attempted?.revision;
    problems = attempted?.problems ?? [];
    if (applied === undefined) return;
    former = new Set(applied.formerBuilds.keys());
    publication.publish(await pictureOf(applied));
  }

  /** An APK that was lost or came back changes the picture without a revision. */
  async function refresh(applied: Applied): Promise<void> {
    const next = await pictureOf(applied);
    const { snapshot } = publication;
    const lost = [...next.missingArtifacts].filter(sha => !snapshot?.missingArtifacts.has(sha));
    for (const sha of lost) {
      const build = [...next.state.builds.values()].find(b => b.sha256 === sha);
      if (build !== undefined) observe({ type: 'ota.artifact.lost', sha256: sha, buildId: build.buildId });
    }
    const same =
      snapshot !== undefined &&
      next.missingArtifacts.size === snapshot.missingArtifacts.size &&
      lost.length === 0;
    if (!same || next.revision !== snapshot?.revision) publication.publish(next);
  }

  async function unchanged(applied: Applied, startedMs: number): Promise<void> {
    const { revision } = applied;
    attemptedRevision = revision;
    problems = warnings;
    await refresh(applied);
    observe({ type: 'ota.reconcile.unchanged', revision, ms: performance.now() - startedMs });
  }

  async function reject(revision: Revision, found: readonly Problem[], startedMs: number): Promise<void> {
    const before = await desired.attempted();
    const repeated =
      before?.revision === revision && JSON.stringify(before.problems) === JSON.stringify(found);
    if (!repeated) {
      const attempt = { revision, attemptedAtMs: clock.nowMs(), problems: found };
      await desired.reject(attempt, options.effects({ kind: 'rejected', revision, problems: found }));
    }
    // Told only once it is kept, and what it promises with it.
    problems = found;
    attemptedRevision = revision;
    if (repeated) return;
    const codes = [...new Set(found.filter(p => p.severity === 'error').map(p => p.code))];
    const ms = performance.now() - startedMs;
    observe({ type: 'ota.reconcile.rejected', revision, ms, problems: found.length, codes });
  }

  async function pass(how: Pass): Promise<void> {
    const startedMs = performance.now();
    const revision = await source.head();
    sourceReadAtMs = clock.nowMs();
    ageCountsFromMs = monotonicMs();
    sourceFault = undefined;
    const applied = await desired.applied();
    if (applied?.revision === revision) {
      // Back from a revision that was rejected: that attempt is over.
      if (attemptedRevision !== revision) await desired.advance(revision, applied.appliedAtMs);
      return unchanged(applied, startedMs);
    }
    const tree = await source.read(revision);
    if (applied !== undefined && tree.treeHash === applied.treeHash) {
      await desired.advance(revision, clock.nowMs());
      return unchanged({ ...applied, revision }, startedMs);
    }
    if (
      applied !== undefined &&
      how.acceptRewrite !== revision &&
      !(await source.descends(revision, applied.revision))
    ) {
      await reject(revision, [rewritten(revision, applied.revision)], startedMs);
      return;
    }
    await judge(tree, applied, startedMs);
  }

  async function judge(tree: SourceTree, applied: Applied | undefined, startedMs: number): Promise<void> {
    const { revision } = tree;
    const nowMs = clock.nowMs();
    const base: Base | undefined =
      applied === undefined
        ? undefined
        : { state: applied.state, clock: applied.clock, formerBuilds: applied.formerBuilds };
    const first = await options.parse(tree, base, { nowMs });
    if (first.state === undefined || hasError(first.problems))
      return reject(revision, first.problems, startedMs);

    const head = first.state;
    const start = await options.rampStart(revision, head.rollout, applied, nowMs);
    // Without a base only history can tell whether a written start was a typo.
    const parsed =
      base === undefined
        ? await options.parse(tree, base, { nowMs, introducedAtMs: start.introducedAtMs })
        : first;
    const next = { state: head, clock: start.clock };
    const planned = plan(base, next, nowMs);
    const policy = applied?.state.policy;
    const findings = [
      ...(applied === undefined || policy === undefined ? [] : checkPolicy(policy, applied, next, nowMs)),
      ...(await options.admit(head, applied?.state)),
    ];
    if (!hasError(findings))
      findings.push(...(await options.approve(revision, planned, applied?.state, head)));
    const found = [...parsed.problems, ...(await options.place(tree, findings))];
    if (hasError(found)) return reject(revision, found, startedMs);
    await apply(tree, applied, next, planned, found, startedMs);
  }

  async function apply(
    tree: SourceTree,
    applied: Applied | undefined,
    next: Pick<Applied, 'state' | 'clock'>,
    planned: Plan,
    found: readonly Problem[],
    startedMs: number,
  ): Promise<void> {
    const { revision } = tree;
    const nowMs = clock.nowMs();
    const gone = [...(applied?.state.builds ?? [])].filter(([id]) => !next.state.builds.has(id));
    const row: Applied = {
      revision,
      treeHash: tree.treeHash,
      appliedAtMs: nowMs,
      ...next,
      formerBuilds: new Map(
        [...(applied?.formerBuilds ?? []), ...gone].filter(([id]) => !next.state.builds.has(id)),
      ),
    };
    const before = publication.snapshot;
    const after = await pictureOf(row);
    const judged: Judged = { kind: 'applied', before, after, plan: planned, problems: found };
    await desired.apply(row, [auditOf(before, after, planned, nowMs)], options.effects(judged));
    attemptedRevision = revision;
    warnings = found;
    problems = found;
    former = new Set(row.formerBuilds.keys());
    publication.publish(after);
    announce(observe, revision, planned.transitions);
    observe({
      type: 'ota.reconcile.applied',
      revision,
      ms: performance.now() - startedMs,
      changes: planned.changes.length,
    });
  }

  /** One pass at a time; a failure leaves everything as it was and is told once per pass. */
  async function guarded(how: Pass): Promise<boolean> {
    const startedMs = performance.now();
    try {
      await pass(how);
      return true;
    } catch (error) {
      sourceFault = faultCode(error);
      const message = error instanceof Fault ? error.message : 'unexpected error';
      observe({ type: 'ota.reconcile.fail', code: sourceFault, message, ms: performance.now() - startedMs });
      if (!(error instanceof Fault)) throw error;
      return false;
    }
  }

  async function run(how: Pass = {}): Promise<ReconcileStatus> {
    await inTurn(() => guarded(how));
    return status();
  }

  const waker = makeWaker(source, async () => (await run()).sourceFault === undefined);
  return {
    ...waker,
    run,
    status,
    sourceAgeMs: () => monotonicMs() - ageCountsFromMs,
    restore,
    knowsBuild: buildId => former.has(buildId) || publication.snapshot?.state.builds.has(buildId) === true,
    get snapshot() {
      return publication.snapshot;
    },
  };
}
