/**
 * The agent's state machine (SPEC §9): pure. A fact changes the state and returns effects; nothing here reads a clock,
 * draws random numbers or does I/O. The runner makes each new state durable before it performs the effects.
 *
 * idle → checking → deferred | downloading → verifying → confirming → installing → reporting → idle
 */
import { NUDGE_MAX_AHEAD_MS, NUDGE_REPLAY_WINDOW_MS } from '../controller/domain/nudge/message.ts';
import type { Step } from './effect.ts';
import type { Fact } from './fact.ts';
import type { AgentState, Ask } from './state.ts';
import { onChecked, onCheckFailed } from './step/answer.ts';
import { onDownloadBroken, onDownloaded } from './step/download.ts';
import { confirm, onConfirmed, onConfirmFailed, onInstalled } from './step/install.ts';
import { proceed } from './step/offer.ts';
import { onRenewAsked, onRenewalDue, onRenewed, renewIfFree } from './step/renewal.ts';
import { onReported, sendNext } from './step/report.ts';
import { onStarted } from './step/start.ts';
import { andThen, beginCheck, coalesce, emit, newAsk, stay, timer } from './step/turn.ts';
import { onVerified, verifyBroke } from './step/verify.ts';
import { lookAgain, lookLater, OBSERVE_EVERY_MS, waitsOf } from './step/wait.ts';

/** Applies a fact to the state. Facts of an older epoch are ignored. */
export function step(state: AgentState, fact: Fact): Step {
  if ('epoch' in fact && fact.epoch !== state.epoch) return stay(state);
  return andThen(judge(state, fact), renewIfFree);
}

function judge(state: AgentState, fact: Fact): Step {
  switch (fact.type) {
    case 'started':
      return onStarted(state, fact);
    case 'asked':
      return trigger(state, newAsk(fact.at, fact.trigger));
    case 'nudged':
      return onNudged(state, fact);
    case 'nudge_refused':
      return stay(state, emit({ type: 'ota.nudge.ignored', code: fact.code }));
    case 'conditions_changed':
      return state.phase.name === 'deferred' || state.phase.name === 'downloading'
        ? stay(state, { type: 'observe' })
        : stay(state);
    case 'report_due':
      return sendNext(state);
    case 'reported':
      return onReported(state, fact);
    case 'renewal_due':
      return onRenewalDue(state);
    case 'renewed':
      return onRenewed(state, fact.result);
    case 'corrected':
      return stay(
        { ...state, clockOffsetMs: fact.clockOffsetMs },
        emit({ type: 'ota.clock.corrected', offsetMs: fact.clockOffsetMs }),
      );
    case 'push_registered':
      return stay({ ...state, pushTokenSha256: fact.sha256 }, emit({ type: 'ota.push.registered' }));
    default:
      return inPhase(state, fact);
  }
}

/** Facts that matter only in a certain phase. */
function inPhase(state: AgentState, fact: Fact): Step {
  const { phase } = state;
  if (fact.type === 'broke') return onBroke(state, fact);
  if (fact.type === 'retry_due') return onRetryDue(state);
  if (fact.type === 'observed') return onObserved(state, fact);
  if (fact.type === 'checked') return onAnswered(state, fact);
  if (phase.name === 'downloading' && fact.type === 'downloaded')
    return onDownloaded(state, phase.attempt, fact.result, fact.at);
  if (phase.name === 'verifying' && fact.type === 'verified')
    return onVerified(state, phase.attempt, fact.result, fact.at);
  if (phase.name === 'installing' && fact.type === 'installed')
    return onInstalled(state, phase.attempt, fact);
  return stay(state);
}

function onAnswered(state: AgentState, fact: Extract<Fact, { type: 'checked' }>): Step {
  const { phase } = state;
  const asked = fact.renewToken ? onRenewAsked(state, fact.at) : stay(state);
  return andThen(asked, s => {
    if (phase.name === 'checking') return onChecked(s, phase.ask, phase.attempt, fact, fact.at);
    if (phase.name === 'confirming') return onConfirmed(s, phase.attempt, phase.tries, fact, fact.at);
    return stay(s);
  });
}

function trigger(state: AgentState, ask: Ask): Step {
  const { phase } = state;
  const merged = coalesce(state.pending, ask);
  if (phase.name === 'idle') return beginCheck(state, merged, undefined);
  if (phase.name === 'deferred') return beginCheck(state, merged, phase.attempt);
  return stay({ ...state, pending: merged });
}

function onNudged(state: AgentState, fact: Extract<Fact, { type: 'nudged' }>): Step {
  const { requestId, buildId, at } = fact;
  // A message may be issued up to five minutes in the future, and then stays fresh that much longer.
  const keptMs = NUDGE_REPLAY_WINDOW_MS + NUDGE_MAX_AHEAD_MS;
  const kept = state.seenNudges.filter(n => Math.abs(at.atMs - n.atMs) <= keptMs);
  const seen = { ...state, seenNudges: [...kept, { requestId, atMs: at.atMs }] };
  const ask: Ask = { requestId, trigger: 'nudge', nudgedBuildId: buildId };
  return andThen(stay(seen, emit({ type: 'ota.nudge', requestId, buildId })), s => trigger(s, ask));
}

function onRetryDue(state: AgentState): Step {
  const { phase } = state;
  if (phase.name === 'deferred')
    return stay(state, { type: 'observe' }, timer(state, 'retry', OBSERVE_EVERY_MS));
  if (phase.name === 'downloading') return lookAgain(state, phase.attempt);
  if (phase.name === 'confirming') return confirm(state, phase.attempt, phase.tries);
  return stay(state);
}

function onObserved(
  state: AgentState,
  { conditions, installed, at }: Extract<Fact, { type: 'observed' }>,
): Step {
  const { phase } = state;
  if (phase.name === 'deferred') return proceed(state, phase.attempt, conditions, installed, at);
  // A running download stops only for network reasons; the other conditions are checked again before the install.
  if (
    phase.name === 'downloading' &&
    waitsOf(state, phase.attempt, conditions, installed, at).some(wait => wait.reason === 'wifi')
  )
    return proceed(state, phase.attempt, conditions, installed, at);
  return stay(state);
}

function onBroke(state: AgentState, fact: Extract<Fact, { type: 'broke' }>): Step {
  const { phase } = state;
  const { code, at } = fact;
  const said = stay(state, emit({ type: 'ota.internal', code, message: fact.message }));
  const failed = { kind: 'failed', code, retryAfterMs: undefined } as const;
  return andThen(said, s => {
    switch (phase.name) {
      case 'checking':
        return onCheckFailed(s, phase.ask, phase.attempt, failed, at);
      case 'confirming':
        return onConfirmFailed(s, phase.attempt, phase.tries, failed, at);
      case 'downloading':
        return onDownloadBroken(s, phase.attempt, { reason: 'internal', detail: code }, at);
      case 'verifying':
        return verifyBroke(s, phase.attempt, code, at);
      case 'installing':
        return lookLater(s, phase.attempt);
      default:
        return stay(s);
    }
  });
}
