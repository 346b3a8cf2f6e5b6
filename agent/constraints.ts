/** The safety constraints of SPEC §9: what cannot be read counts as "not now". */
import type { Offer } from './offer.ts';
import type { Conditions } from './readings.ts';

export type DeferReason = 'wifi' | 'battery' | 'call';

export interface Unmet {
  readonly reason: DeferReason;
  /** The reading was missing rather than bad. */
  readonly unknown: boolean;
}

type Limits = Pick<Offer, 'wifiOnly' | 'mustInstall' | 'deadlineMs' | 'minBatteryPercent'>;

/**
 * All reasons not to install now, worst first; empty means go. A `must_install` offer no longer waits for Wi-Fi once
 * `deadlineMs` has passed since the offer was first seen, but it always waits for the battery and for calls.
 */
export function unmetConstraints(
  offer: Limits,
  firstSeenMs: number,
  conditions: Conditions,
  nowMs: number,
): Unmet[] {
  const unmet: Unmet[] = [];
  if (conditions.inCall !== false) unmet.push({ reason: 'call', unknown: conditions.inCall === undefined });
  const { batteryPercent, charging } = conditions;
  const powered =
    charging === true || (batteryPercent !== undefined && batteryPercent >= offer.minBatteryPercent);
  if (!powered) unmet.push({ reason: 'battery', unknown: batteryPercent === undefined });
  if (offer.wifiOnly && !wifiDeadlinePassed(offer, firstSeenMs, nowMs) && conditions.unmeteredWifi !== true)
    unmet.push({ reason: 'wifi', unknown: conditions.unmeteredWifi === undefined });
  return unmet;
}

const wifiDeadlinePassed = (offer: Limits, firstSeenMs: number, nowMs: number): boolean =>
  offer.mustInstall && offer.deadlineMs !== undefined && nowMs - firstSeenMs >= offer.deadlineMs;
