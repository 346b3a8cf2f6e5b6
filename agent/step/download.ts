/** How a download that has ended goes on: to verification, to another try, or to a report. */
import { fullJitterMs, retryAfterDelayMs } from '../backoff.ts';
import type { Step } from '../effect.ts';
import type { DownloadResult, Moment } from '../fact.ts';
import type { AgentState, Attempt } from '../state.ts';
import { endAttempt } from './report.ts';
import { emit, stay, then, timed, timer } from './turn.ts';
import { MAX_DOWNLOAD_TRIES, verify } from './verify.ts';

const DOWNLOAD_RETRY_BASE_MS = 5_000;
const DOWNLOAD_RETRY_CAP_MS = 5 * 60_000;
const BUSY_WAIT_MS = 30_000;

export function onDownloaded(state: AgentState, attempt: Attempt, result: DownloadResult, at: Moment): Step {
  const { requestId, offer } = attempt;
  const { buildId } = offer;
  if (result.kind === 'done') {
    const next = timed(attempt, 'download', result.ms);
    const said = emit({
      type: 'ota.download.ok',
      requestId,
      buildId,
      bytes: result.bytes,
      ms: Math.round(result.ms),
    });
    return then(stay(state, said), s => verify(s, next));
  }
  if (result.kind === 'busy') {
    const retryInMs = retryAfterDelayMs(result.retryAfterMs ?? BUSY_WAIT_MS, at.random);
    return stay(
      state,
      emit({ type: 'ota.download.wait', requestId, buildId, retryInMs, status: result.status }),
      timer(state, 'retry', retryInMs),
    );
  }
  const failed = (reason: Parameters<typeof downloadFail>[1], final: boolean) =>
    downloadFail(attempt, reason, result.detail, final);
  if (result.kind === 'gone')
    return then(stay(state, failed('offer_gone', true)), s =>
      endAttempt(s, attempt, { outcome: 'skipped', reason: 'offer_gone', detail: result.detail }, at),
    );
  const tries = attempt.downloadTries + 1;
  const final = result.kind === 'refused' || tries >= MAX_DOWNLOAD_TRIES;
  const { reason, detail } = result;
  if (final)
    return then(stay(state, failed(reason, true)), s =>
      endAttempt(s, attempt, { outcome: 'fail', reason, detail }, at),
    );
  const waitMs =
    result.retryAfterMs === undefined
      ? fullJitterMs(tries, DOWNLOAD_RETRY_BASE_MS, DOWNLOAD_RETRY_CAP_MS, at.random)
      : retryAfterDelayMs(result.retryAfterMs, at.random);
  const waiting: AgentState = {
    ...state,
    phase: { name: 'downloading', attempt: { ...attempt, downloadTries: tries } },
  };
  return stay(waiting, failed(reason, false), timer(waiting, 'retry', waitMs));
}

const downloadFail = (
  attempt: Attempt,
  reason: Extract<DownloadResult, { reason: unknown }>['reason'],
  detail: string,
  final: boolean,
) =>
  emit({
    type: 'ota.download.fail',
    requestId: attempt.requestId,
    buildId: attempt.offer.buildId,
    reason,
    detail,
    final,
  });
