/** How long to wait: pure, randomness passed in. */
import { MINUTE_MS } from '../controller/domain/duration.ts';

const POLL_INTERVAL_MS = 6 * 60 * MINUTE_MS;
const MIN_POLL_MS = MINUTE_MS;
const MAX_POLL_MS = 24 * 60 * MINUTE_MS;
const MAX_RETRY_AFTER_MS = 60 * MINUTE_MS;

/** Full jitter (uniform in 0…cap), so that a fleet that failed together does not retry together. At least 1 s. */
export function fullJitterMs(tries: number, baseMs: number, capMs: number, random: number): number {
  const ceiling = Math.min(capMs, baseMs * 2 ** Math.min(Math.max(0, tries - 1), 30));
  return Math.max(1000, Math.round(random * ceiling));
}

/** How often to ask: every `intervalMs` plus up to `jitterMs`, so that devices spread over the day. */
export interface PollPace {
  readonly intervalMs: number;
  readonly jitterMs: number;
}

/** An agent polls at most once a minute and at least once a day, whatever the controller asks for. */
export function pollPaceOf(intervalMs: number, jitterMs = intervalMs / 10): PollPace {
  const bounded = Math.min(MAX_POLL_MS, Math.max(MIN_POLL_MS, intervalMs));
  return { intervalMs: bounded, jitterMs: Math.min(bounded, Math.max(0, jitterMs)) };
}

export const DEFAULT_PACE = pollPaceOf(POLL_INTERVAL_MS);

/** `Ota-Poll-Interval: 21600;jitter=2160`, in seconds; undefined when absent or unreadable. */
export function parsePollInterval(header: string | undefined): PollPace | undefined {
  const [, interval, jitter] = /^(\d{1,9})(?:;\s*jitter=(\d{1,9}))?$/.exec(header?.trim() ?? '') ?? [];
  if (interval === undefined) return undefined;
  return pollPaceOf(Number(interval) * 1000, jitter === undefined ? undefined : Number(jitter) * 1000);
}

export const pollDelayMs = ({ intervalMs, jitterMs }: PollPace, random: number): number =>
  Math.round(intervalMs + jitterMs * random);

/** The wait that the server asked for, bounded, plus up to a tenth so that clients do not return all at once. */
export function retryAfterDelayMs(askedMs: number, random: number): number {
  const bounded = Math.min(MAX_RETRY_AFTER_MS, Math.max(1000, askedMs));
  return Math.round(bounded * (1 + 0.1 * random));
}

/** `Retry-After` in seconds or as an HTTP date (RFC 9110 §10.2.3) → ms from now; undefined when absent or unreadable. */
export function parseRetryAfter(header: string | undefined, serverNowMs: number): number | undefined {
  if (header === undefined) return undefined;
  if (/^\d{1,9}$/.test(header.trim())) return Number(header) * 1000;
  const at = Date.parse(header);
  return Number.isNaN(at) ? undefined : Math.max(0, at - serverNowMs);
}
