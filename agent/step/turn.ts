/** How transitions are put together: each is a function from a state to the next state and its effects. */
import type { Effect, Step, TimerName } from '../effect.ts';
import type { AgentEvent } from '../event.ts';
import type { Moment } from '../fact.ts';
import type { AgentState, Ask, Attempt, Phase } from '../state.ts';

export const stay = (state: AgentState, ...effects: Effect[]): Step => ({ state, effects });

/** Goes on from where `step` arrived. */
export function then(step: Step, next: (state: AgentState) => Step): Step {
  const after = next(step.state);
  return { state: after.state, effects: [...step.effects, ...after.effects] };
}

export const emit = (event: AgentEvent): Effect => ({ type: 'emit', event });

/** Enters a phase; effects of the one before are from now on of an older epoch. */
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

/** One trigger is remembered: a nudge before a poll, the newest nudge before older ones. */
export const coalesce = (pending: Ask | undefined, ask: Ask): Ask =>
  pending?.trigger === 'nudge' && ask.trigger !== 'nudge' ? pending : ask;

/** Asks the controller; a waiting attempt comes along and keeps its name. */
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

/** Nothing under way: takes up what waited, else rests until the next trigger. */
export function rest(state: AgentState): Step {
  if (state.pending !== undefined) return beginCheck(state, state.pending, undefined);
  return enter(state, { name: 'idle' });
}

export const timed = (attempt: Attempt, name: string, ms: number): Attempt => ({
  ...attempt,
  timingsMs: { ...attempt.timingsMs, [name]: Math.round(ms) },
});
