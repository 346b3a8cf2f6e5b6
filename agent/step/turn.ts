/** Building blocks of transitions: functions from a state to the next state and its effects. */
import type { Effect, Step, TimerName } from '../effect.ts';
import type { AgentEvent } from '../event.ts';
import type { Moment } from '../fact.ts';
import type { AgentState, Ask, Attempt, Phase } from '../state.ts';

export const stay = (state: AgentState, ...effects: Effect[]): Step => ({ state, effects });

/** Continues from the state of `step` and joins the effects. */
export function andThen(step: Step, next: (state: AgentState) => Step): Step {
  const after = next(step.state);
  return { state: after.state, effects: [...step.effects, ...after.effects] };
}

export const emit = (event: AgentEvent): Effect => ({ type: 'emit', event });

/** Enters a phase and starts a new epoch, so results of earlier effects are ignored. */
export function enter(
  state: AgentState,
  phase: Phase,
  effects: (epoch: number) => Effect[] = () => [],
): Step {
  const epoch = state.epoch + 1;
  return { state: { ...state, epoch, phase }, effects: effects(epoch) };
}

export const timer = (state: AgentState, name: TimerName, inMs: number): Effect => ({
  type: 'timer',
  name,
  inMs,
  epoch: state.epoch,
});

export const newAsk = (at: Moment, trigger: Ask['trigger']): Ask => ({
  requestId: at.uuid,
  trigger,
  nudgedBuildId: undefined,
});

/** Keeps one pending trigger: a nudge wins over a poll, the newest nudge over older ones. */
export const coalesce = (pending: Ask | undefined, ask: Ask): Ask =>
  pending?.trigger === 'nudge' && ask.trigger !== 'nudge' ? pending : ask;

/** Asks the controller; a waiting attempt keeps its request id. */
export function beginCheck(state: AgentState, ask: Ask, attempt: Attempt | undefined): Step {
  const named = attempt === undefined ? ask : { ...ask, requestId: attempt.requestId };
  const hold = state.hold;
  const etag =
    attempt === undefined && hold !== undefined
      ? { value: hold.etag, versionCode: hold.versionCode }
      : undefined;
  return enter({ ...state, pending: undefined }, { name: 'checking', ask: named, attempt }, epoch => [
    { type: 'abort' },
    emit({ type: 'ota.check', requestId: named.requestId, trigger: named.trigger }),
    { type: 'check', epoch, ask: named, etag },
  ]);
}

/** Handles the pending trigger, or else goes idle. */
export function rest(state: AgentState): Step {
  if (state.pending !== undefined) return beginCheck(state, state.pending, undefined);
  return enter(state, { name: 'idle' });
}

export const timed = (attempt: Attempt, name: string, ms: number): Attempt => ({
  ...attempt,
  timingsMs: { ...attempt.timingsMs, [name]: Math.round(ms) },
});
