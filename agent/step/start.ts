/** A new process resumes the work of the last one if that is safe (SPEC §9). */
import { pollDelayMs } from '../backoff.ts';
import type { Step } from '../effect.ts';
import type { Fact } from '../fact.ts';
import type { Installed } from '../readings.ts';
import type { AgentState, Attempt } from '../state.ts';
import { installedItself } from './eligible.ts';
import { confirm, installFailed, MAX_INSTALL_TRIES, succeed } from './install.ts';
import { endAttempt, sendNext } from './report.ts';
import { andThen, beginCheck, emit, newAsk, stay, timer } from './turn.ts';
import { verify } from './verify.ts';
import { lookAgain } from './wait.ts';

export function onStarted(before: AgentState, fact: Extract<Fact, { type: 'started' }>): Step {
  const { at, installed } = fact;
  const state: AgentState = {
    ...before,
    reportInFlight: false,
    reportTries: 0,
    // The last process may or may not have renewed its token; if not, the next answer asks again.
    renewal: undefined,
    nudgeFloorMs: fact.state === 'lost' ? at.atMs : before.nudgeFloorMs,
  };
  const effects = [timer(state, 'poll', pollDelayMs(state.pace, at.random))];
  const recovered =
    fact.state === 'lost' || fact.state === 'recovered'
      ? [emit({ type: 'ota.state.recovered', from: fact.state === 'lost' ? 'nothing' : 'previous' })]
      : [];
  return andThen(andThen(stay(state, ...effects, ...recovered), sendNext), s => resume(s, installed, fact));
}

function resume(state: AgentState, installed: Installed, fact: Extract<Fact, { type: 'started' }>): Step {
  const { phase } = state;
  const { at } = fact;
  const ask = state.pending ?? newAsk(at, 'start');
  switch (phase.name) {
    case 'idle':
      return beginCheck(state, ask, undefined);
    case 'checking':
      return beginCheck(state, phase.ask, phase.attempt);
    case 'reporting':
      return state.unsent.length === 0 ? beginCheck(state, ask, undefined) : stay({ ...state, pending: ask });
    case 'deferred':
      return beginCheck(state, ask, phase.attempt);
    case 'downloading':
    case 'verifying':
    case 'confirming':
    case 'installing':
      return resumeAttempt(state, phase.name, phase.attempt, installed, fact);
  }
}

function resumeAttempt(
  state: AgentState,
  name: 'downloading' | 'verifying' | 'confirming' | 'installing',
  attempt: Attempt,
  installed: Installed,
  { at }: Extract<Fact, { type: 'started' }>,
): Step {
  if (installed.versionCode === attempt.offer.versionCode) {
    if (installedItself(attempt, installed.versionCode)) return succeed(state, attempt, installed, 0, at);
    return endAttempt(
      state,
      attempt,
      { outcome: 'skipped', reason: 'already_installed', versionCode: installed.versionCode },
      at,
    );
  }
  if (name === 'downloading') return lookAgain(state, attempt);
  if (name === 'confirming') return confirm(state, attempt, 0);
  if (name === 'installing' && attempt.installTries >= MAX_INSTALL_TRIES)
    return installFailed(state, attempt, 'interrupted', `${attempt.installTries} times`, at);
  return verify(state, attempt);
}
