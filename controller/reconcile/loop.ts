/**
 * The reconcile loop of SPEC §7. It runs one pass at a time, woken by a timer and by hints. Only the loop writes desired
 * state and publishes the snapshot.
 */
import type { Snapshot } from '../domain/decision.ts';
import { Fault, faultCode } from '../domain/fault.ts';
import type { Halt } from '../domain/halt.ts';
import type { BuildId, Revision } from '../domain/ids.ts';
import type { RampProgress } from '../domain/ramp/progress.ts';
import { makeTurns } from '../domain/turns.ts';
import type { Applied, Clock, Reconciler, ReconcileStatus } from '../ports/index.ts';
import { keepAttempts } from './attempt.ts';
import { makePass, type PassOptions } from './pass.ts';
import { keepPicture, type PictureOptions } from './picture.ts';
import { makeWaker } from './wake.ts';

export interface ReconcileOptions extends PassOptions, PictureOptions {
  readonly clock: Clock & { readonly held: boolean };
  /** Measures the age of the source, even while the wall clock is held. */
  readonly monotonicMs: () => number;
  /** The halts of a build that are in force. */
  readonly halts: (buildId: BuildId) => Promise<readonly Halt[]>;
  /** The stored progress of the running ramp. If the row is missing, the ramp begins again. */
  readonly resume: (applied: Applied) => Promise<RampProgress | undefined>;
}

export interface Reconcile extends Reconciler {
  readonly snapshot: Snapshot | undefined;
  /** True for a build that is or was declared. Reports about such builds are accepted. */
  knowsBuild(buildId: BuildId): boolean;
  /** ms since the source was last read. Before the first read: ms since the start, so that an outage becomes visible. */
  sourceAgeMs(): number;
  /** Publishes the stored state before the source is read. */
  restore(): Promise<void>;
  /** Publishes the state that the leader has committed. */
  follow(): Promise<void>;
  /** Publishes halts that another controller has committed. */
  refreshHalts(): Promise<void>;
  /** Wakes by interval and by the source's own hints until stopped. */
  start(intervalMs: number, random: () => number): Promise<void>;
  stop(): Promise<void>;
}

export function makeReconcile(options: ReconcileOptions): Reconcile {
  const { source, desired, clock, monotonicMs, observe, publication } = options;
  const attempts = keepAttempts(desired);
  const picture = keepPicture(options);
  let sourceReadAtMs: number | undefined;
  let ageCountsFromMs = monotonicMs();
  let sourceFault: string | undefined;
  const inTurn = makeTurns();

  const pass = makePass(options, {
    attempts,
    picture,
    sourceRead: () => {
      sourceReadAtMs = clock.nowMs();
      ageCountsFromMs = monotonicMs();
      sourceFault = undefined;
    },
  });

  const status = (): ReconcileStatus => ({
    appliedRevision: publication.snapshot?.revision,
    appliedAtMs: publication.snapshot?.appliedAtMs,
    attemptedRevision: attempts.revision,
    problems: attempts.problems,
    sourceReadAtMs,
    sourceFault,
    clockHeld: clock.held,
  });

  /** A Fault changes nothing and is reported once per pass. Any other error is our own bug. */
  async function guarded(how: { acceptRewrite?: Revision }): Promise<void> {
    const sinceMs = performance.now();
    try {
      await pass(how);
    } catch (error) {
      sourceFault = faultCode(error);
      const message = error instanceof Fault ? error.message : 'unexpected error';
      observe({ type: 'ota.reconcile.fail', code: sourceFault, message, ms: performance.now() - sinceMs });
      if (!(error instanceof Fault)) throw error;
    }
  }

  async function run(how: { acceptRewrite?: Revision } = {}): Promise<ReconcileStatus> {
    await inTurn(() => guarded(how));
    return status();
  }

  const waker = makeWaker(source, async () => (await run()).sourceFault === undefined);
  return {
    ...waker,
    run,
    status,
    sourceAgeMs: () => monotonicMs() - ageCountsFromMs,
    restore: async () => {
      await attempts.restore();
      const kept = await desired.applied();
      if (kept === undefined) return;
      const progress = await options.resume(kept);
      // This controller was a follower until now, so the stored state is newer than its snapshot.
      if (publication.snapshot !== undefined) return picture.follow(desired.applied);
      // A ramp that begins again may be halted until its earlier halts are known.
      const halts = progress === kept.progress ? kept.halts : (await desired.applied())?.halts;
      await picture.refresh({ ...kept, progress, halts });
    },
    follow: async () => {
      await attempts.restore();
      await picture.follow(desired.applied);
    },
    refreshHalts: () => picture.refreshHalts(options.halts),
    recheck: picture.recheck,
    knowsBuild: picture.knowsBuild,
    get snapshot() {
      return publication.snapshot;
    },
  };
}
