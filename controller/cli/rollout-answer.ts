/** Asks the controller for the rollout in force: the progress of a ramp, its halts, and how often devices check in. */
import { Fault } from '../domain/fault.ts';
import type { Halt } from '../domain/halt.ts';
import { carryOver, continuesRamp, type Ramped, type RampProgress, rampOf } from '../domain/ramp/progress.ts';
import type { DesiredState } from '../domain/release.ts';
import { controllerClient } from './client.ts';
import type { Io } from './io.ts';
import type { HaltOnWire, RampOnWire, RolloutOnWire } from './rollout-wire.ts';

export type RolloutAnswer =
  | { readonly kind: 'known'; readonly view: RolloutOnWire }
  /** `why` completes "not known: …". */
  | { readonly kind: 'unknown'; readonly why: string };

/** If the controller cannot be asked, the answer is `unknown`; nothing fails. */
export async function askRollout(io: Pick<Io, 'controller'>, offline: boolean): Promise<RolloutAnswer> {
  if (offline) return { kind: 'unknown', why: '--offline' };
  if (io.controller.token === undefined) return { kind: 'unknown', why: 'OTA_ADMIN_TOKEN is not set' };
  try {
    const { json } = await controllerClient(io).call({ path: '/v1/rollout' });
    return { kind: 'known', view: json as RolloutOnWire };
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    return { kind: 'unknown', why: error.message.split('\n')[0] ?? error.code };
  }
}

interface RampStatus {
  readonly progress: RampProgress | undefined;
  readonly halts: readonly Halt[] | undefined;
  /** Why the progress of the ramp is not known; undefined if it is known or there is no ramp. */
  readonly unknown: string | undefined;
}

/** Applies the controller's answer to a merged state, if that has the same ramp or continues it. */
export function rampStatusOf({ rollout }: DesiredState, answer: RolloutAnswer, nowMs: number): RampStatus {
  const isRamp = rampOf(rollout) !== undefined && !rollout.rollback;
  const not = (why: string): RampStatus => ({
    progress: undefined,
    halts: undefined,
    unknown: isRamp ? why : undefined,
  });
  if (answer.kind === 'unknown') return not(answer.why);
  const { rollout: applied, exposure } = answer.view;
  if (applied === null || exposure === null) return not('the controller has applied no revision yet');
  if (applied.current !== rollout.current) return not(`current is ${applied.current} on the controller`);
  const halts = exposure.halts.map(haltOf);
  if (!isRamp) return { progress: undefined, halts, unknown: undefined };
  const before = {
    rollout: rampedOf(applied),
    progress: exposure.ramp === null ? undefined : progressOf(exposure.ramp),
  };
  if (before.progress === undefined || !continuesRamp(before.rollout, rollout))
    return { ...not('the controller has another ramp in force'), halts };
  return { progress: carryOver(before, rollout, nowMs), halts, unknown: undefined };
}

const msOf = (time: string | null): number | undefined => (time === null ? undefined : Date.parse(time));

const rampedOf = (applied: NonNullable<RolloutOnWire['rollout']>): Ramped => ({
  current: applied.current,
  rollback: applied.rollback,
  exposure:
    applied.ramp === null
      ? { kind: 'percent', percent: applied.rollout_percent ?? 0 }
      : {
          kind: 'ramp',
          ramp: {
            startMs: msOf(applied.ramp.start),
            steps: applied.ramp.steps.map(({ percent, hold_s }) => ({
              percent,
              holdMs: hold_s === null ? undefined : hold_s * 1000,
            })),
          },
        },
});

function progressOf(ramp: RampOnWire): RampProgress {
  const beginsAtMs = msOf(ramp.begins_at) ?? 0;
  return {
    rampId: ramp.ramp_id,
    beginsAtMs,
    step: ramp.step - 1,
    enteredAtMs: msOf(ramp.entered_at) ?? beginsAtMs,
    exposureMs: ramp.exposure_s * 1000,
    servedMs: 0,
    judgement: undefined,
  };
}

const haltOf = (halt: HaltOnWire): Halt => ({
  id: halt.id,
  buildId: halt.build_id,
  kind: halt.kind,
  mode: halt.mode,
  atMs: msOf(halt.at) ?? 0,
  by: halt.by,
  reason: halt.reason,
  declared: halt.declared,
});
