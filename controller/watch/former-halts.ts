/**
 * Handles a ramp without a stored row: the store is new or was lost, and a halt may have been lost with it. If GitHub is set
 * up, the build is offered to nobody until GitHub has answered or a person lifts this halt (GATES §5). Without GitHub
 * nothing can be found out.
 */
import type { Snapshot } from '../domain/decision.ts';
import type { Observe } from '../domain/event.ts';
import { isClosedByGit } from '../domain/halt.ts';
import { rampOf } from '../domain/ramp/progress.ts';
import type { Standing } from '../domain/standing.ts';
import type { InTurn } from '../domain/turns.ts';
import type { AuditEntry, Clock, FormerHalts, HaltEffects, HaltStore, Picture } from '../ports/index.ts';

interface FormerHaltOptions {
  readonly picture: Picture & { readonly inTurn: InTurn; publish(next: Snapshot): void };
  /** Undefined if GitHub is not set up. */
  readonly former: FormerHalts | undefined;
  readonly halts: Pick<HaltStore, 'press' | 'lift'>;
  readonly clock: Clock;
  readonly observe: Observe;
  readonly effects: HaltEffects;
}

export interface FormerHaltWatch {
  /** Called before a ramp without a row takes effect. True if the build is now halted until GitHub has answered. */
  haltUntilKnown(standing: Pick<Standing, 'state' | 'halts'>): Promise<boolean>;
  /** Asks GitHub if an answer is missing. If GitHub does not answer, it rejects and the build stays halted. */
  look(): Promise<void>;
}

const BY = 'github';

export function watchFormerHalts({
  picture,
  former,
  halts,
  clock,
  observe,
  effects,
}: FormerHaltOptions): FormerHaltWatch {
  const audited = (action: string, subject: string, detail: unknown): AuditEntry[] => [
    { atMs: clock.nowMs(), actor: BY, action, subject, detail },
  ];

  async function haltUntilKnown({
    state,
    halts: standing = [],
  }: Pick<Standing, 'state' | 'halts'>): Promise<boolean> {
    const { rollout } = state;
    if (former === undefined || rampOf(rollout) === undefined || isClosedByGit(rollout)) return false;
    if (standing.some(halt => halt.kind !== 'hand')) return false;
    const buildId = rollout.current;
    const reason =
      'the store has no row of this ramp, and GitHub has not said yet whether it was halted before';
    const halt = {
      buildId,
      kind: 'lost',
      mode: 'halt',
      atMs: clock.nowMs(),
      by: BY,
      reason,
      evidence: null,
    } as const;
    await halts.press(halt, audited('halt', buildId, { kind: 'lost', reason }));
    observe({ type: 'ota.halt', buildId, kind: 'lost', by: BY, reason });
    return true;
  }

  /** Replaces the `lost` halt by the answer. A halt that was found is in force before the `lost` halt ends. */
  async function settle(asked: Snapshot, found: Awaited<ReturnType<FormerHalts['haltOf']>>): Promise<void> {
    const { snapshot } = picture;
    const buildId = asked.rollout.current;
    const lost = snapshot?.halts.find(h => h.kind === 'lost');
    if (snapshot === undefined || lost === undefined || snapshot.rollout.current !== buildId) return;
    let standing = snapshot.halts;
    if (found !== undefined && !standing.some(h => h.kind === 'gate')) {
      const mode = rampOf(snapshot.rollout)?.gate?.onBreach ?? 'halt';
      const { reason, atMs = clock.nowMs() } = found;
      const halt = { buildId, kind: 'gate', mode, atMs, by: BY, reason, evidence: null } as const;
      standing = [...standing, await halts.press(halt, audited('halt', buildId, { reason }), effects)];
      observe({ type: 'ota.halt', buildId, kind: 'gate', by: BY, reason });
    }
    const reason = found === undefined ? 'GitHub knows of no halt of this build' : 'the halt was found again';
    const how = { atMs: clock.nowMs(), by: BY, reason, lift: undefined, without: [] };
    await halts.lift([lost], how, audited('resume', buildId, { kind: 'lost', reason }));
    observe({ type: 'ota.resume', buildId, kind: 'lost', by: BY, reason });
    picture.publish({ ...snapshot, halts: standing.filter(h => h.id !== lost.id) });
  }

  let looking: Promise<void> | undefined;
  async function ask(): Promise<void> {
    const { snapshot } = picture;
    if (former === undefined || snapshot === undefined || !snapshot.halts.some(h => h.kind === 'lost'))
      return;
    const found = await former.haltOf(snapshot.rollout.current, snapshot.revision);
    await picture.inTurn(() => settle(snapshot, found));
  }

  return {
    haltUntilKnown,
    look: () => {
      looking ??= ask().finally(() => {
        looking = undefined;
      });
      return looking;
    },
  };
}
