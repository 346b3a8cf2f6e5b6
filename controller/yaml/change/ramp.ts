/** `ramp`, and the ramp of `promote --ramp`: when it starts, its steps, its gate, how far it is approved. */
import { parseDuration } from '../../domain/duration.ts';
import type { YamlMap } from '../difference.ts';
import type { WireRollout } from '../wire.ts';
import { type ChangeResult, type EditInput, editOf, refuse } from './edit-input.ts';
import type { Moment } from './suspend.ts';

type WireRamp = NonNullable<WireRollout['ramp']>;
export type WireStep = WireRamp['steps'][number];
export type WireGate = NonNullable<WireRamp['gate']>;

/** Omitted fields stay as they are. */
export interface RampPatch {
  readonly steps?: readonly WireStep[] | undefined;
  /** `now` removes `start` from the file, so the ramp starts when it is applied. */
  readonly start?: Moment | 'now' | undefined;
  /** Changed limits. With `off` the steps depend on time alone. */
  readonly gate?: WireGate | 'off' | undefined;
  readonly approvedPercent?: number | undefined;
}

export interface RampChange {
  readonly kind: 'ramp';
  readonly ramp: RampPatch;
  readonly reason?: string | undefined;
}

export function changeRamp({ rollout, wire }: EditInput, change: RampChange): ChangeResult {
  if (rollout.rollback)
    return refuse(
      'rolled_back',
      `${rollout.current} is rolled back, so its ramp has no effect`,
      `to start it again: ota promote ${rollout.current} --ramp STEPS`,
    );
  if (wire.ramp === undefined && change.ramp.steps === undefined)
    return refuse(
      'no_ramp',
      `${rollout.current} is at a fixed ${wire.rollout_percent ?? 0} %: there is no ramp to change`,
      'give it steps: ota ramp --steps 1:4h,10:24h,50:24h,100',
    );
  const result = rampOf(wire.ramp, change.ramp);
  if (!result.ok) return result;
  return editOf(titleOf(rollout.current, change.ramp, result.ramp), {
    rollout_percent: undefined,
    ramp: result.ramp,
    ...(change.reason === undefined ? {} : { reason: change.reason }),
  });
}

type Made = { readonly ok: true; readonly ramp: YamlMap & { readonly steps: readonly WireStep[] } };

/** The whole `ramp`. Unchanged values keep their spelling. */
export function rampOf(was: WireRamp | undefined, patch: RampPatch): Made | (ChangeResult & { ok: false }) {
  const start = patch.start === undefined ? was?.start : patch.start === 'now' ? undefined : patch.start.text;
  const steps = (patch.steps ?? was?.steps ?? []).map((step, i) => sameStep(was?.steps[i], step));
  const approved = patch.approvedPercent ?? (patch.steps === undefined ? was?.approved_percent : undefined);
  const gate = gateOf(was?.gate, patch.gate);
  if (approved !== undefined && !steps.some(step => step.approval === 'required'))
    if (patch.approvedPercent !== undefined)
      return {
        ok: false,
        code: 'no_approval',
        message: 'no step of the ramp waits for an approval',
        hint: 'mark one: ota ramp --steps 1:4h,50:24h:approval,100',
      };
  return {
    ok: true,
    ramp: {
      ...(start !== undefined && { start }),
      steps,
      ...(approved !== undefined && { approved_percent: approved }),
      ...(gate !== undefined && { gate }),
    },
  };
}

function gateOf(was: WireGate | undefined, patch: RampPatch['gate']): YamlMap | undefined {
  if (patch === 'off') return undefined;
  const all = patch === undefined ? was : { ...was, ...patch };
  return all && Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}

/** A hold of unchanged length keeps its spelling. */
function sameStep(was: WireStep | undefined, step: WireStep): WireStep {
  const same =
    was !== undefined &&
    was.percent === step.percent &&
    was.approval === step.approval &&
    parseDuration(was.hold ?? '') === parseDuration(step.hold ?? '');
  return same ? was : step;
}

/** `1, 10, 50 and 100 %` */
export function stepsText(steps: readonly Pick<WireStep, 'percent'>[]): string {
  const percents = steps.map(step => String(step.percent));
  return `${[percents.slice(0, -1).join(', '), percents.at(-1)].filter(text => text !== '').join(' and ')} %`;
}

function titleOf(current: string, patch: RampPatch, ramp: Made['ramp']): string {
  const parts = [
    patch.steps === undefined ? undefined : `steps ${stepsText(ramp.steps)}`,
    patch.start === undefined
      ? undefined
      : patch.start === 'now'
        ? 'start with the merge'
        : `start ${patch.start.text}`,
    patch.gate === undefined ? undefined : patch.gate === 'off' ? 'no gate' : 'gate',
    patch.approvedPercent === undefined ? undefined : `approved up to ${patch.approvedPercent} %`,
  ].filter(part => part !== undefined);
  return `change the ramp of ${current}: ${parts.join(', ')}`;
}
