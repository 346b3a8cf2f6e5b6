/**
 * Changes of exposure over time: a running ramp enters its steps one by one, and a suspend begins or ends. A step is
 * committed together with its nudges before any device gets an offer because of it.
 */

import type { Snapshot } from '../domain/decision.ts';
import { MINUTE_MS } from '../domain/duration.ts';
import type { Observe } from '../domain/event.ts';
import type { Evidence } from '../domain/gate/evidence.ts';
import type { HaltEvidence } from '../domain/halt.ts';
import { windowAt } from '../domain/policy/freeze.ts';
import { type Looked, lookAt } from '../domain/ramp/look.ts';
import { isSuspended, percentAt, type RampProgress, rampOf } from '../domain/ramp/progress.ts';
import { type InTurn, makeTurns } from '../domain/turns.ts';
import type {
  Clock,
  HaltEffects,
  HaltStore,
  KeyValueStore,
  NewHalt,
  OutboxEntry,
  OutboxStore,
  Picture,
  RampStore,
} from '../ports/index.ts';
import type { GateWatch } from './gate.ts';

const KEY = 'exposure.last';
/** A longer gap between two looks is not counted as served time: the process was stopped or the machine slept. */
const LONGEST_GAP_MS = 60_000;
/** A crash loses at most this much of a step's served time. */
const KEEP_EVERY_MS = 10 * MINUTE_MS;

interface ExposureOptions {
  readonly picture: Picture & {
    readonly inTurn: InTurn;
    replace(next: Snapshot): void;
    publish(next: Snapshot): void;
  };
  /** The gate's counts for the build, at most about a minute old. */
  readonly known: GateWatch['known'];
  readonly halts: Pick<HaltStore, 'press'>;
  readonly clock: Clock & { readonly held: boolean };
  readonly monotonicMs: () => number;
  readonly pollMs: number;
  readonly ramps: RampStore;
  readonly values: KeyValueStore;
  readonly outbox: OutboxStore;
  readonly observe: Observe;
  /** The outbox rows of notifications about a gate's halt. */
  readonly notices: (halt: NewHalt, snapshot: Snapshot) => OutboxEntry[];
  /** The outbox rows of a change: nudges for devices that now get an offer. */
  readonly effects: (change: ExposureChange) => OutboxEntry[];
  /** Other outbox rows of a halt. */
  readonly haltEffects: HaltEffects;
}

export interface ExposureChange {
  readonly before: Snapshot;
  readonly after: Snapshot;
  /** When the previous exposure was last observed, Unix ms. */
  readonly seenAtMs: number;
  /** Id of the change. It is the same if the change is noticed again after a crash. */
  readonly name: string;
}

/** A suspend also holds back canaries and the baseline. Its start and end are not stored as rows. */
interface Seen {
  readonly revision: string;
  readonly suspended: boolean;
  readonly atMs: number;
}

export interface ExposureWatch {
  /** Called each second and after each publish. */
  look(): Promise<void>;
  /** Until when the effects of time on this revision are in the outbox, Unix ms. Undefined before its first look. */
  settledAtMs(revision: string): number | undefined;
  /** Stores the ramp's served time. */
  keep(): Promise<void>;
}

export function watchExposure(options: ExposureOptions): ExposureWatch {
  const { picture, clock, values, outbox, observe, effects } = options;
  let seen: Seen | undefined;
  let lookedMs: number | undefined;
  let kept: { rampId: number; servedMs: number } | undefined;

  function servedSince(): number {
    const nowMs = options.monotonicMs();
    const since = lookedMs === undefined ? 0 : Math.max(0, nowMs - lookedMs);
    lookedMs = nowMs;
    return Math.min(since, LONGEST_GAP_MS);
  }

  async function lookAtRamp(snapshot: Snapshot, servedMs: number): Promise<void> {
    const { rollout, progress, current, halts } = snapshot;
    const ramp = rampOf(rollout);
    if (ramp === undefined || progress === undefined) return;
    const nowMs = clock.nowMs();
    const windows = snapshot.state.policy?.freezeWindows ?? [];
    const { evidence, lift } = options.known(snapshot);
    const looked = lookAt(ramp, progress, {
      nowMs,
      servedMs,
      pollMs: options.pollMs,
      evidence: {
        ...evidence,
        clockHeld: clock.held,
        suspended: isSuspended(rollout, nowMs),
        frozen: windows.length > 0 && windowAt(windows, nowMs) !== undefined,
      },
      lift,
      closed: rollout.rollback || current.withdrawn !== undefined || halts.length > 0,
    });
    const next = { ...snapshot, progress: looked.progress, progressReadAtMs: nowMs };
    const breached = looked.judgement.verdict === 'halt' && !halts.some(h => h.kind === 'gate');
    if (isWorthARow(progress, looked, kept)) await keepLook(snapshot, next, looked, nowMs, evidence);
    if (breached) await halt(next, looked, nowMs, evidence);
    else picture.replace(next);
  }

  async function halt(snapshot: Snapshot, looked: Looked, atMs: number, evidence: Evidence): Promise<void> {
    const buildId = snapshot.rollout.current;
    const { reasons, figures } = looked.judgement;
    const mode = rampOf(snapshot.rollout)?.gate?.onBreach ?? 'halt';
    const reason = reasons.join(', ');
    const told: HaltEvidence = { reasons, figures, evidence, step: looked.progress.step };
    const pressing: NewHalt = { buildId, kind: 'gate', mode, atMs, by: 'gate', reason, evidence: told };
    const pressed = await options.halts.press(
      pressing,
      [{ atMs, actor: 'gate', action: 'halt', subject: buildId, detail: told }],
      made => [...options.notices(pressing, snapshot), ...options.haltEffects(made)],
    );
    // Publishing also notifies the subscribers: running campaigns must stop, and the fleet must be counted again.
    picture.publish({ ...snapshot, halts: [...snapshot.halts, pressed] });
    observe({ type: 'ota.halt', buildId, kind: 'gate', by: 'gate', reason });
  }

  async function keepLook(
    before: Snapshot,
    after: Snapshot,
    looked: Looked,
    nowMs: number,
    evidence: Evidence,
  ): Promise<void> {
    const { progress, entered, judgement } = looked;
    const buildId = after.rollout.current;
    const change = {
      before,
      after,
      seenAtMs: nowMs,
      name: `ramp:${progress.rampId}:${progress.step}:${judgement.verdict}`,
    };
    const step = before.progress?.step ?? -1;
    const turned = entered !== undefined || judgement.verdict !== before.progress?.judgement?.verdict;
    const { verdict, reasons, figures } = judgement;
    const row = {
      atMs: nowMs,
      actor: 'ramp',
      action: 'ramp.verdict',
      subject: buildId,
      detail: { ramp: progress.rampId, step, verdict, reasons, entered, figures, evidence },
    };
    await options.ramps.keep(
      keptOf(after, progress, nowMs),
      turned ? [row] : [],
      entered === undefined ? [] : effects(change),
    );
    kept = { rampId: progress.rampId, servedMs: progress.servedMs };
    if (turned) observe({ type: 'ota.gate.verdict', buildId, step, verdict, reasons });
    if (entered === undefined) return;
    const fromPercent = percentAt(before.rollout, before.progress);
    const toPercent = percentAt(after.rollout, progress);
    const { revision } = after;
    observe({ type: 'ota.rollout.update', revision, buildId, fromPercent, toPercent, by: 'time' });
  }

  async function lookAtSuspend(snapshot: Snapshot): Promise<void> {
    const atMs = clock.nowMs();
    const { revision, rollout } = snapshot;
    const now: Seen = { revision, suspended: isSuspended(rollout, atMs), atMs };
    if (seen === undefined) {
      const text = await values.get(KEY);
      seen = text === undefined ? undefined : (JSON.parse(text) as Seen);
    }
    const last = seen;
    // The effects of a new revision were committed when it was applied.
    const standing = last?.revision === revision ? last : undefined;
    if (standing === undefined || standing.suspended !== now.suspended) {
      const name = `time:${revision}:${now.suspended ? 'suspended' : 'open'}:${rollout.suspend?.untilMs ?? 0}`;
      if (standing !== undefined)
        await outbox.add(effects({ before: snapshot, after: snapshot, seenAtMs: standing.atMs, name }));
      await values.set(KEY, JSON.stringify(now));
    }
    seen = now;
  }

  async function look(): Promise<void> {
    const servedMs = servedSince();
    await picture.inTurn(async () => {
      const { snapshot } = picture;
      if (snapshot !== undefined) await lookAtRamp(snapshot, servedMs);
    });
    const { snapshot } = picture;
    if (snapshot !== undefined) await lookAtSuspend(snapshot);
  }

  async function keep(): Promise<void> {
    const { snapshot } = picture;
    const progress = snapshot?.progress;
    if (snapshot === undefined || progress === undefined) return;
    await options.ramps.keep(keptOf(snapshot, progress, clock.nowMs()), [], []);
  }

  const inTurn = makeTurns();
  return {
    look: () => inTurn(look),
    keep: () => inTurn(keep),
    settledAtMs: revision => (seen?.revision === revision ? seen.atMs : undefined),
  };
}

const keptOf = (snapshot: Snapshot, progress: RampProgress, decidedAtMs: number) => ({
  buildId: snapshot.rollout.current,
  progress,
  percent: progress.step < 0 ? undefined : percentAt(snapshot.rollout, progress),
  decidedAtMs,
  decidedBy: 'ramp',
});

/** True for a new step, a new verdict, or more unsaved time than a crash may lose. */
function isWorthARow(
  before: RampProgress,
  { progress, judgement, entered }: Looked,
  kept: { rampId: number; servedMs: number } | undefined,
): boolean {
  if (entered !== undefined || judgement.verdict !== before.judgement?.verdict) return true;
  const since = kept?.rampId === progress.rampId ? progress.servedMs - kept.servedMs : KEEP_EVERY_MS;
  return since >= KEEP_EVERY_MS;
}
