/** For each row of the black-box state table an agent that differs there: ours, with one fact of one state turned. */
import { type Happening, STATE_ROWS, type StateRow } from '../../../agent/conform/agent/state-rows.ts';
import type { Fact } from '../../../agent/fact.ts';
import { newState, type PhaseName } from '../../../agent/state.ts';
import type { Wrong } from './own-agent.ts';

const instead = (turn: (fact: Fact, phase: PhaseName) => Fact | undefined): Wrong => ({
  step: right => (state, fact) => {
    const turned = turn(fact, state.phase.name);
    return turned === undefined ? { state, effects: [] } : right(state, turned);
  },
});

const ignores = (phase: PhaseName, type: Fact['type']): Wrong =>
  instead((fact, now) => (now === phase && fact.type === type ? undefined : fact));

/** Begins as if nothing had been written down, or not at all. */
const forgets = (phase: PhaseName): Wrong => ({
  step: right => (state, fact) => {
    if (fact.type !== 'started' || state.deviceId === '' || state.epoch === 0) return right(state, fact);
    return phase === 'idle' ? { state, effects: [] } : right({ ...newState(state.deviceId), epoch: 1 }, fact);
  },
});

const comesBackAtOnce: Wrong = {
  step: right => (state, fact) => {
    const step = right(state, fact);
    return { ...step, effects: step.effects.map(e => (e.type === 'timer' ? { ...e, inMs: 1_000 } : e)) };
  },
};

/** Answers a poll as if a nudge had asked. */
const answersPolls: Wrong = {
  step: right => (state, fact) => {
    const { phase } = state;
    if (phase.name !== 'checking' || fact.type !== 'checked') return right(state, fact);
    return right({ ...state, phase: { ...phase, ask: { ...phase.ask, nudgedBuildId: 'b42' } } }, fact);
  },
};

const sendsAgain = instead(fact =>
  fact.type === 'reported' && fact.result.kind !== 'failed'
    ? { ...fact, result: { kind: 'failed', detail: '', retryAfterMs: undefined } }
    : fact,
);

/** Lets go of a download for whatever comes. */
const letsGo: Wrong = {
  step: right => (state, fact) =>
    state.phase.name === 'downloading' && ['asked', 'nudged', 'observed'].includes(fact.type)
      ? right({ ...state, phase: { name: 'idle' } }, { type: 'asked', at: fact.at, trigger: 'manual' })
      : right(state, fact),
};

const asksAtChanges = instead(fact =>
  fact.type === 'conditions_changed' ? { type: 'asked', at: fact.at, trigger: 'manual' } : fact,
);

const factOf = (state: PhaseName, happening: Happening): Fact['type'] => {
  if ('command' in happening) return happening.command === 'poll' ? 'asked' : 'nudged';
  if ('conditions' in happening) return 'observed';
  const answered = { downloading: 'downloaded', reporting: 'reported' } as const;
  return state === 'downloading' || state === 'reporting' ? answered[state] : 'checked';
};

const tellsAgain: Wrong = {
  step: right => (state, fact) => {
    const { phase } = state;
    if (phase.name !== 'checking' || phase.attempt === undefined) return right(state, fact);
    return right({ ...state, phase: { ...phase, attempt: { ...phase.attempt, toldReasons: [] } } }, fact);
  },
};

/** What an agent does that does too much: rows after which nothing follows, and one where nothing more does. */
const TOO_MUCH: Readonly<Record<string, Wrong>> = {
  deferred_poll_and_the_same: tellsAgain,
  idle_conditions_change: asksAtChanges,
  checking_hold: answersPolls,
  checking_outside_its_bucket: answersPolls,
  checking_come_back_in_an_hour: comesBackAtOnce,
  checking_rate_limited: comesBackAtOnce,
  downloading_busy: comesBackAtOnce,
  downloading_rate_limited: comesBackAtOnce,
  downloading_call_begins: letsGo,
  downloading_poll: letsGo,
  downloading_nudge: letsGo,
  confirming_come_back_in_an_hour: comesBackAtOnce,
  reporting_taken: sendsAgain,
  reporting_never_to_be_taken: sendsAgain,
  reporting_malformed_to_them: sendsAgain,
  reporting_come_back_in_an_hour: comesBackAtOnce,
};

export function differingIn({ name, state, happens, follows }: StateRow): Wrong {
  const last = happens.at(-1);
  if (last === undefined) throw new Error(`${name}: nothing happens`);
  if ('kill' in last) return forgets(state);
  const wrong = TOO_MUCH[name];
  if (wrong === undefined && follows.length > 0) {
    // A trigger took the waiting attempt along to a check of its own.
    const phase = state === 'deferred' && 'answer' in last ? 'checking' : state;
    return ignores(phase, factOf(state, last));
  }
  if (wrong === undefined)
    throw new Error(`${name}: nothing follows, so an agent that does too much must be given`);
  return wrong;
}

export const WRONG_IN_STATES: Readonly<Record<string, Wrong>> = Object.fromEntries(
  STATE_ROWS.map(row => [`differs_${row.name}`, differingIn(row)]),
);
