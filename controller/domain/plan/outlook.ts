/**
 * Forecast of a plan for this fleet: when each step is over, how many devices will have reported by then, and when
 * nearly all run the build. It is based only on how often devices have checked in: installs that wait for Wi-Fi or a
 * battery come later, nudged ones sooner. Not part of the plan's hash.
 */
import {
  type CheckInGaps,
  followedWithin,
  longestOf,
  medianOf,
  seenWithin,
  timeUntil,
} from '../check-in-gaps.ts';
import { firstOpenMs } from '../policy/freeze.ts';
import { afterServing, forecast } from '../ramp/forecast.ts';
import { rampOf } from '../ramp/progress.ts';
import type { Ramp, RampStep } from '../release.ts';
import type { FleetPlan } from './fleet.ts';
import type { Plan } from './index.ts';

interface OutlookFacts {
  readonly gaps: CheckInGaps;
  readonly pollMs: number;
  /** Active devices, exposed at this percent, that can take `current` or run it. */
  readonly takersAt: (percent: number) => number;
}

export interface StepOutlook {
  readonly percent: number;
  /** Devices that the step newly exposes and that can take the build. */
  readonly devices: number;
  /** Unix ms; undefined if an earlier step waits for a person, or a freeze window blocks it for good. */
  readonly beginsAtMs: number | undefined;
  /** When it is over if all goes well, Unix ms: after its hold and, with a gate, its evidence. Undefined: not by itself. */
  readonly overAtMs: number | undefined;
  /** Why it is not over by itself. */
  readonly waits: 'approval' | 'person' | undefined;
  /** Devices that have reported an outcome by then, or by the end of `max_wait`. */
  readonly reports: number;
  /** Reports that its gate needs; undefined without a gate. */
  readonly needed: number | undefined;
}

export interface Outlook {
  /** Devices with a known gap between check-ins, and their median gap. */
  readonly observed: number;
  readonly medianGapMs: number;
  /** Steps that are not over yet; empty for a plain percent. */
  readonly steps: readonly StepOutlook[];
  /** When 95 % of the active devices that are offered the build run it, Unix ms. Undefined: not without a person. */
  readonly nearlyAllAtMs: number | undefined;
}

/** `why` completes "There is no forecast …: …". */
export type PlanForecast =
  | { readonly kind: 'known'; readonly outlook: Outlook }
  | { readonly kind: 'unknown'; readonly why: string };

const NEARLY_ALL = 0.95;

/** The fleet counts for each percent that is a step of the plan. */
export const takersIn =
  (fleet: FleetPlan) =>
  (percent: number): number =>
    fleet.steps.find(s => s.percent === percent)?.takers ?? 0;

export function forecastPlan(plan: Plan, facts: OutlookFacts): PlanForecast {
  if (facts.gaps.devices === 0) return { kind: 'unknown', why: 'no device has checked in twice yet' };
  return { kind: 'known', outlook: outlookOf(plan, facts) };
}

function outlookOf(plan: Plan, facts: OutlookFacts): Outlook {
  const { gaps } = facts;
  const ramp = plan.exposure.steps.length === 0 ? undefined : rampOf(plan.head.state.rollout);
  const steps = ramp === undefined ? [] : stepsOf(plan, ramp, facts);
  return {
    observed: gaps.devices,
    medianGapMs: medianOf(gaps) ?? 0,
    steps,
    nearlyAllAtMs: nearlyAllAt(plan, steps, facts),
  };
}

interface Waits {
  readonly ms: number;
  readonly person: boolean;
  readonly needed: number | undefined;
}

/** How long a step still lasts if all goes well and `holdMs` of its hold is left. */
function lasts(ramp: Ramp, holdMs: number, devices: number, { gaps, pollMs }: OutlookFacts): Waits {
  const { gate } = ramp;
  if (gate === undefined) return { ms: holdMs, person: false, needed: undefined };
  const needed = Math.min(gate.minReports, Math.ceil((2 * devices) / 3));
  const lifeMs = 2 * pollMs;
  const evidenceMs =
    needed === 0
      ? 0
      : timeUntil(needed / devices, lifeMs + 2 * longestOf(gaps), ms => followedWithin(gaps, ms, lifeMs));
  const patienceMs = holdMs + gate.maxWaitMs;
  if (evidenceMs !== undefined && evidenceMs <= patienceMs)
    return { ms: Math.max(holdMs, evidenceMs), person: false, needed };
  return { ms: patienceMs, person: gate.noData === 'hold', needed };
}

const isShut = (ramp: Ramp, next: RampStep | undefined): boolean =>
  next?.approval === true && (ramp.approvedPercent ?? 0) < next.percent;

function stepsOf(plan: Plan, ramp: Ramp, facts: OutlookFacts): StepOutlook[] {
  const { state, progress } = plan.head;
  const { suspend } = state.rollout;
  const windows = state.policy?.freezeWindows ?? [];
  const found: StepOutlook[] = [];
  let nextMs: number | undefined;
  for (const step of forecast(state.rollout, progress, plan.atMs, windows)) {
    if (step.state === 'past') continue;
    const before = ramp.steps[step.index - 1]?.percent ?? 0;
    const devices = Math.max(0, facts.takersAt(step.percent) - (before > 0 ? facts.takersAt(before) : 0));
    const beginsAtMs = found.length === 0 ? step.atMs : nextMs;
    const next = ramp.steps[step.index + 1];
    // The present step has been served for a while; the rest is counted from now.
    const fromMs = step.state === 'now' ? plan.atMs : beginsAtMs;
    const servedMs = step.state === 'now' ? (progress?.exposureMs ?? 0) : 0;
    const wait = lasts(ramp, next === undefined ? 0 : (step.holdMs ?? 0), devices, facts);
    const endless = next === undefined && ramp.gate === undefined;
    const endMs =
      fromMs === undefined || endless
        ? undefined
        : afterServing(suspend, fromMs, Math.max(0, wait.ms - servedMs));
    const waits = wait.person && next !== undefined ? 'person' : isShut(ramp, next) ? 'approval' : undefined;
    const overAtMs = waits === 'person' ? undefined : endMs;
    found.push({
      percent: step.percent,
      devices,
      beginsAtMs,
      overAtMs,
      waits,
      reports: Math.round(devices * seenWithin(facts.gaps, endless ? longestOf(facts.gaps) : wait.ms)),
      needed: wait.needed,
    });
    nextMs = waits === undefined && overAtMs !== undefined ? firstOpenMs(windows, overAtMs) : undefined;
  }
  return found;
}

/** All devices of a plain percent are offered the build at once; those of a ramp step by step. */
function nearlyAllAt(plan: Plan, steps: readonly StepOutlook[], { gaps }: OutlookFacts): number | undefined {
  const startMs = plan.exposure.suspendedUntilMs ?? plan.atMs;
  const waves =
    steps.length === 0
      ? [{ atMs: startMs as number | undefined, devices: 1 }]
      : steps.map(s => ({ atMs: s.beginsAtMs, devices: s.devices }));
  const all = waves.reduce((sum, w) => sum + w.devices, 0);
  const lastMs = Math.max(...waves.map(w => w.atMs ?? plan.atMs));
  const share = (ms: number): number =>
    waves.reduce(
      (sum, { atMs, devices }) =>
        sum + (atMs === undefined ? 0 : devices * seenWithin(gaps, plan.atMs + ms - atMs)),
      0,
    ) / all;
  const ms = all === 0 ? undefined : timeUntil(NEARLY_ALL, lastMs - plan.atMs + longestOf(gaps), share);
  return ms === undefined ? undefined : plan.atMs + ms;
}
