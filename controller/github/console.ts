/**
 * Pull requests as the console. Reconcile adds rows to one outbox topic, the topic's handler writes them to GitHub, and a
 * tick detects later changes. A single topic prevents races between two effects.
 */

import type { Snapshot } from '../domain/decision.ts';
import { MINUTE_MS } from '../domain/duration.ts';
import type { Revision } from '../domain/ids.ts';
import type { Reconciled } from '../domain/judging/reconciled.ts';
import type { Plan } from '../domain/plan/index.ts';
import type { Finding } from '../domain/problem.ts';
import { makeTurns } from '../domain/turns.ts';
import type {
  ApprovalSource,
  Artifacts,
  DesiredStore,
  DeviceStore,
  FormerHalts,
  KeyValueStore,
  OpenedPull,
  OpeningPull,
  OutboxEntry,
  OutboxRow,
  OutboxStore,
  Source,
} from '../ports/index.ts';
import { type Access, accessOf } from './access.ts';
import { appliedRow, touchedHalts } from './applied-row.ts';
import { makeApprovals, makeShownPlans } from './approvals.ts';
import { type BrakePullsOptions, brakeRow, makeBrakePulls } from './brake-pull.ts';
import { changeOpener } from './change-pull.ts';
import type { GitHub } from './client.ts';
import { makeComments } from './comment.ts';
import { makeDeployments } from './deployments.ts';
import { GitHubFault } from './fault.ts';
import { type FormerHaltsOptions, makeFormerHalts } from './former-halts.ts';
import { makeHeadStatuses } from './head-statuses.ts';
import { makeLedger, type Row, rowOf, TOPIC, tell } from './ledger.ts';
import { type FleetSources, progressNow, signOf } from './live.ts';
import { makeProposers } from './proposers.ts';
import { type JudgeTree, makePulls } from './pulls.ts';
import { makeMergeQueue } from './queue.ts';
import { makeReporter } from './report.ts';
import { isFinal, type RevisionProgress } from './revision-progress.ts';
import { shownProblem } from './shown-problem.ts';
import { makeStatuses } from './statuses.ts';

interface ConsoleOptions
  extends FleetSources,
    Pick<BrakePullsOptions, 'halts' | 'narrow' | 'onProposed'>,
    Pick<FormerHaltsOptions, 'parseRollout'> {
  readonly judge: JudgeTree;
  readonly artifacts: Pick<Artifacts, 'has'>;
  readonly devices: Pick<DeviceStore, 'scan' | 'counts' | 'checkInGaps'>;
  /** How often agents poll. */
  readonly pollMs: number;
  readonly github: GitHub;
  readonly source: Pick<Source, 'head' | 'merged' | 'read' | 'rolloutHistory'>;
  readonly desired: Pick<DesiredStore, 'applied' | 'attempted'>;
  readonly store: KeyValueStore;
  /** Who asked for a pull request: any controller may be asked, also one that does not lead. */
  readonly askedFor: KeyValueStore;
  readonly outbox: Pick<OutboxStore, 'add' | 'pending'>;
  readonly picture: () => Snapshot | undefined;
  readonly nowMs: () => number;
  /** The branch with the desired state. */
  readonly branch: string;
  /** Folder of the desired state in the repository. */
  readonly path: string;
  /** GitHub logins by the name of an operator. */
  readonly logins: ReadonlyMap<string, string>;
  /** How often open pull requests are checked without a hint. */
  readonly pullsIntervalMs?: number;
  readonly pullsPerPage?: number;
  /** How often the fleet is counted for the report. */
  readonly progressIntervalMs?: number;
  /** How often a comment is edited for changes below a whole percent. */
  readonly detailIntervalMs?: number;
}

export interface GitHubConsole extends ApprovalSource {
  /** The outbox rows to add in the transaction that applies or rejects a revision. Pure. */
  onReconciled(result: Reconciled): OutboxEntry[];
  /** For the outbox. */
  readonly handler: {
    readonly topic: string;
    handle(row: OutboxRow): Promise<'done' | { readonly retryAtMs: number; readonly code: string }>;
  };
  /** Empty if this plan has its approvals. Throws Faults if GitHub cannot be reached. */
  approve(revision: Revision, plan: Plan, needed: number): Promise<Finding[]>;
  readonly formerHalts: FormerHalts;
  /** Detects changes; call it every few seconds. It reads only the store: the outbox talks to GitHub. */
  tick(): Promise<void>;
  /** A pull request or its reviews may have changed. */
  hint(): Promise<void>;
  /** Opens the pull request that a person requested. Throws Faults if GitHub does not answer. */
  openChange(opening: OpeningPull): Promise<OpenedPull>;
  /** Asks GitHub for the permissions of the token or App. */
  access(): Promise<Access>;
  stop(): void;
}
/** A key of all visible changes; smaller ones wait for the next interval of detail. */
const noticeable = ({ state, percent, next, suspend, halt, fleet, results }: RevisionProgress): string => {
  const whole = (part: number, of: number): number => (of === 0 ? 0 : Math.floor((100 * part) / of));
  return JSON.stringify([
    state,
    percent,
    // The time of the next step shifts with every second that is not served, so it is left out.
    next?.percent,
    suspend,
    halt,
    whole(fleet.running, fleet.offered),
    whole(fleet.offered, fleet.active),
    whole(results.fail, results.ok + results.fail),
  ]);
};

export function makeConsole(options: ConsoleOptions): GitHubConsole {
  const { github, store, outbox, nowMs, picture } = options;
  const {
    pullsIntervalMs = MINUTE_MS,
    progressIntervalMs = MINUTE_MS,
    detailIntervalMs = 15 * MINUTE_MS,
  } = options;
  const shown = makeShownPlans(store, nowMs);
  const proposers = makeProposers(options.askedFor, options.logins, nowMs);
  const ledger = makeLedger({ store, outbox, nowMs });
  const common = {
    ...options,
    shown,
    ledger,
    comments: makeComments(github, store, nowMs),
    statuses: makeStatuses(github, store, nowMs),
    deployments: makeDeployments(github, store, nowMs),
    approvals: makeApprovals({ github, store, shown, proposers, nowMs, branch: options.branch }),
  };
  const reporter = makeReporter(common);
  const heads = makeHeadStatuses(common.statuses);
  const pulls = makePulls({ ...common, heads });
  const brakes = makeBrakePulls(common);
  const queue = makeMergeQueue({ ...common, statuses: heads });
  let counted: { sign: string; toldAtMs: number } | undefined;
  let countedAtMs = Number.NEGATIVE_INFINITY;
  let lookedAtMs = Number.NEGATIVE_INFINITY;
  let ticking: Promise<void> | undefined;

  /** Serialises the handler and the tick, which both write the ledger. */
  const inTurn = makeTurns();

  const ingest = async (): Promise<void> => ledger.ingest(await outbox.pending(TOPIC));

  /** Counts the fleet for the revision in force and stores the result; undefined if there is none. */
  async function refresh(
    isWorthStoring: (before: RevisionProgress, after: RevisionProgress) => boolean,
  ): Promise<Revision | undefined> {
    const revision = await ledger.live();
    const entry = revision === undefined ? undefined : await ledger.get(revision);
    if (entry === undefined || isFinal(entry.progress.state)) return undefined;
    const counted = await options.progress.count();
    if (counted === undefined) return undefined;
    const progress = await progressNow(counted, entry.progress, options);
    if (!isWorthStoring(entry.progress, progress)) return undefined;
    await ledger.save({ ...entry, progress });
    return entry.revision;
  }

  async function count(): Promise<void> {
    const atMs = nowMs();
    if (atMs - countedAtMs < progressIntervalMs) return;
    countedAtMs = atMs;
    await ingest();
    const revision = await ledger.live();
    const entry = revision === undefined ? undefined : await ledger.get(revision);
    const standing = picture();
    if (entry === undefined || standing === undefined || isFinal(entry.progress.state)) return;
    const sign = `${entry.revision} ${await signOf(standing, entry.progress, options, atMs)}`;
    const toldAtMs = counted?.toldAtMs ?? Number.NEGATIVE_INFINITY;
    if (counted?.sign === sign) return;
    const detailDue = atMs - toldAtMs >= detailIntervalMs;
    const changed = await refresh(
      (a, b) => noticeable(a) !== noticeable(b) || (detailDue && JSON.stringify(a) !== JSON.stringify(b)),
    );
    if (changed !== undefined) await outbox.add([tell(changed)]);
    // Changes that were too small for an edit are counted again when detail is due.
    counted = {
      sign: changed === undefined && !detailDue ? '' : sign,
      toldAtMs: changed === undefined ? toldAtMs : atMs,
    };
  }

  async function promiseLook(): Promise<void> {
    lookedAtMs = nowMs();
    await outbox.add([rowOf({ kind: 'look' }, 'look')]);
  }

  async function carryOut(row: Row): Promise<void> {
    switch (row.kind) {
      case 'look':
        await pulls.look();
        return queue.look();
      case 'pull':
        return pulls.review(row.pull);
      case 'brake':
        // Extends the curve up to now.
        await refresh(() => true);
        return brakes.settle(row.halt);
      default:
        // Ticks store their counts in the ledger. A newly applied revision has none yet, so it is counted here.
        if (row.kind === 'applied' && (await ledger.live()) === row.revision) await refresh(() => true);
        return reporter.tell(row.revision);
    }
  }

  return {
    onReconciled: result =>
      result.kind === 'applied'
        ? [
            // The base of every open pull request has changed.
            rowOf({ kind: 'look' }, 'look'),
            rowOf(appliedRow(result.before, result.after, result.plan), `revision:${result.after.revision}`),
            ...touchedHalts(result.before, result.after).map(brakeRow),
          ]
        : [
            rowOf(
              { kind: 'rejected', revision: result.revision, problems: result.problems.map(shownProblem) },
              `revision:${result.revision}`,
            ),
          ],
    approve: common.approvals.approve,
    approved: common.approvals.approved,
    merged: async revision => {
      const { pull, mergedBy } = (await ledger.get(revision)) ?? {};
      return pull === undefined || pull === null ? undefined : { pull, by: mergedBy ?? undefined };
    },
    formerHalts: makeFormerHalts(options),
    handler: {
      topic: TOPIC,
      handle: row =>
        inTurn(async () => {
          try {
            await ingest();
            await carryOut(row.payload as Row);
            return 'done';
          } catch (error) {
            if (error instanceof GitHubFault && error.retryAtMs !== undefined)
              return { retryAtMs: error.retryAtMs, code: error.code };
            throw error;
          }
        }),
    },
    tick: () => {
      ticking ??= inTurn(async () => {
        if (nowMs() - lookedAtMs >= pullsIntervalMs) await promiseLook();
        await count();
      }).finally(() => {
        ticking = undefined;
      });
      return ticking;
    },
    hint: promiseLook,
    openChange: changeOpener({ github, proposers, branch: options.branch, path: options.path }),
    access: () => accessOf(github),
    stop: github.stop,
  };
}
