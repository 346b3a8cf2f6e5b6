/** A plan for programs: `ota plan --format json`, snake_case like everything on the wire. */

import type { FleetPlan } from './fleet.ts';
import { DOWNGRADE_CAVEAT, type Plan, type Transition, undoCommands } from './index.ts';
import { bare } from './lines.ts';
import type { PlanForecast, StepOutlook } from './outlook.ts';
import { timeText } from './words.ts';

type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };

/** Missing values are null. Times are ISO 8601, durations in seconds. */
export function planJson(
  plan: Plan,
  fleet?: FleetPlan,
  forecast?: PlanForecast,
): { readonly [key: string]: Json } {
  const { exposure, downgrade, undo } = plan;
  return {
    empty: plan.empty,
    hash: plan.hash,
    at: timeText(plan.atMs),
    changes: plan.changes.map(c => ({
      file: c.file,
      path: c.path,
      before: c.before ?? null,
      after: c.after ?? null,
    })),
    transitions: plan.transitions.map(transitionJson),
    exposure: {
      from_percent: exposure.fromPercent,
      to_percent: exposure.toPercent,
      final_percent: exposure.finalPercent,
      starts_with_merge: exposure.startsWithMerge,
      suspended_until: exposure.suspendedUntilMs === undefined ? null : timeText(exposure.suspendedUntilMs),
      steps: exposure.steps.map(s => ({
        percent: s.percent,
        at: s.atMs === undefined ? null : timeText(s.atMs),
        hold_s: s.holdMs === undefined ? null : s.holdMs / 1000,
        state: s.state,
      })),
    },
    canaries: { ...plan.canaries },
    views: plan.views.map(v => ({
      group: v.group,
      percent: v.percent ?? null,
      build_id: v.build ?? null,
      suspended: v.suspended,
    })),
    dangers: plan.dangers.map(d => ({ kind: d.kind, sentence: bare(d.sentence) })),
    downgrade:
      downgrade === undefined
        ? null
        : { from: [...downgrade.from], to: downgrade.to, forced: downgrade.forced, caveat: DOWNGRADE_CAVEAT },
    undo: { commands: [...undoCommands(undo)], limits: [...undo.limits] },
    fleet: fleet === undefined ? null : fleetJson(fleet),
    forecast: forecast === undefined ? null : forecastJson(forecast),
  };
}

function transitionJson(t: Transition): Json {
  switch (t.kind) {
    case 'promote':
      return { kind: t.kind, from: t.from ?? null, to: t.to, percent: t.percent };
    case 'rollback':
      return { kind: t.kind, from: t.from, to: t.to, force_downgrade: t.forceDowngrade };
    case 'rollout_update':
      return { kind: t.kind, build_id: t.buildId, from_percent: t.fromPercent, to_percent: t.toPercent };
  }
}

const momentOf = (ms: number | undefined): string | null => (ms === undefined ? null : timeText(ms));

function forecastJson(forecast: PlanForecast): Json {
  if (forecast.kind === 'unknown') return { unknown: forecast.why };
  const { outlook } = forecast;
  const step = (s: StepOutlook): Json => ({
    percent: s.percent,
    devices: s.devices,
    begins_at: momentOf(s.beginsAtMs),
    over_at: momentOf(s.overAtMs),
    waits_for: s.waits ?? null,
    reports: s.reports,
    needed: s.needed ?? null,
  });
  return {
    observed_devices: outlook.observed,
    median_gap_s: Math.round(outlook.medianGapMs / 1000),
    steps: outlook.steps.map(step),
    nearly_all_at: momentOf(outlook.nearlyAllAtMs),
  };
}

const fleetJson = (fleet: FleetPlan): Json => ({
  devices: fleet.devices,
  never_seen: fleet.neverSeen,
  canaries: fleet.canaries,
  new_offers: fleet.newOffers,
  bytes: fleet.bytes,
  forced_back: fleet.forcedBack,
  ahead: fleet.ahead,
  signer_mismatch: fleet.signerMismatch,
  leaving: fleet.leaving,
  leaving_with_current: fleet.leavingWithCurrent,
  cut_off: fleet.cutOff,
  on_last_safe: fleet.onLastSafe,
  stray_canaries: { tags: [...fleet.strayCanaries.tags], devices: fleet.strayCanaries.devices },
  steps: fleet.steps.map(s => ({
    percent: s.percent,
    nominal_devices: s.nominalDevices,
    actual_devices: s.actualDevices,
    new_offers: s.newOffers,
    bytes: s.bytes,
    takers: s.takers,
  })),
});
