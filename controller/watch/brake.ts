/** The brake (GATES §6) stops `current` at once without Git, and lifts such halts. It never offers more than Git declares. */
import type { Snapshot } from '../domain/decision.ts';
import type { Observe } from '../domain/event.ts';
import { Fault } from '../domain/fault.ts';
import { liftOf } from '../domain/gate/proof.ts';
import { type Halt, isClosedByGit } from '../domain/halt.ts';
import { rampOf } from '../domain/ramp/progress.ts';
import type { InTurn } from '../domain/turns.ts';
import type {
  AuditEntry,
  Brake,
  Clock,
  HaltEffects,
  HaltStore,
  NewHalt,
  OutboxEntry,
  Picture,
} from '../ports/index.ts';
import type { GateWatch } from './gate.ts';

interface BrakeOptions {
  readonly picture: Picture & { readonly inTurn: InTurn; publish(next: Snapshot): void };
  readonly halts: HaltStore;
  readonly gate: Pick<GateWatch, 'known' | 'look' | 'forget'>;
  readonly clock: Clock;
  readonly observe: Observe;
  /** The outbox rows of notifications about a brake. */
  readonly notices: (halt: NewHalt, snapshot: Snapshot) => OutboxEntry[];
  /** Other outbox rows of a pressed or lifted halt. */
  readonly effects: HaltEffects;
}

export function makeBrake({ picture, halts, gate, clock, observe, notices, effects }: BrakeOptions): Brake {
  const needed = (): Snapshot => {
    if (picture.snapshot === undefined)
      throw new Fault('not_ready', 'no release has been applied yet', { retry: 'backoff' });
    return picture.snapshot;
  };
  const auditOf = (by: string, action: string, subject: string, detail: unknown): AuditEntry => ({
    atMs: clock.nowMs(),
    actor: by,
    action,
    subject,
    detail,
  });

  return {
    press: ({ by, reason }) =>
      picture.inTurn(async () => {
        const snapshot = needed();
        const buildId = snapshot.rollout.current;
        const standing = snapshot.halts.find(h => h.kind === 'hand');
        if (standing !== undefined) return { halt: standing, pressed: false };
        if (isClosedByGit(snapshot.rollout) && !hasCanaries(snapshot))
          throw new Fault('brake_nothing', `no device is offered ${buildId}, so there is nothing to stop`, {
            retry: 'never',
          });
        const pressing: NewHalt = {
          buildId,
          kind: 'hand',
          mode: 'halt',
          atMs: clock.nowMs(),
          by,
          reason,
          evidence: null,
        };
        const halt = await halts.press(pressing, [auditOf(by, 'brake', buildId, { reason })], made => [
          ...notices(pressing, snapshot),
          ...effects(made),
        ]);
        picture.publish({ ...snapshot, halts: [...snapshot.halts, halt] });
        observe({ type: 'ota.halt', buildId, kind: 'hand', by, reason });
        return { halt, pressed: true };
      }),
    resume: async ({ by, reason, without, mayLiftGate }) => {
      const resumed = await picture.inTurn(async () => {
        const snapshot = needed();
        const lifted = snapshot.halts;
        const progress = snapshot.progress;
        const asks = progress?.judgement?.verdict === 'waiting_for_person';
        if (lifted.length === 0 && !asks)
          throw new Fault(
            'resume_nothing',
            `${snapshot.rollout.current} is not stopped, so there is nothing to resume`,
            { retry: 'never' },
          );
        if ((asks || lifted.some(h => h.kind !== 'hand') || without.length > 0) && !mayLiftGate)
          throw new Fault(
            'scope_missing',
            'only a token with the scope admin may resume what a gate has stopped',
            {
              retry: 'never',
            },
          );
        await lift(snapshot, lifted, { by, reason, without });
        const next = {
          ...snapshot,
          halts: [],
          progress: progress && (asks ? { ...progress, resumed: true as const } : progress),
        };
        picture.publish(next);
        for (const { kind, buildId } of lifted) observe({ type: 'ota.resume', buildId, kind, by, reason });
        return { lifted };
      });
      gate.forget();
      await gate.look();
      return resumed;
    },
  };

  async function lift(
    snapshot: Snapshot,
    lifted: readonly Halt[],
    { by, reason, without }: { by: string; reason: string; without: readonly string[] },
  ): Promise<void> {
    const rules = rampOf(snapshot.rollout)?.gate;
    const { evidence } = gate.known(snapshot);
    const how = {
      atMs: clock.nowMs(),
      by,
      reason,
      lift: rules === undefined || evidence.dataFault ? undefined : liftOf(rules, evidence),
      without,
    };
    const detail = {
      reason,
      without,
      halts: lifted.map(h => ({ kind: h.kind, reason: h.reason })),
      lift: how.lift,
    };
    await halts.lift(lifted, how, [auditOf(by, 'resume', snapshot.rollout.current, detail)], effects);
  }
}

const hasCanaries = ({ canaryDevices, canaryTags }: Snapshot): boolean =>
  canaryDevices.size + canaryTags.size > 0;
