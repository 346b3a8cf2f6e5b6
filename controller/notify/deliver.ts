/** Delivers notices from the outbox, one queue per destination. A notice is dropped after 24 hours of failures, with an event. */
import { retryDelayMs } from '../domain/backoff.ts';
import { DAY_MS, HOUR_MS } from '../domain/duration.ts';
import type { Observe } from '../domain/event.ts';
import { faultCode } from '../domain/fault.ts';
import type { DatedNotice, NoticeForm } from '../domain/notice/notice.ts';
import type { Handled, OutboxHandler, OutboxRow } from '../ports/index.ts';
import { type Destination, topicOf } from './destination.ts';
import { genericBody } from './generic.ts';
import { DestinationFault, type PostOptions } from './post.ts';
import { signatureHeaders } from './signature.ts';
import { slackBody } from './slack.ts';
import { teamsBody } from './teams.ts';

/** How long a destination may be unreachable before a notice is dropped. */
const DELIVER_WITHIN_MS = DAY_MS;
/** The longest Retry-After that is respected. */
const LONGEST_WAIT_MS = HOUR_MS;

export interface DeliveryOptions {
  /** The name of this controller in messages. */
  readonly from: string | undefined;
  /** The clock that measures the age of a notice, Unix ms. */
  readonly nowMs: () => number;
  /** The clock that the outbox uses for the next try, Unix ms. */
  readonly dueMs: () => number;
  readonly wallMs: () => number;
  readonly random: () => number;
  readonly observe: Observe;
  readonly post: (request: PostOptions) => Promise<void>;
  /** Called after each try; `code` is undefined if the message arrived. */
  readonly tried: (id: string, code: string | undefined) => void;
}

const BODIES: Readonly<Record<NoticeForm, (dated: DatedNotice, from: string | undefined) => unknown>> = {
  generic: genericBody,
  slack: slackBody,
  teams: teamsBody,
};

export function deliveryTo(destination: Destination, options: DeliveryOptions): OutboxHandler {
  const { from, nowMs, dueMs, wallMs, random, observe, post, tried } = options;
  const { name, service, url, key, ca } = destination;

  async function send(dated: DatedNotice, signal: AbortSignal): Promise<void> {
    const body = JSON.stringify(BODIES[service](dated, from));
    const headers = signatureHeaders(dated.id, Math.floor(wallMs() / 1_000), body, key);
    await post({ url, ca, body, headers, signal });
  }

  function failed(row: OutboxRow, { notice }: DatedNotice, error: unknown): Handled {
    const code = faultCode(error);
    const endMs = row.createdAtMs + DELIVER_WITHIN_MS;
    const hopeless = !(error instanceof DestinationFault) || error.retry === 'never';
    // The user who asked for a test is waiting for its result.
    if (hopeless || notice.kind === 'test' || nowMs() >= endMs) {
      observe({ type: 'ota.notify.gave_up', destination: name, kind: notice.kind, code });
      return { gaveUp: code };
    }
    const asked = Math.min(LONGEST_WAIT_MS, (error.retryAfterS ?? 0) * 1_000);
    const waitMs = Math.max(asked, retryDelayMs(row.attempts, random));
    const attempt = row.attempts + 1;
    observe({ type: 'ota.notify.retry', destination: name, kind: notice.kind, code, attempt });
    // The last try is made at the end of the 24 hours, not minutes later.
    return { retryAtMs: dueMs() + Math.min(waitMs, Math.max(0, endMs - nowMs())), code };
  }

  return {
    topic: topicOf(destination),
    handle: async (row, signal) => {
      const dated = row.payload as DatedNotice;
      try {
        await send(dated, signal);
        observe({ type: 'ota.notify.sent', destination: name, kind: dated.notice.kind });
        tried(dated.id, undefined);
        return 'done';
      } catch (error) {
        if (signal.aborted) throw error;
        const handled = failed(row, dated, error);
        tried(dated.id, faultCode(error));
        return handled;
      }
    },
  };
}
