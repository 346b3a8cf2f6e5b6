/** Confirmation and install: each leads to the next phase, a wait, or a report (SPEC §9). */
import { MINUTE_MS } from '../../controller/domain/duration.ts';
import { fullJitterMs, retryAfterDelayMs } from '../backoff.ts';
import type { Step } from '../effect.ts';
import type { CheckAnswer, Checked, Fact, Moment } from '../fact.ts';
import { reasonForInstallCode } from '../install-codes.ts';
import { sameApk } from '../offer.ts';
import { addFailure } from '../penalty.ts';
import { type Installed, UNKNOWN_CONDITIONS } from '../readings.ts';
import type { AgentState, Attempt } from '../state.ts';
import { ineligible, installedItself } from './eligible.ts';
import { endAttempt } from './report.ts';
import { andThen, emit, enter, newAsk, stay, timed, timer } from './turn.ts';
import { defer, waitsOf } from './wait.ts';

const CONFIRM_RETRY_BASE_MS = 5_000;
const CONFIRM_RETRY_CAP_MS = 15 * MINUTE_MS;
/** After this many interrupted installs the attempt fails. */
export const MAX_INSTALL_TRIES = 3;

/** Asks again whether the offer is still valid: a rollback during the download must win. */
export const confirm = (state: AgentState, attempt: Attempt, tries: number): Step =>
  enter(state, { name: 'confirming', attempt, tries }, epoch => [
    {
      type: 'check',
      epoch,
      ask: { requestId: attempt.requestId, trigger: attempt.trigger, nudgedBuildId: undefined },
      etag: undefined,
    },
  ]);

export function onConfirmed(
  state: AgentState,
  attempt: Attempt,
  tries: number,
  checked: Checked,
  at: Moment,
): Step {
  const { answer, installed } = checked;
  const { versionCode } = installed;
  if (answer.kind === 'failed') return onConfirmFailed(state, attempt, tries, answer, at);
  if (installedItself(attempt, versionCode)) return succeed(state, attempt, installed, 0, at);
  if (answer.kind === 'hold')
    return endAttempt(
      state,
      attempt,
      { outcome: 'skipped', reason: 'offer_gone', detail: answer.reason, versionCode },
      at,
    );
  if (answer.kind === 'invalid') {
    const { reason, detail } = answer;
    const said = emit({
      type: 'ota.verify.fail',
      requestId: attempt.requestId,
      buildId: attempt.offer.buildId,
      reason,
      detail,
    });
    return andThen(stay(state, said), s =>
      endAttempt(s, attempt, { outcome: 'fail', reason, detail, versionCode }, at),
    );
  }
  const { offer } = answer;
  if (!sameApk(attempt.offer, offer)) {
    // Counted as a failure of the build; otherwise two alternating answers would cause endless downloads.
    const penalties = addFailure(state.penalties, attempt.offer.buildId, at.atMs);
    const again = { ...state, penalties, pending: state.pending ?? newAsk(at, attempt.trigger) };
    return endAttempt(again, attempt, { outcome: 'skipped', reason: 'superseded', versionCode }, at);
  }
  const why = ineligible(state, offer, versionCode);
  if (why !== undefined)
    return endAttempt(state, attempt, { outcome: 'skipped', reason: why, versionCode }, at);
  return install(state, { ...attempt, offer, checkedAtMs: at.atMs }, checked, at);
}

/** No answer: installs nothing and asks again after a growing pause. */
export function onConfirmFailed(
  state: AgentState,
  attempt: Attempt,
  tries: number,
  answer: Extract<CheckAnswer, { kind: 'failed' }>,
  at: Moment,
): Step {
  const waitMs =
    answer.retryAfterMs === undefined
      ? fullJitterMs(tries + 1, CONFIRM_RETRY_BASE_MS, CONFIRM_RETRY_CAP_MS, at.random)
      : retryAfterDelayMs(answer.retryAfterMs, at.random);
  const waiting: AgentState = { ...state, phase: { name: 'confirming', attempt, tries: tries + 1 } };
  const said = emit({
    type: 'ota.check.fail',
    requestId: attempt.requestId,
    code: answer.code,
    retryInMs: waitMs,
  });
  return stay(waiting, said, timer(waiting, 'retry', waitMs));
}

/** The conditions are checked right before the install. */
function install(state: AgentState, attempt: Attempt, checked: Checked, at: Moment): Step {
  const waits = waitsOf(state, attempt, checked.conditions ?? UNKNOWN_CONDITIONS, checked.installed, at);
  if (waits.length > 0) return defer(state, attempt, waits);
  const { requestId, offer } = attempt;
  const counted = { ...attempt, installTries: attempt.installTries + 1 };
  const downgrade = offer.versionCode < checked.installed.versionCode;
  return enter(state, { name: 'installing', attempt: counted }, epoch => [
    emit({
      type: 'ota.install.start',
      requestId,
      buildId: offer.buildId,
      versionCode: offer.versionCode,
      downgrade,
    }),
    { type: 'install', epoch, attempt: counted },
  ]);
}

/** The running version decides, whatever the package manager said. */
export function onInstalled(
  state: AgentState,
  attempt: Attempt,
  fact: Extract<Fact, { type: 'installed' }>,
): Step {
  const { result, installed, at } = fact;
  if (installed.versionCode === attempt.offer.versionCode)
    return succeed(state, attempt, installed, fact.ms, at);
  const code = result.ok ? 'version_unchanged' : result.code;
  return installFailed(
    state,
    attempt,
    code,
    result.ok ? `still running ${installed.versionCode}` : result.detail,
    at,
  );
}

export function succeed(
  state: AgentState,
  attempt: Attempt,
  installed: Installed,
  ms: number,
  at: Moment,
): Step {
  const { requestId, offer } = attempt;
  const { buildId } = offer;
  const { versionCode } = installed;
  const running: AgentState = {
    ...state,
    installed: { buildId, versionCode },
    hold: undefined,
    firstSeen: undefined,
  };
  const said = emit({ type: 'ota.install.ok', requestId, buildId, versionCode, ms: Math.round(ms) });
  const done = ms > 0 ? timed(attempt, 'install', ms) : attempt;
  return andThen(stay(running, said), s =>
    endAttempt(s, done, { outcome: 'ok', reason: 'installed', versionCode }, at),
  );
}

export function installFailed(
  state: AgentState,
  attempt: Attempt,
  code: string,
  detail: string,
  at: Moment,
): Step {
  const { requestId, offer } = attempt;
  const reason = reasonForInstallCode(code);
  const told = `${code} ${detail}`.trim().slice(0, 200);
  const said = emit({ type: 'ota.install.fail', requestId, buildId: offer.buildId, reason, detail: told });
  return andThen(stay(state, said), s =>
    endAttempt(s, attempt, { outcome: 'fail', reason, detail: told }, at),
  );
}
