/**
 * A ramp without a row: the store is new or was lost, and a halt may have been lost with it. Where GitHub can tell, the
 * build is offered to nobody until it has, or until a person lifts that (GATES §5). Without GitHub nobody can be asked.
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
  /** Undefined: nobody can be asked. */
  readonly former: FormerHalts | undefined;
  readonly halts: Pick<HaltStore, 'press' | 'lift'>;
  readonly clock: Clock;
  readonly observe: Observe;
  readonly effects: HaltEffects;
}

export interface FormerHaltWatch {
  /** Before a ramp without a row comes to stand. True: the build is stopped now, until it is known. */
  doubt(standing: Pick<Standing, 'state' | 'halts'>): Promise<boolean>;
  /** Asks while something is not known; rejects when nobody answers, and the build stays stopped. */
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

  async function doubt({ state, halts: standing = [] }: Pick<Standing, 'state' | 'halts'>): Promise<boolean> {
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

  /** The answer takes the place of the doubt; the halt that was found is in force before the doubt ends. */
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
    doubt,
    look: () => {
      looking ??= ask().finally(() => {
        looking = undefined;
      });
      return looking;
    },
  };
}
