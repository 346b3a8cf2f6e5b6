/**
 * What a change of desired state means before it is merged (SPEC §7): every field before → after, the exposure it
 * leads to, its dangers and how to undo it. Pure: the same states at the same moment give the same plan.
 */
import { hash } from 'node:crypto';
import type { Halt } from '../halt.ts';
import type { BuildId, Sha256 } from '../ids.ts';
import { isSuspended } from '../ramp/progress.ts';
import { type Build, canonicalState, type DesiredState } from '../release.ts';
import { currentOf, intendedPercent, lastSafeOf, type Standing } from '../standing.ts';
import { type Change, changesBetween } from './changes.ts';
import { type Danger, dangersOf, namedIn } from './dangers.ts';
import { type ExposurePlan, exposureOf, type Transition, transitionsOf } from './exposure.ts';

export type { Change, ChangeValue } from './changes.ts';
export type { Danger, DangerKind } from './dangers.ts';
export type { ExposurePlan, ExposureStep, Transition } from './exposure.ts';

export interface Plan {
  /** The meaning does not change; only comments, layout or the order of a list do. */
  readonly empty: boolean;
  /** SHA-256 over base and desired state in canonical form; independent of time and of the fleet. */
  readonly hash: Sha256;
  readonly changes: readonly Change[];
  readonly transitions: readonly Transition[];
  readonly exposure: ExposurePlan;
  /** How many are named, cohorts included. Only the fleet part knows how many devices carry a tag. */
  readonly canaries: { readonly tags: number; readonly devices: number; readonly cohorts: number };
  readonly views: readonly View[];
  readonly dangers: readonly Danger[];
  readonly downgrade: Downgrade | undefined;
  readonly undo: Undo;
  readonly current: Build | undefined;
  readonly lastSafe: Build | undefined;
  /** The moment that exposure and views describe, Unix ms. */
  readonly atMs: number;
  /** What was compared; the fleet part and the policy need it. */
  readonly base: Standing | undefined;
  readonly head: Standing;
}

/** The offer to one group of devices once this is applied; `build` undefined: no offer. */
export interface View {
  readonly group: 'all' | 'canaries' | 'in_rollout' | 'outside';
  /** Share of buckets; undefined for canaries, which are counted separately. */
  readonly percent: number | undefined;
  readonly build: BuildId | undefined;
  /** Offers are suspended at that moment. */
  readonly suspended: boolean;
}

/** Devices may run a newer version than their target. */
interface Downgrade {
  /** Declared builds newer than the target, newest first. */
  readonly from: readonly BuildId[];
  readonly to: BuildId;
  /** False: they stay where they are. */
  readonly forced: boolean;
}

/** Shown with every downgrade (SPEC §4). */
export const DOWNGRADE_CAVEAT =
  'Android accepts a downgrade only for debuggable builds or from system and root installers; a refused device reports downgrade_refused. The way forward for all others: rebuild the old code with a higher version_code and promote that.';

export interface Undo {
  /** Undoes the merge commit; `<merge>` stands for its hash until that is known. */
  readonly revert: 'git revert -m 1';
  /** Stops `current` at once, whatever was merged later; undefined when the plan itself is a rollback. */
  readonly rollback: 'ota rollback --open-pr' | undefined;
  /** Effects that neither command undoes. */
  readonly limits: readonly string[];
}

/** `git revert -m 1 <merge>`, or with the merge's hash once it is known. */
export const undoCommands = (undo: Undo, merge = '<merge>'): readonly string[] => [
  `${undo.revert} ${merge}`,
  ...(undo.rollback === undefined ? [] : [undo.rollback]),
];

/**
 * Compares the applied state with the desired one; both were parsed without errors. `base` undefined: nothing is applied
 * yet, so everything is new.
 */
export function plan(base: Standing | undefined, head: Standing, nowMs: number): Plan {
  const exposure = exposureOf(base, head, nowMs);
  const { rollout } = head.state;
  const named = namedIn(head.state);
  return {
    empty: base !== undefined && meaningOf(base.state) === meaningOf(head.state),
    hash: planHash(base?.state, head.state, base?.halts),
    changes: changesBetween(base?.state, head.state),
    transitions: transitionsOf(base, head, nowMs),
    exposure,
    canaries: { tags: named.tags.size, devices: named.devices.size, cohorts: rollout.canary.cohorts.length },
    views: viewsOf(head, nowMs, named.tags.size + named.devices.size > 0),
    dangers: dangersOf(base, head),
    downgrade: downgradeOf(base, head),
    undo: undoOf(base, head),
    current: currentOf(head),
    lastSafe: lastSafeOf(head),
    atMs: nowMs,
    base,
    head,
  };
}

/** The canonical text of a state with sorted sets: equal texts have the same effect on every device. */
function meaningOf(state: DesiredState): string {
  const sorted = (values: readonly string[]): string[] => [...new Set(values)].sort();
  const { canary } = state.rollout;
  return canonicalState({
    ...state,
    rollout: {
      ...state.rollout,
      canary: {
        tags: sorted(canary.tags),
        devices: sorted(canary.devices),
        cohorts: sorted(canary.cohorts),
      },
    },
    cohorts: new Map(
      [...state.cohorts].map(([name, c]) => [
        name,
        { ...c, tags: sorted(c.tags), devices: sorted(c.devices) },
      ]),
    ),
  });
}

/** The hash that a reviewer approves and the controller compares before it applies the plan. A halt in between changes it. */
export function planHash(
  base: DesiredState | undefined,
  head: DesiredState,
  halts: readonly Halt[] = [],
): Sha256 {
  const stopped = halts.length === 0 ? '' : `\nhalts ${halts.map(h => h.id).join(' ')}`;
  return hash(
    'sha256',
    `plan v1\n${base === undefined ? 'nothing' : meaningOf(base)}\n${meaningOf(head)}${stopped}`,
  );
}

function viewsOf(head: Standing, nowMs: number, hasCanaries: boolean): View[] {
  const { rollout } = head.state;
  const suspended = isSuspended(rollout, nowMs);
  const usable = (build: Build | undefined): BuildId | undefined =>
    build?.withdrawn === undefined ? build?.buildId : undefined;
  const baseline = usable(lastSafeOf(head));
  if (rollout.rollback) return [{ group: 'all', percent: 100, build: baseline, suspended }];
  const current = usable(currentOf(head)) ?? baseline;
  const percent = intendedPercent(head);
  if (currentOf(head)?.withdrawn !== undefined || percent === 100)
    return [{ group: 'all', percent: 100, build: current, suspended }];
  return [
    ...(hasCanaries
      ? [{ group: 'canaries', percent: undefined, build: current, suspended } satisfies View]
      : []),
    ...(percent > 0 ? [{ group: 'in_rollout', percent, build: current, suspended } satisfies View] : []),
    { group: 'outside', percent: Math.round((100 - percent) * 100) / 100, build: baseline, suspended },
  ];
}

/** Declared builds newer than the target, if the target is older than before. */
function downgradeOf(base: Standing | undefined, head: Standing): Downgrade | undefined {
  const { rollout, builds } = head.state;
  const target = rollout.rollback ? lastSafeOf(head) : currentOf(head);
  if (target === undefined) return undefined;
  const stood = base === undefined ? undefined : currentOf(base);
  const pair = rollout.rollback ? currentOf(head) : lastSafeOf(head);
  const newest = Math.max(stood?.versionCode ?? 0, pair?.versionCode ?? 0);
  if (newest <= target.versionCode) return undefined;
  const from = [...builds.values()]
    .filter(b => b.versionCode > target.versionCode && b.versionCode <= newest)
    .sort((a, b) => b.versionCode - a.versionCode)
    .map(b => b.buildId);
  return { from, to: target.buildId, forced: rollout.forceDowngrade };
}

function undoOf(base: Standing | undefined, head: Standing): Undo {
  const back = head.state.rollout.rollback;
  const limits: string[] = back ? [] : ['devices that have installed a newer version keep it'];
  const newlyWithdrawn = [...head.state.builds.values()].some(
    b => b.withdrawn !== undefined && base?.state.builds.get(b.buildId)?.withdrawn === undefined,
  );
  if (newlyWithdrawn) limits.push('a withdrawal stays: a revert must keep the withdrawn field');
  const was = base?.state.rollout;
  if (back && was !== undefined && !was.rollback && was.exposure.kind === 'ramp')
    limits.push('a ramp that was rolled back begins again at its first step');
  return { revert: 'git revert -m 1', rollback: back ? undefined : 'ota rollback --open-pr', limits };
}
