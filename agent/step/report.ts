/** Ends an attempt and reports it exactly once, even if the process is killed (SPEC §5, §9). */
import { HOUR_MS } from '../../controller/domain/duration.ts';
import type { Outcome, ResultReason } from '../../controller/domain/outcome.ts';
import { fullJitterMs, retryAfterDelayMs } from '../backoff.ts';
import type { Step } from '../effect.ts';
import type { Fact, Moment } from '../fact.ts';
import { addFailure, clearFailures } from '../penalty.ts';
import type { AgentReport, AgentState, Attempt } from '../state.ts';
import { andThen, emit, enter, rest, stay, timer } from './turn.ts';

const MAX_UNSENT = 16;
/** After this many failures the attempt ends without waiting: a controller that rejects reports can still send updates. */
const TRIES_BEFORE_PARKING = 5;
const RETRY_BASE_MS = 5_000;
const RETRY_CAP_MS = HOUR_MS;

/** Reasons after which the partial file is kept for the next attempt; otherwise it is deleted. */
const KEEPS_FILE: ReadonlySet<ResultReason> = new Set<ResultReason>([
  'download_failed',
  'download_truncated',
  'timeout',
]);

export interface Ending {
  readonly outcome: Outcome;
  readonly reason: ResultReason;
  readonly detail?: string | undefined;
  readonly versionCode?: number | undefined;
}

/** Ends the attempt: queues its result, removes its file, and counts a failure against the build. */
export function endAttempt(state: AgentState, attempt: Attempt, ending: Ending, at: Moment): Step {
  const { offer, requestId } = attempt;
  const { buildId } = offer;
  const { outcome, reason } = ending;
  const penalties =
    outcome === 'fail'
      ? addFailure(state.penalties, buildId, at.atMs)
      : outcome === 'ok'
        ? clearFailures(state.penalties, buildId)
        : state.penalties;
  const ended = enter({ ...state, penalties }, { name: 'reporting', requestId }, () => [
    { type: 'abort' },
    { type: 'discard', keep: KEEPS_FILE.has(reason) ? offer.sha256 : undefined },
    emit({ type: 'ota.attempt.end', requestId, buildId, outcome, reason }),
  ]);
  return andThen(ended, s =>
    queueReport(s, {
      requestId,
      buildId,
      outcome,
      reason,
      detail: ending.detail,
      versionCode: ending.versionCode ?? attempt.fromVersionCode,
      timingsMs: attempt.timingsMs,
    }),
  );
}

/** In a full queue a final report replaces a deferred one, or else the oldest. */
export function queueReport(state: AgentState, report: AgentReport): Step {
  let unsent = [...state.unsent, report];
  if (unsent.length > MAX_UNSENT) {
    const drop = Math.max(
      0,
      unsent.findIndex(r => r.outcome === 'deferred'),
    );
    unsent = unsent.filter((_, index) => index !== drop);
  }
  const queued = { ...state, unsent };
  return state.reportTries > 0 ? stay(queued) : sendNext(queued);
}

/** Sends the oldest report if there is one and none is being sent. */
export function sendNext(state: AgentState): Step {
  const [report] = state.unsent;
  if (report === undefined || state.reportInFlight) return stay(state);
  return stay({ ...state, reportInFlight: true }, { type: 'report', report });
}

export function onReported(state: AgentState, fact: Extract<Fact, { type: 'reported' }>): Step {
  const [head] = state.unsent;
  const landed = { ...state, reportInFlight: false };
  if (head === undefined || head.requestId !== fact.requestId || head.outcome !== fact.outcome)
    return sendNext(landed);
  const { result } = fact;
  const { requestId, buildId, outcome, reason } = head;
  const said = emit({
    type: 'ota.report',
    requestId,
    buildId,
    outcome,
    reason,
    result: result.kind,
    detail: result.kind === 'accepted' ? '' : result.detail,
  });
  if (result.kind !== 'failed') {
    const step = stay({ ...landed, unsent: state.unsent.slice(1), reportTries: 0 }, said);
    return andThen(andThen(step, sendNext), leaveReporting);
  }
  const reportTries = state.reportTries + 1;
  const waitMs =
    result.retryAfterMs === undefined
      ? fullJitterMs(reportTries, RETRY_BASE_MS, RETRY_CAP_MS, fact.at.random)
      : retryAfterDelayMs(result.retryAfterMs, fact.at.random);
  const waiting = { ...landed, reportTries };
  return andThen(stay(waiting, said, timer(waiting, 'report', waitMs)), leaveReporting);
}

function leaveReporting(state: AgentState): Step {
  if (state.phase.name !== 'reporting') return stay(state);
  return state.unsent.length === 0 || state.reportTries >= TRIES_BEFORE_PARKING ? rest(state) : stay(state);
}
