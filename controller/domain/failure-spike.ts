/**
 * When failures of a build are a spike that a person should hear of, gate or not. Pure: counts of devices, each by its
 * newest final outcome within the window. It tells; it never halts anything (that is what gates are for, GATES §3).
 */
import { HOUR_MS } from './duration.ts';
import { BUILD_FAILURES } from './gate/evidence.ts';
import { wilsonLower99 } from './gate/wilson.ts';
import type { BuildId } from './ids.ts';
import { type ResultReason, VERIFY_FAILURES } from './outcome.ts';

export const SPIKE_WINDOW_MS = HOUR_MS;
/** Told again only when there was no spike for so long. */
const CALM_MS = 6 * HOUR_MS;
/** One or two broken tablets are no spike, whatever share of a small fleet they are. */
const LEAST_FAILED = 3;
/** Of the devices that ended an attempt. The true share must be above it with 99 % certainty. */
const SHARE = 0.05;

/** Devices by the newest final outcome of their attempts at one build. */
export interface Endings {
  readonly ok: number;
  readonly failed: readonly { readonly reason: ResultReason; readonly devices: number }[];
}

export interface SpikeCounts {
  readonly failed: number;
  /** `ok` and `failed` together. */
  readonly ended: number;
  /** Most devices first. */
  readonly reasons: readonly { readonly reason: ResultReason; readonly devices: number }[];
}

/** Failures that speak against the build or its bytes; a network that breaks downloads is none (GATES §2). */
export function spikeCounts({ ok, failed }: Endings): SpikeCounts {
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

/** A spike that goes on is told once; one that comes back after a calm, or of another build, is told anew. */
export const isNewSpike = (last: LastSpike | undefined, buildId: BuildId, nowMs: number): boolean =>
  last?.buildId !== buildId || nowMs - last.atMs >= CALM_MS;
