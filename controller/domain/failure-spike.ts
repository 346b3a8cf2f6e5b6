/**
 * Detects a failure spike that a person should hear about, with or without a gate. Pure: counts devices by their newest
 * final outcome within the window. A spike only notifies; halting is the job of gates (GATES §3).
 */
import { HOUR_MS } from './duration.ts';
import { BUILD_FAILURES } from './gate/evidence.ts';
import { wilsonLower99 } from './gate/wilson.ts';
import type { BuildId } from './ids.ts';
import { type ResultReason, VERIFY_FAILURES } from './outcome.ts';

export const SPIKE_WINDOW_MS = HOUR_MS;
/** A spike is told again only after this long without one. */
const CALM_MS = 6 * HOUR_MS;
/** Fewer failing devices than this are never a spike, whatever their share of a small fleet. */
const LEAST_FAILED = 3;
/** Limit for the share of failures among finished attempts. The true share must exceed it with 99 % certainty. */
const SHARE = 0.05;

/** Devices by the newest final outcome of their attempts at one build. */
export interface FinalOutcomes {
  readonly ok: number;
  readonly failed: readonly { readonly reason: ResultReason; readonly devices: number }[];
}

interface SpikeCounts {
  readonly failed: number;
  /** `ok` and `failed` together. */
  readonly ended: number;
  /** Most devices first. */
  readonly reasons: readonly { readonly reason: ResultReason; readonly devices: number }[];
}

/** Failures caused by the build or its bytes. A network that breaks downloads does not count (GATES §2). */
export function spikeCounts({ ok, failed }: FinalOutcomes): SpikeCounts {
  const reasons = failed
    .filter(({ reason }) => BUILD_FAILURES.has(reason) || VERIFY_FAILURES.has(reason))
    .sort((a, b) => b.devices - a.devices || (a.reason < b.reason ? -1 : 1));
  const sum = reasons.reduce((total, { devices }) => total + devices, 0);
  return { failed: sum, ended: ok + sum, reasons };
}

export const isSpike = ({ failed, ended }: Pick<SpikeCounts, 'failed' | 'ended'>): boolean =>
  failed >= LEAST_FAILED && wilsonLower99(failed, ended) > SHARE;

/** The last spike, kept over restarts. */
export interface LastSpike {
  readonly buildId: BuildId;
  /** When a look found it last, Unix ms. */
  readonly atMs: number;
}

/** A spike is told once while it lasts, and again when it returns after a calm or for another build. */
export const isNewSpike = (last: LastSpike | undefined, buildId: BuildId, nowMs: number): boolean =>
  last?.buildId !== buildId || nowMs - last.atMs >= CALM_MS;
