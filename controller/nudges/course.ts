/** How far a campaign has come: what its cursor keeps, and what the push service's answers change in it. */
import type { DeviceId } from '../domain/ids.ts';
import type { OutboxRow, PushResult } from '../ports/index.ts';
import { AwayDevices, GIVE_UP_AFTER_MS, pauseMs } from './deferred.ts';
import { type Cursor, cursorOf } from './row.ts';

/** With fewer refusals than this among fresh devices, the cause is those devices and not the push service. */
const OUTAGE_FROM = 20;
/** FCM's QUOTA_EXCEEDED concerns the whole project, not one device. */
const QUOTA = 'message_rate_exceeded';

interface CourseOptions {
  /** Wall time, Unix ms. */
  readonly wallMs: () => number;
  readonly random: () => number;
  /** Called for a device that was tried for an hour and is given up. */
  readonly onGivenUp: (deviceId: DeviceId, code: string) => void;
}

/** The answers for one page so far. */
interface PageTally {
  tried: number;
  away: number;
  quota: boolean;
}

export const freshTally = (): PageTally => ({ tried: 0, away: 0, quota: false });

export class Course {
  readonly #o: CourseOptions;
  /** Devices that the push service deferred. */
  readonly away: AwayDevices;
  #cursor: Omit<Cursor, 'away'>;
  /** The push service's last reason for deferring a device. */
  #code = 'retry';

  constructor(row: OutboxRow, options: CourseOptions) {
    const { away, ...cursor } = cursorOf(row);
    this.#o = options;
    this.#cursor = cursor;
    this.away = new AwayDevices(away, options.random);
  }

  /** Every device up to this one in id order was looked at; `''` at the beginning. */
  get after(): DeviceId {
    return this.#cursor.after;
  }

  get sent(): number {
    return this.#cursor.sent;
  }

  get code(): string {
    return this.#code;
  }

  get isHeld(): boolean {
    return (this.#cursor.holdUntilMs ?? 0) > this.#o.wallMs();
  }

  /** Unix ms; only while it is held or devices are away. */
  get waitUntilMs(): number {
    return this.isHeld ? (this.#cursor.holdUntilMs ?? 0) : this.away.firstDueMs;
  }

  get failedTooLong(): boolean {
    const { failingSinceMs } = this.#cursor;
    return failingSinceMs !== undefined && this.#o.wallMs() - failingSinceMs >= GIVE_UP_AFTER_MS;
  }

  /** What the outbox row keeps. */
  written(): string {
    return JSON.stringify({ ...this.#cursor, away: this.away.list } satisfies Cursor);
  }

  lookedAt(upTo: DeviceId | undefined): void {
    if (upTo !== undefined) this.#cursor = { ...this.#cursor, after: upTo };
  }

  /** Takes in the answers for a batch. A device without an answer no longer needed a nudge. */
  settle(batch: readonly DeviceId[], results: ReadonlyMap<DeviceId, PushResult>, tally: PageTally): void {
    const { failingSinceMs, ...rest } = this.#cursor;
    let { sent } = rest;
    let through = false;
    for (const deviceId of batch) {
      const result = results.get(deviceId);
      if (result?.result === 'retry') {
        tally.away += 1;
        tally.quota ||= result.code === QUOTA;
        this.#sentAway(deviceId, result.code);
      } else this.away.delete(deviceId);
      if (result?.result === 'sent') sent += 1;
      through ||= result !== undefined && result.result !== 'retry';
    }
    tally.tried += results.size;
    this.#cursor = { ...rest, sent, ...(through || failingSinceMs === undefined ? {} : { failingSinceMs }) };
  }

  /** Pauses the campaign when the answers show an outage or a used-up quota; returns whether it did. */
  holdIfFailing({ tried, away, quota }: PageTally, again: boolean): boolean {
    if (!quota && (again || tried < OUTAGE_FROM || away * 2 < tried)) return false;
    const nowMs = this.#o.wallMs();
    const { failingSinceMs = nowMs } = this.#cursor;
    this.#cursor = { ...this.#cursor, failingSinceMs, holdUntilMs: nowMs + pauseMs(this.#o.random) };
    return true;
  }

  #sentAway(deviceId: DeviceId, code: string): void {
    this.#code = code;
    if (!this.away.add(deviceId, this.#o.wallMs())) this.#o.onGivenUp(deviceId, code);
  }
}
