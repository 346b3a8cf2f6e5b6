/** The progress of a campaign: the content of its cursor, and how the push service's answers change it. */
import type { DeviceId } from '../domain/ids.ts';
import type { OutboxRow, PushResult } from '../ports/index.ts';
import { DeferredDevices, GIVE_UP_AFTER_MS, pauseMs } from './deferred.ts';
import { type Cursor, cursorOf } from './row.ts';

/** An outage is assumed only if at least this many new devices were tried. With fewer, single devices may be the cause. */
const OUTAGE_FROM = 20;
/** FCM's QUOTA_EXCEEDED concerns the whole project, not one device. */
const QUOTA = 'message_rate_exceeded';

interface CourseOptions {
  /** Wall time, Unix ms. */
  readonly wallMs: () => number;
  readonly random: () => number;
  /** Called for a device that is given up after an hour of tries. */
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
  readonly away: DeferredDevices;
  #cursor: Omit<Cursor, 'away'>;
  /** The push service's last reason for deferring a device. */
  #code = 'retry';

  constructor(row: OutboxRow, options: CourseOptions) {
    const { away, ...cursor } = cursorOf(row);
    this.#o = options;
    this.#cursor = cursor;
    this.away = new DeferredDevices(away, options.random);
  }

  /** The campaign has looked at every device up to this one in id order; `''` at the beginning. */
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

  /** Unix ms. Valid only while the campaign is held or devices are away. */
  get waitUntilMs(): number {
    return this.isHeld ? (this.#cursor.holdUntilMs ?? 0) : this.away.firstDueMs;
  }

  get failedTooLong(): boolean {
    const { failingSinceMs } = this.#cursor;
    return failingSinceMs !== undefined && this.#o.wallMs() - failingSinceMs >= GIVE_UP_AFTER_MS;
  }

  /** The cursor as stored in the outbox row. */
  written(): string {
    return JSON.stringify({ ...this.#cursor, away: this.away.list } satisfies Cursor);
  }

  lookedAt(upTo: DeviceId | undefined): void {
    if (upTo !== undefined) this.#cursor = { ...this.#cursor, after: upTo };
  }

  /** Processes the answers for a batch. A device without an answer no longer needed a nudge. */
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

  /** Pauses the campaign if the answers show an outage or an exhausted quota. Returns true if it paused. */
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
