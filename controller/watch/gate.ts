/**
 * The evidence about the build of a gated ramp. It is counted once a minute. If the count fails, is slow or is old, the
 * evidence is treated as unknown. A store that cannot answer never causes a halt (GATES §6).
 */

import type { Snapshot } from '../domain/decision.ts';
import { MINUTE_MS } from '../domain/duration.ts';
import type { Observe } from '../domain/event.ts';
import { type Advice, adviseOn, adviserOf, gateOf } from '../domain/gate/advice.ts';
import { type Evidence, NO_EVIDENCE } from '../domain/gate/evidence.ts';
import type { Lift } from '../domain/gate/proof.ts';
import { evidenceCounter } from '../domain/gate/takers.ts';
import type { BuildId, Sha256 } from '../domain/ids.ts';
import {
  type AdviceSource,
  type AuditStore,
  type DeviceStore,
  fleetOf,
  type HaltStore,
} from '../ports/index.ts';

export interface GateOptions {
  readonly picture: () => Snapshot | undefined;
  readonly devices: Pick<DeviceStore, 'scan'>;
  readonly halts: Pick<HaltStore, 'takers' | 'erased' | 'lastLift'>;
  readonly nowMs: () => number;
  readonly monotonicMs: () => number;
  readonly pollMs: number;
  readonly audit: Pick<AuditStore, 'record'>;
  readonly observe: Observe;
}

export interface Known {
  /** Excludes what depends on the current time: clock, suspend, freeze. */
  readonly evidence: Evidence;
  readonly lift: Lift | undefined;
}

export interface GateWatch extends AdviceSource {
  /** The stored APK to read again, because more devices report wrong bytes or a wrong signer. Each request is returned once. */
  artifactToRecheck(): Sha256 | undefined;
  /** Counts the devices. Called once a minute. A plain percent is counted every ten minutes, because nothing waits for it. */
  look(): Promise<void>;
  known(snapshot: Snapshot): Known;
  /** Discards the last count, because a lift or an exclusion changed which devices count. */
  forget(): void;
}

/** Older counts are not used. */
const STALE_MS = 5 * MINUTE_MS;
/** Counts for advice are made less often than counts for decisions. */
const ADVISE_EVERY_MS = 10 * 60_000;
/** A slower count is not trusted, because the rows that it read first may have changed since. */
const SLOW_MS = 30_000;

interface Counted extends Known {
  readonly buildId: BuildId;
  readonly atMs: number;
  readonly distinct: number;
}

export function watchGate(options: GateOptions): GateWatch {
  const { picture, devices, halts, nowMs, monotonicMs } = options;
  const startedMs = monotonicMs();
  let last: Counted | undefined;
  let suspect: Sha256 | undefined;
  let lastAdvice: (Advice & { readonly countedMs: number }) | undefined;

  async function count(snapshot: Snapshot, silenceAfterMs: number): Promise<Counted> {
    const { buildId, sizeBytes } = snapshot.current;
    const sinceMs = monotonicMs();
    const takers = new Map((await halts.takers(buildId, sizeBytes)).map(t => [t.deviceId, t]));
    const atMs = nowMs();
    const counter = evidenceCounter(snapshot, takers, {
      nowMs: atMs,
      upSinceMs: atMs - (monotonicMs() - startedMs),
      pollMs: options.pollMs,
      silenceAfterMs,
      erased: await halts.erased(buildId),
    });
    for await (const device of fleetOf(devices)) counter.add(device);
    const evidence = counter.result();
    const endedMs = monotonicMs();
    const distinct = evidence.cohort.taken + evidence.canary.taken;
    // The number of devices that took a build only grows. A smaller one means that rows were deleted or not read.
    const fell = last?.buildId === buildId && distinct < last.distinct;
    const dataFault = fell || endedMs - sinceMs > SLOW_MS;
    const lift = await halts.lastLift(buildId);
    return { buildId, atMs: endedMs, distinct, lift, evidence: { ...evidence, dataFault } };
  }

  async function advise(snapshot: Snapshot): Promise<void> {
    const gate = adviserOf(snapshot.state, options.pollMs);
    const { buildId } = snapshot.current;
    if (gate === undefined) {
      lastAdvice = undefined;
      return;
    }
    const before = lastAdvice?.buildId === buildId ? lastAdvice : undefined;
    const countedMs = monotonicMs();
    if (before !== undefined && countedMs - before.countedMs < ADVISE_EVERY_MS) return;
    const { evidence, lift } = await count(snapshot, gate.silenceAfterMs);
    const atMs = nowMs();
    const unchangedMs = Math.max(0, atMs - snapshot.appliedAtMs);
    const advised = { unchangedMs, upMs: countedMs - startedMs, pollMs: options.pollMs, lift };
    const judgement = adviseOn(gate, advised, evidence, before?.judgement.memory ?? {});
    lastAdvice = { buildId, atMs, countedMs, judgement, evidence };
    if (judgement.verdict === before?.judgement.verdict) return;
    const { verdict, reasons, figures } = judgement;
    await options.audit.record({
      atMs,
      actor: 'gate',
      action: 'gate.advice',
      subject: buildId,
      detail: { verdict, reasons, figures, evidence },
    });
    options.observe({ type: 'ota.gate.advice', buildId, verdict, reasons });
  }

  return {
    advice: () =>
      lastAdvice !== undefined && lastAdvice.buildId === picture()?.current.buildId ? lastAdvice : undefined,
    look: async () => {
      const snapshot = picture();
      const gate = snapshot === undefined ? undefined : gateOf(snapshot.state);
      if (snapshot === undefined || gate === undefined) {
        last = undefined;
        if (snapshot !== undefined) await advise(snapshot);
        return;
      }
      lastAdvice = undefined;
      const before = last?.buildId === snapshot.current.buildId ? verifyFailsOf(last) : 0;
      last = await count(snapshot, gate.silenceAfterMs);
      if (verifyFailsOf(last) > before) suspect = snapshot.current.sha256;
    },
    known: snapshot => {
      if (gateOf(snapshot.state) === undefined) return { evidence: NO_EVIDENCE, lift: undefined };
      const fresh = last?.buildId === snapshot.current.buildId && monotonicMs() - last.atMs <= STALE_MS;
      if (last === undefined || !fresh)
        return { evidence: { ...NO_EVIDENCE, dataFault: true }, lift: last?.lift };
      return last;
    },
    artifactToRecheck: () => {
      const asked = suspect;
      suspect = undefined;
      return asked;
    },
    forget: () => {
      last = undefined;
      lastAdvice = undefined;
    },
  };
}

const verifyFailsOf = ({ evidence: { cohort, canary } }: Known): number =>
  cohort.verifyFail + canary.verifyFail;
