/** The outbox row for an applied revision, from which its pull request is updated. Pure. */
import type { Snapshot } from '../domain/decision.ts';
import type { Halt } from '../domain/halt.ts';
import type { Plan } from '../domain/plan/index.ts';
import { renderPlanMarkdown } from '../domain/plan/markdown.ts';
import { isWayBack } from '../domain/plan/way-back.ts';
import { subjectOf } from '../domain/progress.ts';
import { intendedPercent } from '../domain/standing.ts';
import type { Row } from './ledger.ts';

/** The most characters of a comment that a folded plan may take. */
const PLAN_CHARS = 40_000;

/** True if two snapshots give every device the same offers, now and later. */
function sameOffers(before: Snapshot, after: Snapshot): boolean {
  const meaning = ({ rollout, current, lastSafe, canaryDevices, canaryTags, progress }: Snapshot): string =>
    JSON.stringify([
      { ...rollout, reason: undefined, canary: [[...canaryDevices].sort(), [...canaryTags].sort()] },
      { ...current, notes: undefined },
      { ...lastSafe, notes: undefined },
      progress?.rampId ?? 0,
    ]);
  return meaning(before) === meaning(after);
}

export function appliedRow(
  before: Snapshot | undefined,
  after: Snapshot,
  plan: Plan,
): Row & { kind: 'applied' } {
  const { build: _, ...subject } = subjectOf(after);
  const inert = before !== undefined && sameOffers(before, after);
  return {
    kind: 'applied',
    revision: after.revision,
    previous: before?.revision,
    appliedAtMs: after.appliedAtMs,
    percent: intendedPercent(after),
    subject: inert ? { ...subject, kind: 'none' } : subject,
    planHash: plan.hash,
    planText: renderPlanMarkdown(plan, { merge: after.revision, limit: PLAN_CHARS }).trimEnd(),
    ends: isWayBack(before, after, plan) ? 'reverted' : 'superseded',
  };
}

/** Halts of builds for which the commit may have changed rollout.yaml. */
export function touchedHalts(before: Snapshot | undefined, after: Snapshot): Halt[] {
  const left = new Set(after.halts.map(h => h.id));
  return [...after.halts, ...(before?.halts ?? []).filter(h => !left.has(h.id))];
}
