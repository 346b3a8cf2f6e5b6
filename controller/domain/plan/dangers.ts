/**
 * What a reviewer must not overlook: the kind of each danger and one sentence about it, ids in backticks. Neither
 * contains free text from the YAML.
 */
import { isClosedByGit } from '../halt.ts';
import type { BuildId } from '../ids.ts';
import { finalPercent } from '../ramp/progress.ts';
import {
  allSigners,
  type Build,
  type Canary,
  type DesiredState,
  isSameContent,
  type Rollout,
} from '../release.ts';
import { currentOf, intendedPercent, lastSafeOf, type Standing } from '../standing.ts';
import { countText, percentText, shortHex } from './words.ts';

export const DANGER_KINDS = [
  'rollback',
  'suspend',
  'withdrawn',
  'halt_lifted',
  'halted',
  'force_downgrade',
  'percent_jump',
  'new_signer',
  'package_changed',
  'min_sdk_raised',
  'baseline_unproven',
  'rollback_ended',
  'cohort_exchanged',
  'canary_widened',
  'must_install',
  'wifi_only_off',
  'battery_lowered',
  'policy_changed',
] as const;
export type DangerKind = (typeof DANGER_KINDS)[number];

export interface Danger {
  readonly kind: DangerKind;
  readonly sentence: string;
}

/** A rise by more points than this at once is a jump. From half of the fleet on, the rest may follow at once. */
const JUMP_POINTS = 25;
const isJump = (from: number, to: number): boolean => to - from > JUMP_POINTS && from < 50;

export function dangersOf(base: Standing | undefined, head: Standing): Danger[] {
  const was = base?.state.rollout;
  const is = head.state.rollout;
  return [
    ...stops(was, is),
    ...withdrawals(base?.state, head),
    ...halts(base, head),
    ...forced(was, is),
    ...jumps(base, head),
    ...builds(base, head),
    ...audience(base, head),
    ...conditions(was, is),
    ...(base?.state.policy !== undefined && !isSameContent(base.state.policy, head.state.policy)
      ? [danger('policy_changed', 'later pull requests will be judged by the new policy')]
      : []),
  ];
}

const danger = (kind: DangerKind, sentence: string): Danger => ({ kind, sentence });

function* stops(was: Rollout | undefined, is: Rollout): Generator<Danger> {
  if (is.rollback && was?.rollback !== true)
    yield danger(
      'rollback',
      `\`${is.current}\` is offered to nobody; \`${is.lastSafe ?? ''}\` is served to all`,
    );
  if (was?.rollback === true && !is.rollback && was.current === is.current)
    yield danger(
      'rollback_ended',
      `the rollback of \`${is.current}\` ends: devices in the rollout are offered it again`,
    );
  if (is.suspend !== undefined && !isSameContent(was?.suspend, is.suspend))
    yield danger('suspend', 'all offers are frozen while the suspend lasts, rollbacks and canaries included');
}

function* withdrawals(was: DesiredState | undefined, head: Standing): Generator<Danger> {
  const { rollout } = head.state;
  for (const build of head.state.builds.values()) {
    if (build.withdrawn === undefined || was?.builds.get(build.buildId)?.withdrawn !== undefined) continue;
    const role =
      build.buildId === rollout.current
        ? ': it is current, so its exposure falls to 0'
        : build.buildId === rollout.lastSafe
          ? ': it is last_safe, so devices outside the rollout are offered nothing'
          : '';
    yield danger('withdrawn', `\`${build.buildId}\` is withdrawn for good${role}`);
  }
}

/** A halt never ends silently, and a new percent does not hide an active halt. */
function* halts(base: Standing | undefined, head: Standing): Generator<Danger> {
  const { current } = head.state.rollout;
  const left = head.halts ?? [];
  const lifted = (base?.halts ?? []).filter(h => h.buildId === current && !left.some(l => l.id === h.id));
  if (lifted.some(h => h.kind === 'gate'))
    yield danger('halt_lifted', `this commit lifts the halt of \`${current}\` that its gate had set`);
  if (left.length > 0 && !isClosedByGit(head.state.rollout))
    yield danger(
      'halted',
      `\`${current}\` is stopped and stays stopped after this commit, until \`ota resume\``,
    );
}

function* forced(was: Rollout | undefined, is: Rollout): Generator<Danger> {
  if (!is.forceDowngrade) return;
  const target = (r: Rollout): BuildId | undefined => (r.rollback ? r.lastSafe : r.current);
  if (was?.forceDowngrade === true && target(was) === target(is)) return;
  yield danger(
    'force_downgrade',
    `devices on a newer version are told to go back to \`${target(is) ?? 'last_safe'}\``,
  );
}

function* jumps(base: Standing | undefined, head: Standing): Generator<Danger> {
  const { rollout } = head.state;
  const sameBuild = base?.state.rollout.current === rollout.current;
  const from = base !== undefined && sameBuild ? intendedPercent(base) : 0;
  const to = intendedPercent(head);
  if (isJump(from, to))
    yield danger(
      'percent_jump',
      `exposure of \`${rollout.current}\` rises from ${percentText(from)} to ${percentText(to)} at once`,
    );
  if (rollout.exposure.kind !== 'ramp' || rollout.rollback) return;
  const steps = [0, ...rollout.exposure.ramp.steps.map(s => s.percent)];
  for (const [i, percent] of steps.entries()) {
    const before = steps[i - 1];
    if (before !== undefined && before >= to && isJump(before, percent))
      yield danger(
        'percent_jump',
        `step ${i} of the ramp rises from ${percentText(before)} to ${percentText(percent)} at once`,
      );
  }
}

function* builds(base: Standing | undefined, head: Standing): Generator<Danger> {
  if (base === undefined) return;
  const promoted = currentOf(head);
  if (promoted === undefined || base.state.rollout.current === promoted.buildId) return;
  const stood = [currentOf(base), lastSafeOf(base)].filter((b): b is Build => b !== undefined);
  const known = new Set(stood.flatMap(allSigners));
  const strange = [...new Set(allSigners(promoted))].filter(f => !known.has(f));
  if (strange.length > 0) {
    const proven = [...known].some(f => promoted.signerLineage.includes(f));
    yield danger(
      'new_signer',
      `\`${promoted.buildId}\` is signed with a new key, ${strange.map(f => `\`${shortHex(f)}\``).join(', ')}${proven ? ', proven by its rotation lineage' : ': devices that run the current build cannot install it'}`,
    );
  }
  const was = currentOf(base);
  if (was !== undefined && promoted.minSdk > was.minSdk)
    yield danger(
      'min_sdk_raised',
      `\`${promoted.buildId}\` needs SDK ${promoted.minSdk}, \`${was.buildId}\` ran on ${was.minSdk}: devices below stay where they are`,
    );
  if (stood.some(b => b.package !== promoted.package))
    yield danger(
      'package_changed',
      `\`${promoted.buildId}\` has another package name: Android would install it as another app`,
    );
}

/** Builds that the base serves, or will serve without another commit, to every device. */
function provenBuilds(base: Standing): Set<BuildId> {
  const { rollout } = base.state;
  const proven = new Set<BuildId>();
  if (rollout.lastSafe !== undefined) proven.add(rollout.lastSafe);
  if (!rollout.rollback && finalPercent(rollout) === 100) proven.add(rollout.current);
  return proven;
}

function* audience(base: Standing | undefined, head: Standing): Generator<Danger> {
  if (base === undefined) return;
  const was = base.state.rollout;
  const is = head.state.rollout;
  if (is.lastSafe !== undefined && !provenBuilds(base).has(is.lastSafe) && intendedPercent(head) < 100)
    yield danger(
      'baseline_unproven',
      `last_safe becomes \`${is.lastSafe}\`, which was not offered to all before: every device outside the rollout is now offered it`,
    );
  if (was.current === is.current && was.cohortSeed !== is.cohortSeed)
    yield danger('cohort_exchanged', 'cohort_seed changes: other devices are exposed first');
  if (was.current !== is.current) return;
  const before = namedIn(base.state);
  const after = namedIn(head.state);
  const tags = [...after.tags].filter(t => !before.tags.has(t)).length;
  const devices = [...after.devices].filter(d => !before.devices.has(d)).length;
  if (tags + devices > 0)
    yield danger(
      'canary_widened',
      `the canaries of \`${is.current}\` gain ${[tags > 0 ? countText(tags, 'tag') : '', devices > 0 ? countText(devices, 'named device') : ''].filter(Boolean).join(' and ')}`,
    );
}

/** Canary tags and devices, those of the named cohorts included. */
export function namedIn({ rollout, cohorts }: DesiredState): {
  tags: ReadonlySet<string>;
  devices: ReadonlySet<string>;
} {
  const named: Pick<Canary, 'tags' | 'devices'>[] = [rollout.canary];
  for (const name of rollout.canary.cohorts) {
    const cohort = cohorts.get(name);
    if (cohort !== undefined) named.push(cohort);
  }
  return { tags: new Set(named.flatMap(c => c.tags)), devices: new Set(named.flatMap(c => c.devices)) };
}

function* conditions(was: Rollout | undefined, is: Rollout): Generator<Danger> {
  if (is.mustInstall && was?.mustInstall !== true)
    yield danger('must_install', 'after the deadline devices no longer wait for Wi-Fi');
  if (!is.wifiOnly && was?.wifiOnly !== false)
    yield danger('wifi_only_off', 'the APK is fetched over mobile data too');
  const battery = was?.minBatteryPercent ?? 30;
  if (is.minBatteryPercent < battery)
    yield danger(
      'battery_lowered',
      `min_battery_percent falls from ${battery} to ${is.minBatteryPercent}: a device may run empty while it installs`,
    );
}
