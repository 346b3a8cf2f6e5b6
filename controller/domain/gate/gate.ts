/** The health condition of a ramp: what `ramp.gate` in rollout.yaml says, with every default filled in. */
import { HOUR_MS } from '../duration.ts';

export interface Gate {
  /** Largest accepted share of failing devices, 0 < x ≤ 0.1. Proof of a higher share halts the build. */
  readonly installFailRatioMax: number;
  /** Fewest devices with wrong bytes or signer, although our APK is right, before a proof may halt. */
  readonly verifyFailMax: number;
  /** Smallest accepted share of devices that took the build and went quiet, 0 < x ≤ 0.1. */
  readonly silenceMax: number;
  /** A device that has not checked in for this long is silent; at least two poll intervals. */
  readonly silenceAfterMs: number;
  /** Judged devices needed in each step; smaller steps need two thirds of the devices that can take the build. */
  readonly minReports: number;
  /** Exposure time that a step whose hold is over may wait for evidence. */
  readonly maxWaitMs: number;
  /** If evidence is still missing after `maxWaitMs`: `hold` asks a person, `proceed` goes on. */
  readonly noData: 'hold' | 'proceed';
  readonly onBreach: 'halt' | 'rollback';
}

/** Polls every 6 h are assumed: a device that missed three of them is silent. */
export const DEFAULT_GATE: Gate = {
  installFailRatioMax: 0.02,
  verifyFailMax: 1,
  silenceMax: 0.02,
  silenceAfterMs: 18 * HOUR_MS,
  minReports: 50,
  maxWaitMs: 48 * HOUR_MS,
  noData: 'hold',
  onBreach: 'halt',
};
