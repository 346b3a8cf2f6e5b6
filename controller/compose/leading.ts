/**
 * Decides which controller of a database leads, and passes requests to it. With SQLite this one always leads. On
 * PostgreSQL one of several holds the lease: it reads the source, judges, opens steps and drains the outbox. The others
 * serve devices and operators from what it has committed, and one of them takes over when its lease has ended.
 */
import { setTimeout as wait } from 'node:timers/promises';
import { Fault } from '../domain/fault.ts';
import type {
  HeldClock,
  LeaderRequest,
  LeaderRequests,
  Reconciler,
  ReconcileStatus,
  Signal,
  Topic,
} from '../ports/index.ts';
import type { Reconcile } from '../reconcile/loop.ts';
import type { Publication } from '../reconcile/publication.ts';
import type { Foundation } from './foundation.ts';

/** Work that only the leader may do. Its input and its result are JSON. */
type Work = (detail: unknown) => Promise<unknown>;

export interface Leading {
  readonly leads: boolean;
  /** True if other controllers serve too. They may be half a second behind. */
  readonly isFollowed: boolean;
  /**
   * Makes a function that runs the work here if this controller leads, and otherwise asks the leader to run it. Faults
   * `leader_silent`: the work was not and will not be done; `leader_late`: it has begun and has not ended yet.
   */
  byLeader<D, R>(kind: string, work: (detail: D) => Promise<R>): (detail: D) => Promise<R>;
  /** Sends the signal to all controllers, including this one. */
  signal(signal: Signal): void;
  /** Called for each signal that reaches this controller. */
  onSignal(signal: Signal, work: () => void): void;
  /** The last report of the leader; undefined while this controller leads, or before the first report. */
  leaderReport(): LeaderReport | undefined;
  /** Takes over if nobody leads. Called twice a second. `begin` starts the work of the leader. */
  look(followed: Followed, begin: () => Promise<void>): Promise<void>;
  /** Subscribes to the feed: answers requests as the leader, and follows the leader otherwise. */
  followFeed(followed: Followed): void;
  /** Another controller may lead from now on. This one follows it until it has stopped. */
  handOver(): Promise<void>;
  readonly hasHandedOver: boolean;
  /** Reports to the other controllers that this one runs. As the leader it also renews the lease. */
  report(status: ReconcileStatus, ages: Pick<LeaderReport, 'sourceAgeMs' | 'progressAgeMs'>): Promise<void>;
}

export interface Followed {
  readonly publication: Publication;
  readonly reconcile: Pick<Reconcile, 'follow' | 'restore' | 'refreshHalts'>;
}

/** What followers show of the source and the clock, which they do not read themselves. */
interface LeaderReport extends Pick<ReconcileStatus, 'sourceReadAtMs' | 'sourceFault' | 'clockHeld'> {
  readonly sourceAgeMs: number;
  /** Since the leader looked at the ramp last. */
  readonly progressAgeMs: number;
}

/** After an outage of the database the leader has this long to renew its lease. */
const AFTER_AWAY_MS = 3_000;
const ASK_EVERY_MS = 100;
/** Long enough for a pass that waits for Git, and shorter than the time limit of a proxy in front. */
const ANSWER_WITHIN_MS = 30_000;

type Answer =
  | { readonly value: unknown }
  | { readonly fault: { readonly code: string; readonly message: string; readonly retry: Fault['retry'] } };

export function makeLeading({ store, background, runtime, nowMs }: Foundation): Leading {
  const works = new Map<string, Work>();
  const signals = new Map<Signal, (() => void)[]>();
  let leads = store.leads;
  let hasHandedOver = false;
  let isFollowed = false;
  let awayMs = Number.NEGATIVE_INFINITY;
  let lastHeard: { readonly report: LeaderReport; readonly atMs: number } | undefined;

  async function answerAll(requests: LeaderRequests): Promise<void> {
    for (const request of await requests.open()) background.run('leading', () => answer(requests, request));
  }

  /** Requests are answered independently of each other, because a pass may wait for Git. */
  async function answer(requests: LeaderRequests, { id, kind, detail }: LeaderRequest): Promise<void> {
    const work = works.get(kind);
    if (work === undefined || !(await requests.take(id))) return;
    try {
      await requests.answer(id, await answerOf(work, detail));
    } catch (error) {
      if (!(error instanceof Fault)) await requests.answer(id, FAILED);
      throw error;
    }
  }

  async function ask(requests: LeaderRequests, kind: string, detail: unknown): Promise<unknown> {
    const id = await requests.ask(kind, detail);
    for (const untilMs = runtime.monotonicMs() + ANSWER_WITHIN_MS; runtime.monotonicMs() < untilMs; ) {
      await wait(ASK_EVERY_MS);
      const answered = await requests.answerOf(id);
      if (answered === undefined) continue;
      await store.feed?.catchUp();
      const answer = answered.answer as Answer;
      if ('value' in answer) return answer.value;
      const { code, message, retry } = answer.fault;
      throw new Fault(code, message, { retry });
    }
    if (await requests.withdraw(id))
      throw new Fault(
        'leader_silent',
        'the leading controller did not answer, and nothing was done: try again',
        { retry: 'backoff' },
      );
    throw new Fault(
      'leader_late',
      'the leading controller has begun and is not done yet: look at the result in a minute',
      { retry: 'backoff' },
    );
  }

  function onTopics(topics: ReadonlySet<Topic>): void {
    for (const [signal, works] of signals) if (topics.has(signal)) for (const work of works) work();
    if (leads && topics.has('requests') && store.requests !== undefined) {
      const { requests } = store;
      background.run('leading', () => answerAll(requests));
    }
  }

  return {
    get leads() {
      return leads;
    },
    get isFollowed() {
      return isFollowed;
    },
    byLeader: <D, R>(kind: string, work: (detail: D) => Promise<R>) => {
      works.set(kind, work as Work);
      return async (detail: D): Promise<R> =>
        leads || store.requests === undefined
          ? work(detail)
          : ((await ask(store.requests, kind, detail)) as R);
    },
    signal: signal => {
      const { feed } = store;
      if (feed === undefined) for (const work of signals.get(signal) ?? []) work();
      else background.run('leading', () => feed.signal(signal).then(feed.catchUp));
    },
    onSignal: (signal, work) => void signals.set(signal, [...(signals.get(signal) ?? []), work]),
    leaderReport: () =>
      leads || lastHeard === undefined
        ? undefined
        : {
            ...lastHeard.report,
            sourceAgeMs: lastHeard.report.sourceAgeMs + runtime.monotonicMs() - lastHeard.atMs,
          },
    get hasHandedOver() {
      return hasHandedOver;
    },
    handOver: async () => {
      // Not with SQLite, where nobody else can lead.
      if (store.feed !== undefined) leads = false;
      hasHandedOver = true;
      await store.handOver();
    },
    followFeed: ({ reconcile }) =>
      store.feed?.subscribe(async topics => {
        onTopics(topics);
        if (!leads && ['desired', 'halts', 'ramps'].some(topic => topics.has(topic as Topic)))
          await reconcile.follow();
        else if (leads && topics.has('halts')) await reconcile.refreshHalts();
      }),
    look: async ({ publication, reconcile }, begin) => {
      const leader = await store.leader().catch((error: unknown) => {
        awayMs = runtime.monotonicMs();
        throw error;
      });
      isFollowed = leader.isFollowed;
      if (leads) return;
      if (leader.report !== undefined)
        lastHeard = { report: leader.report as LeaderReport, atMs: runtime.monotonicMs() };
      // We may already hold the lease, if the answer to an earlier attempt was lost.
      const isOurs = store.leads;
      if (leader.isAlive && !isOurs) {
        // A gated ramp is offered only while somebody judges it, so we take over the time of the leader's last look.
        const { snapshot } = publication;
        const progressReadAtMs = nowMs() - (lastHeard?.report.progressAgeMs ?? 0);
        if (snapshot !== undefined) publication.replace({ ...snapshot, progressReadAtMs });
        return;
      }
      // If the database was away, the leader could not renew its lease either.
      const mayBeBack = runtime.monotonicMs() - awayMs < AFTER_AWAY_MS;
      if (!isOurs && (mayBeBack || !(await store.tryToLead()))) return;
      try {
        await store.feed?.catchUp();
        leads = true;
        await reconcile.restore();
        runtime.observer.observe({ type: 'ota.role', role: 'leads' });
        await begin();
        if (store.requests !== undefined) await answerAll(store.requests);
      } catch (error) {
        // Restart the process: after a failed takeover it would hold the lease and do nothing.
        background.failed('leading', error);
        runtime.overtaken?.('takeover_failed');
      }
    },
    report: async ({ sourceReadAtMs, sourceFault, clockHeld }, ages) => {
      const report: LeaderReport = { sourceReadAtMs, sourceFault, clockHeld, ...ages };
      await store.renew(report);
    },
  };
}

/** The answer for an unexpected error. The leader itself logs the error. */
const FAILED: Answer = {
  fault: {
    code: 'internal',
    message: 'the leading controller failed to do it: its log says why',
    retry: 'never',
  },
};

async function answerOf(work: Work, detail: unknown): Promise<Answer> {
  try {
    return { value: (await work(detail)) ?? null };
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    const { code, message, retry } = error;
    return { fault: { code, message, retry } };
  }
}

/** The reconcile loop as every controller offers it to operators. */
export function reconcilerOf(leading: Leading, reconcile: Reconcile): Reconcile {
  const run = leading.byLeader('reconcile', (how: Parameters<Reconciler['run']>[0]) => reconcile.run(how));
  leading.onSignal('source_hint', () => {
    if (leading.leads) reconcile.wake();
  });
  return {
    ...reconcile,
    get snapshot() {
      return reconcile.snapshot;
    },
    wake: () => leading.signal('source_hint'),
    run: how => run(how ?? {}),
    status: () => {
      const report = leading.leaderReport();
      const own = reconcile.status();
      if (report === undefined) return own;
      const { sourceReadAtMs, sourceFault, clockHeld } = report;
      return { ...own, sourceReadAtMs, sourceFault, clockHeld: own.clockHeld || clockHeld };
    },
    sourceAgeMs: () => leading.leaderReport()?.sourceAgeMs ?? reconcile.sourceAgeMs(),
  };
}

/** Lets an operator confirm the clock of all controllers at once. */
export function clockOf(leading: Leading, clock: HeldClock): HeldClock {
  leading.onSignal('clock_confirmed', () => void clock.confirm());
  return {
    nowMs: clock.nowMs,
    get held() {
      return clock.held;
    },
    confirm: () => {
      const wasHeld = leading.leaderReport()?.clockHeld === true || clock.held;
      clock.confirm();
      leading.signal('clock_confirmed');
      return wasHeld;
    },
  };
}
