/** What follows a finished download: verification, a retry, or a report (SPEC §9). */
import type { ResultReason } from '../../controller/domain/outcome.ts';
import { fullJitterMs, retryAfterDelayMs } from '../backoff.ts';
import type { Effect, Step } from '../effect.ts';
import type { DownloadResult, Moment } from '../fact.ts';
import type { AgentState, Attempt } from '../state.ts';
import { endAttempt } from './report.ts';
import { andThen, emit, stay, timed, timer } from './turn.ts';
import { MAX_DOWNLOAD_TRIES, verify } from './verify.ts';

/** 5, 10, 20, 40 s at most: four pauses need no cap. */
const RETRY_BASE_MS = 5_000;
const BUSY_WAIT_MS = 30_000;

interface Failure {
  readonly reason: ResultReason;
  readonly detail: string;
  readonly retryAfterMs?: number | undefined;
}

export function onDownloaded(state: AgentState, attempt: Attempt, result: DownloadResult, at: Moment): Step {
  switch (result.kind) {
    case 'done':
      return onDone(state, attempt, result.bytes, result.ms);
    case 'busy':
      return onBusy(state, attempt, result, at);
    case 'broken':
      return onDownloadBroken(state, attempt, result, at);
    case 'refused':
      return onRefused(state, attempt, result, at);
    case 'gone': {
      const gone = { reason: 'offer_gone', detail: result.detail } as const;
      return andThen(stay(state, failed(attempt, gone, true)), s =>
        endAttempt(s, attempt, { outcome: 'skipped', ...gone }, at),
      );
    }
  }
}

function onDone(state: AgentState, attempt: Attempt, bytes: number, spentMs: number): Step {
  const { requestId, offer } = attempt;
  const { buildId } = offer;
  const said = emit({ type: 'ota.download.ok', requestId, buildId, bytes, ms: Math.round(spentMs) });
  return andThen(stay(state, said), s => verify(s, timed(attempt, 'download', spentMs)));
}

/** The server is busy; this never counts as a failure. */
function onBusy(
  state: AgentState,
  attempt: Attempt,
  { status, retryAfterMs }: Extract<DownloadResult, { kind: 'busy' }>,
  at: Moment,
): Step {
  const { requestId, offer } = attempt;
  const retryInMs = retryAfterDelayMs(retryAfterMs ?? BUSY_WAIT_MS, at.random);
  const said = emit({ type: 'ota.download.wait', requestId, buildId: offer.buildId, retryInMs, status });
  return stay(state, said, timer(state, 'retry', retryInMs));
}

/** Retries a broken download, up to five attempts in total. */
export function onDownloadBroken(state: AgentState, attempt: Attempt, failure: Failure, at: Moment): Step {
  const tried = { ...attempt, downloadTries: attempt.downloadTries + 1 };
  if (tried.downloadTries >= MAX_DOWNLOAD_TRIES) return onRefused(state, attempt, failure, at);
  const waitMs =
    failure.retryAfterMs === undefined
      ? fullJitterMs(tried.downloadTries, RETRY_BASE_MS, Number.POSITIVE_INFINITY, at.random)
      : retryAfterDelayMs(failure.retryAfterMs, at.random);
  const waiting: AgentState = { ...state, phase: { name: 'downloading', attempt: tried } };
  return stay(waiting, failed(attempt, failure, false), timer(waiting, 'retry', waitMs));
}

function onRefused(state: AgentState, attempt: Attempt, failure: Failure, at: Moment): Step {
  const { reason, detail } = failure;
  return andThen(stay(state, failed(attempt, failure, true)), s =>
    endAttempt(s, attempt, { outcome: 'fail', reason, detail }, at),
  );
}

function failed({ requestId, offer }: Attempt, { reason, detail }: Failure, final: boolean): Effect {
  return emit({ type: 'ota.download.fail', requestId, buildId: offer.buildId, reason, detail, final });
}
