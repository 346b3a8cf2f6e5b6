/** Decides from the controller's answer whether a watch has reached its goal. Pure. */
import { InvalidArgumentError } from 'commander';
import { countText } from '../domain/plan/words.ts';
import { type Goal, type Wait, waitsOf } from '../domain/progress.ts';
import {
  type HaltOnWire,
  isRejected,
  type ProgressOnWire,
  type RolloutOnWire,
  shortRevision,
} from './rollout-wire.ts';

/** `--fail-on`: more failed devices than this end the watch. */
export interface FailLimit {
  readonly limit: number;
  readonly unit: 'percent' | 'count';
  /** As typed. */
  readonly text: string;
}

/** `fail>2%` is a share of the devices that ended an attempt, `fail>5` a number of devices. */
export function failLimitArgument(text: string): FailLimit {
  const match = /^\s*fail\s*>\s*(\d{1,9}(?:\.\d{1,2})?)\s*(%?)\s*$/.exec(text);
  const limit = Number(match?.[1]);
  const percent = match?.[2] === '%';
  if (match === null || (percent ? limit > 100 : !Number.isInteger(limit)))
    throw new InvalidArgumentError('Expected a limit like "fail>2%" or "fail>5", in quotes.');
  return { limit, unit: percent ? 'percent' : 'count', text: `fail>${match[1]}${match[2]}` };
}

/** With fewer devices than this a share is not meaningful, unless fewer devices are offered the build. */
const LEAST_REPORTS = 10;

function failure({ results, offered }: ProgressOnWire, on: FailLimit | undefined): string | undefined {
  if (on === undefined) return undefined;
  const { ok, fail } = results;
  const ended = ok + fail;
  const breached =
    on.unit === 'count'
      ? fail > on.limit
      : ended >= Math.max(1, Math.min(LEAST_REPORTS, offered)) && fail * 100 > on.limit * ended;
  if (!breached) return undefined;
  const reasons = results.reasons.filter(r => r.outcome === 'fail').map(r => `${r.reason} ${r.devices}`);
  return `${fail} of ${countText(ended, 'device')} that ended an attempt failed, over ${on.text}: ${reasons.join(', ')}`;
}

/** The rollout at the first look, so that a later look notices another one. */
export interface Begun {
  readonly buildId: string;
  readonly kind: ProgressOnWire['kind'];
}

export interface Verdict {
  readonly state: 'waiting' | 'reached' | 'halted';
  readonly why: string;
}

export interface Watched extends Goal {
  readonly failOn?: FailLimit | undefined;
}

/** `begun` is undefined at the first look at the revision in force. */
export function verdictOf(
  now: RolloutOnWire,
  begun: Begun | undefined,
  watched: Watched,
  nowMs: number,
): Verdict {
  const waiting = (why: string): Verdict => ({ state: 'waiting', why });
  const { progress, rollout, reconcile } = now;
  if (isRejected(reconcile)) return { state: 'halted', why: refusal(now) };
  if (rollout === null || now.exposure === null) return waiting('no revision is applied yet');
  if (progress === undefined)
    return {
      state: 'halted',
      why: 'this controller is older than this command and does not report progress',
    };
  if (progress === null || progress.revision !== now.revision) return waiting('the fleet is being counted');
  const halt = changed(now, progress, begun) ?? stopped(now, nowMs) ?? failure(progress, watched.failOn);
  if (halt !== undefined) return { state: 'halted', why: halt };
  const waits = waitsOf(progress.kind, progress, progress.last_step, watched);
  if (isHopeless(now, waits))
    return {
      state: 'halted',
      why: `no device is offered ${progress.build_id}, and waiting will not change that`,
    };
  if (waits.length > 0) return waiting(waits.map(wait => waitText(wait, now, progress)).join('; '));
  if (reconcile.source_fault !== null)
    return waiting(
      `${finished(progress)}; but the source cannot be read [${reconcile.source_fault}], so there may be a newer revision`,
    );
  return { state: 'reached', why: finished(progress) };
}

export function refusal({ reconcile }: Pick<RolloutOnWire, 'reconcile'>): string {
  const first = reconcile.problems.find(p => p.severity === 'error');
  return `revision ${shortRevision(reconcile.attempted_revision)} was refused: ${first?.message ?? first?.code ?? ''}`;
}

function changed(
  { rollout }: RolloutOnWire,
  progress: ProgressOnWire,
  begun: Begun | undefined,
): string | undefined {
  if (begun === undefined || (begun.buildId === progress.build_id && begun.kind === progress.kind))
    return undefined;
  if (progress.kind === 'rollback' && begun.kind === 'rollout')
    return rollout?.rollback === true
      ? `${begun.buildId} is rolled back to ${progress.build_id}`
      : `${begun.buildId} is withdrawn; devices are offered ${progress.build_id}`;
  return `${progress.build_id} replaced ${begun.buildId} during the wait`;
}

export const haltText = ({ kind, build_id, by, reason }: HaltOnWire): string =>
  `${
    {
      gate: `the gate has halted ${build_id}`,
      hand: `${build_id} is braked by ${by}`,
      lost: `${build_id} is stopped until its earlier halts are known`,
    }[kind]
  }: ${reason}`;

function stopped({ rollout, exposure }: RolloutOnWire, nowMs: number): string | undefined {
  const suspend = rollout?.suspend ?? null;
  if (suspend !== null && Date.parse(suspend.since) <= nowMs && nowMs < Date.parse(suspend.until))
    return `all offers are suspended until ${suspend.until}: ${suspend.reason}`;
  const [halt] = exposure?.halts ?? [];
  // If a gate rolls back, devices move to last_safe, and the watch waits for that.
  if (halt !== undefined && halt.mode === 'halt') return haltText(halt);
  const asked = exposure?.ramp ?? null;
  if (asked?.verdict === 'waiting_for_person')
    return `the gate of step ${asked.step} waits for a person: ${asked.reasons.join('; ')}`;
  if (asked?.verdict === 'waiting_for_approval')
    return `the next step after step ${asked.step} needs an approval: raise approved_percent`;
  if (
    rollout !== null &&
    exposure !== null &&
    !rollout.rollback &&
    rollout.last_safe === null &&
    exposure.declared_percent > 0 &&
    exposure.effective_percent === 0
  )
    return `${rollout.current} is withdrawn and not offered to any device`;
  return undefined;
}

/** Whether no device is exposed, and neither a step, a canary nor a new device can change that. */
const isHopeless = ({ rollout, exposure }: RolloutOnWire, waits: readonly Wait[]): boolean =>
  waits.some(w => w.for === 'exposed') &&
  !waits.some(w => w.for === 'step') &&
  exposure?.declared_percent === 0 &&
  rollout !== null &&
  Object.values(rollout.canary).every(list => list.length === 0);

export function waitText(wait: Wait, now: RolloutOnWire, progress: ProgressOnWire): string {
  const { build_id, offered, exposed } = progress;
  switch (wait.for) {
    case 'exposed':
      return `no enrolled device is offered ${build_id} yet`;
    case 'seen':
      return `${wait.have} of ${exposed} exposed devices ${wait.have === 1 ? 'was' : 'were'} seen in the last ${windowText(progress)}, and ${wait.need} are needed`;
    case 'canaries':
      return `${wait.have} of ${wait.need} canaries run ${build_id}`;
    case 'running':
      return `${wait.have} of ${offered} offered devices run ${build_id}${heldText(progress)}`;
    case 'step': {
      const later = now.exposure?.next_change_at ?? null;
      return `exposure is ${now.exposure?.effective_percent ?? 0} %${later === null ? ', with more steps to come' : ` and changes at ${later}`}`;
    }
  }
}

const windowText = ({ active_window_s }: ProgressOnWire): string => `${Math.round(active_window_s / 3600)} h`;

export const heldText = ({ held }: ProgressOnWire): string =>
  held.length === 0 ? '' : ` (held: ${held.map(h => `${h.reason} ${h.devices}`).join(', ')})`;

const SHOWN = 5;

function finished(progress: ProgressOnWire): string {
  const { build_id, kind, running, offered, staying, exposed, seen, unseen_devices, waiting_devices } =
    progress;
  const some = (ids: readonly string[], all: number): string =>
    `${ids.slice(0, SHOWN).join(', ')}${all > Math.min(ids.length, SHOWN) ? ', …' : ''}`;
  const away = exposed - seen;
  return [
    `${kind === 'rollback' ? 'back to ' : ''}${build_id}: ${running} of ${offered} offered devices run it`,
    ...(staying > 0 ? [`${countText(staying, 'device')} on a newer version will stay there`] : []),
    ...(offered > running
      ? [`not yet: ${some(waiting_devices, offered - running)}${heldText(progress)}`]
      : []),
    ...(away > 0
      ? [
          `${away} exposed ${away === 1 ? 'device was' : 'devices were'} not seen: ${some(unseen_devices, away)}`,
        ]
      : []),
  ].join('; ');
}
