/**
 * Which controller of a database leads, and what the others ask of it. With SQLite this one always leads. On PostgreSQL one
 * of several holds the lease: it reads the source, judges, opens steps and does what was promised. The others serve devices
 * and operators from what it has committed, and one of them takes over once its lease has ended.
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

/** Work that the leader alone may do. Its question and its answer are JSON. */
type Work = (detail: unknown) => Promise<unknown>;

export interface Leading {
  readonly leads: boolean;
  /** Another controller serves too: it may be half a second behind. */
  readonly isFollowed: boolean;
  /**
   * The same work wherever it is asked for: done here, or by the controller that leads. Faults `leader_silent`: nothing was
   * done, and nothing will be; `leader_late`: it has begun and is not done.
   */
  byLeader<D, R>(kind: string, work: (detail: D) => Promise<R>): (detail: D) => Promise<R>;
  /** Tells whoever leads; this controller too. */
  signal(signal: Signal): void;
  /** Called for each signal that reaches this controller. */
  onSignal(signal: Signal, work: () => void): void;
  /** The last report of the leader; undefined while this controller leads, or before the first report. */
  leaderReport(): LeaderReport | undefined;
  /** Follows, and takes over when nobody leads: called twice a second. `begin`: starts what the leader does. */
  look(followed: Followed, begin: () => Promise<void>): Promise<void>;
  /** Takes in what the feed tells. */
  followFeed(followed: Followed): void;
  /** Tells the other controllers that this one is here. */
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

/** The leader gets so long to be heard of again after the database was away. */
const AFTER_AWAY_MS = 3_000;
const ASK_EVERY_MS = 100;
/** A pass may wait for Git; a proxy in front gives up later than this. */
const ANSWER_WITHIN_MS = 30_000;

type Answer =
  | { readonly value: unknown }
  | { readonly fault: { readonly code: string; readonly message: string; readonly retry: Fault['retry'] } };

export function makeLeading({ store, background, runtime, nowMs }: Foundation): Leading {
  const works = new Map<string, Work>();
  const signals = new Map<Signal, (() => void)[]>();
  let leads = store.leads;
  let isFollowed = false;
  let awayMs = Number.NEGATIVE_INFINITY;
  let lastHeard: { readonly report: LeaderReport; readonly atMs: number } | undefined;

  async function answerAll(requests: LeaderRequests): Promise<void> {
    for (const request of await requests.open()) background.run('leading', () => answer(requests, request));
  }

  /** One does not wait for another: a pass may wait for Git. */
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
      throw new Fault('leader_silent', 'the controller that leads did not answer', { retry: 'backoff' });
    throw new Fault('leader_late', 'the controller that leads is still at it', { retry: 'backoff' });
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
      // We may hold the lease already: the answer to an earlier attempt was lost.
      const isOurs = store.leads;
      if (leader.isAlive && !isOurs) {
        // Its looks are ours: a gated ramp is offered only while somebody looks at it.
        const { snapshot } = publication;
        const progressReadAtMs = nowMs() - (lastHeard?.report.progressAgeMs ?? 0);
        if (snapshot !== undefined) publication.replace({ ...snapshot, progressReadAtMs });
        return;
      }
      // The leader could not renew its lease either, if it was the database that was away.
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
        // Half of a leader would hold the lease and do nothing: the process starts anew.
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

/** It is reported where it happened. */
const FAILED: Answer = {
  fault: { code: 'internal', message: 'the controller that leads failed to do it', retry: 'never' },
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

/** What operators may ask of the loop, on every controller. */
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

/** An operator confirms the time of every controller at once. */
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
