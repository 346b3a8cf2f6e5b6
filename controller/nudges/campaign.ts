/**
 * Carries a nudge campaign out: one outbox row with a cursor (SPEC §8). Pages of at most 500, paced, resumable after a
 * crash with at most one page sent twice; a newer row takes over at once, and every device is judged again by the
 * picture that stands when its nudge leaves, so a suspend or a rollback stops it.
 *
 * Invariant: at most one campaign has begun. Whichever of two runs first merges the older into the newer, which begins
 * only then.
 */

import type { Event, Observe } from '../domain/event.ts';
import type { DeviceId } from '../domain/ids.ts';
import { type Before, momentFor, newOffer } from '../domain/nudge/campaign.ts';
import { nudgePace } from '../domain/nudge/pace.ts';
import type {
  DeviceStore,
  Handled,
  OutboxHandler,
  OutboxRow,
  OutboxStore,
  ScannedDevice,
} from '../ports/index.ts';
import { type BatchOptions, type BatchResults, deviceOf, observeResult, sendBatch } from './batch.ts';
import { AwayDevices, GIVE_UP_AFTER_MS, pauseMs } from './deferred.ts';
import { beforeOf, type Cursor, cursorOf, handedOver, NUDGE_TOPIC, payloadOf } from './row.ts';
import { Throttle } from './throttle.ts';

const PAGE = 500;
/** How often the cursor is kept within a page that is sent slowly. */
const KEEP_EVERY_MS = 1_000;
/** Fewer refusals than this among fresh devices are those devices' trouble, not the push service's. */
const OUTAGE_FROM = 20;
/** FCM's QUOTA_EXCEEDED: of the project, not of one device. */
const QUOTA = 'message_rate_exceeded';

export interface CampaignOptions extends Omit<BatchOptions, 'devices'> {
  readonly outbox: OutboxStore;
  readonly devices: BatchOptions['devices'] & Pick<DeviceStore, 'scan'>;
  readonly pace: { readonly perSecond: number; readonly budgetMbps: number };
  readonly monotonicMs: () => number;
  readonly random: () => number;
  /** Waits; ends early when the signal is aborted. */
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  readonly observe: Observe;
}

export function makeCampaigns(options: CampaignOptions): OutboxHandler {
  return { topic: NUDGE_TOPIC, handle: (row, signal) => new Campaign(options, row, signal).run() };
}

type State = Extract<Event, { type: 'ota.nudge.campaign' }>['state'];

/** `again`: devices that were sent away before. */
interface Page {
  readonly devices: readonly ScannedDevice[];
  readonly again: boolean;
}

class Campaign {
  readonly #o: CampaignOptions;
  readonly #row: OutboxRow;
  readonly #signal: AbortSignal;
  readonly #before: Before;
  readonly #throttle: Throttle;
  readonly #away: AwayDevices;
  #cursor: Omit<Cursor, 'away'>;
  #seenRevision: string | undefined;
  #keptMs: number;
  /** Every device in id order has been looked at. */
  #lookedAtAll = false;
  #code = 'retry';

  constructor(options: CampaignOptions, row: OutboxRow, signal: AbortSignal) {
    this.#o = options;
    this.#row = row;
    this.#signal = signal;
    this.#before = beforeOf(payloadOf(row));
    this.#throttle = new Throttle({
      monotonicMs: options.monotonicMs,
      sleep: ms => options.sleep(ms, signal),
    });
    const { away, ...cursor } = cursorOf(row);
    this.#cursor = cursor;
    this.#away = new AwayDevices(away, options.random);
    this.#keptMs = options.monotonicMs();
  }

  async run(): Promise<Handled> {
    if (await this.#takeOver()) return 'done';
    this.#say(this.#row.cursor === undefined ? 'started' : 'resumed');
    for (;;) {
      const over = await this.#over();
      if (over !== undefined) return over;
      const page = await this.#nextPage();
      if (page === 'wait') return { retryAtMs: this.#waitUntilMs(), code: this.#code };
      if (page === 'end') {
        this.#say('done');
        return 'done';
      }
      await this.#sendPage(page);
      if (this.#failedTooLong()) {
        this.#say('expired');
        return { gaveUp: this.#code };
      }
    }
  }

  // -------------------------------------------------------------- who is in charge

  /** Older campaigns that wait for the push service end here: their unreached devices become this one's. */
  async #takeOver(): Promise<boolean> {
    const older = (await this.#o.outbox.pending(NUDGE_TOPIC)).filter(r => r.id < this.#row.id);
    if (older.length === 0) return false;
    await this.#o.outbox.add([handedOver(this.#row, older)]);
    for (const row of older) {
      await this.#o.outbox.done(row.id);
      this.#say('superseded', row);
    }
    return true;
  }

  /** Superseded or shut down? A suspend or rollback is a newer revision, under which nobody has an offer. */
  async #over(): Promise<Handled | undefined> {
    this.#seenRevision = this.#o.picture()?.revision;
    if (this.#signal.aborted) {
      this.#say('stopped');
      return { retryAtMs: this.#o.wallMs(), code: 'shutdown' };
    }
    const newer = (await this.#o.outbox.pending(NUDGE_TOPIC)).findLast(r => r.id > this.#row.id);
    if (newer === undefined) return undefined;
    await this.#o.outbox.add([handedOver(newer, [{ ...this.#row, cursor: this.#written() }])]);
    this.#say('superseded');
    return 'done';
  }

  readonly #interrupted = (): boolean =>
    this.#signal.aborted || this.#o.picture()?.revision !== this.#seenRevision;

  // -------------------------------------------------------------- what comes next

  async #nextPage(): Promise<Page | 'wait' | 'end'> {
    const nowMs = this.#o.wallMs();
    if ((this.#cursor.holdUntilMs ?? 0) > nowMs) return 'wait';
    const due = this.#away.due(nowMs, PAGE);
    if (due.length > 0) return this.#pageOf(due);
    // A page of devices that wait is enough: the cursor stays small, and an outage shows.
    if (this.#away.size >= PAGE) return 'wait';
    if (!this.#lookedAtAll) {
      const { after } = this.#cursor;
      const page = { ...(after === '' ? {} : { after }), limit: PAGE, withPushToken: true };
      const devices = await this.#o.devices.scan(page);
      if (devices.length > 0) return { devices, again: false };
      this.#lookedAtAll = true;
    }
    return this.#away.size > 0 ? 'wait' : 'end';
  }

  /** Those of `ids` that still exist with a push token; the others are waited for no longer. */
  async #pageOf(ids: readonly DeviceId[]): Promise<Page> {
    const devices = await this.#o.devices.scan({ ids, limit: PAGE, withPushToken: true });
    const found = new Set(devices.map(d => d.deviceId));
    for (const id of ids) if (!found.has(id)) this.#away.delete(id);
    return { devices, again: true };
  }

  #waitUntilMs(): number {
    const { holdUntilMs = 0 } = this.#cursor;
    return holdUntilMs > this.#o.wallMs() ? holdUntilMs : this.#away.firstDueMs;
  }

  // -------------------------------------------------------------- sending

  async #sendPage({ devices, again }: Page): Promise<void> {
    const wanted = devices.filter(d => this.#isNews(d));
    if (again) for (const d of devices) if (!wanted.includes(d)) this.#away.delete(d.deviceId);
    const tally = { tried: 0, away: 0, quota: false };
    for (let index = 0; index < wanted.length; ) {
      const room = await this.#room(wanted.length - index);
      const batch = wanted.slice(index, index + room);
      const results = room === 0 ? undefined : await sendBatch(batch, this.#o, this.#signal);
      // Interrupted: what was sent before is kept, the rest of the page is read again.
      if (results === undefined) return this.#keep();
      index += room;
      this.#throttle.spend(results.size);
      this.#settle(batch, results, tally);
      if (!again) this.#cursor = { ...this.#cursor, after: batch.at(-1)?.deviceId ?? this.#cursor.after };
      if (tally.quota || (!again && tally.tried >= OUTAGE_FROM && tally.away * 2 >= tally.tried)) {
        this.#hold();
        return this.#keep();
      }
      if (this.#o.monotonicMs() - this.#keptMs >= KEEP_EVERY_MS) await this.#keep();
    }
    if (!again) this.#cursor = { ...this.#cursor, after: devices.at(-1)?.deviceId ?? this.#cursor.after };
    // A page that nobody was sent of may be read again.
    if (tally.tried > 0 || this.#o.monotonicMs() - this.#keptMs >= KEEP_EVERY_MS) await this.#keep();
  }

  #isNews(d: ScannedDevice): boolean {
    const now = { snapshot: this.#o.picture(), atMs: this.#o.nowMs() };
    return newOffer(momentFor(this.#before, d.deviceId), now, deviceOf(d)) !== undefined;
  }

  #room(wanted: number): Promise<number> {
    const snapshot = this.#o.picture();
    const offered = snapshot?.rollout.rollback === true ? snapshot.lastSafe : snapshot?.current;
    const pace = nudgePace(this.#o.pace, offered?.sizeBytes ?? 1);
    return this.#throttle.room(pace, wanted, this.#interrupted);
  }

  #settle(
    batch: readonly ScannedDevice[],
    results: NonNullable<BatchResults>,
    tally: { tried: number; away: number; quota: boolean },
  ): void {
    const { failingSinceMs, ...rest } = this.#cursor;
    let { sent } = rest;
    let through = false;
    for (const { deviceId } of batch) {
      const result = results.get(deviceId);
      if (result?.result === 'retry') {
        tally.away += 1;
        tally.quota ||= result.code === QUOTA;
        this.#sentAway(deviceId, result.code);
      } else this.#away.delete(deviceId);
      if (result?.result === 'sent') sent += 1;
      through ||= result !== undefined && result.result !== 'retry';
    }
    tally.tried += results.size;
    this.#cursor = { ...rest, sent, ...(through || failingSinceMs === undefined ? {} : { failingSinceMs }) };
  }

  #sentAway(deviceId: DeviceId, code: string): void {
    this.#code = code;
    if (this.#away.add(deviceId, this.#o.wallMs())) return;
    const about = { deviceId, requestId: undefined, buildId: this.#buildId };
    observeResult(this.#o.observe, about, { result: 'gave_up', code });
  }

  #hold(): void {
    const nowMs = this.#o.wallMs();
    const { failingSinceMs = nowMs } = this.#cursor;
    this.#cursor = { ...this.#cursor, failingSinceMs, holdUntilMs: nowMs + pauseMs(this.#o.random) };
  }

  #failedTooLong(): boolean {
    const { failingSinceMs } = this.#cursor;
    return failingSinceMs !== undefined && this.#o.wallMs() - failingSinceMs >= GIVE_UP_AFTER_MS;
  }

  // -------------------------------------------------------------- what is kept and told

  #written(): string {
    return JSON.stringify({ ...this.#cursor, away: this.#away.list } satisfies Cursor);
  }

  async #keep(): Promise<void> {
    this.#keptMs = this.#o.monotonicMs();
    await this.#o.outbox.progress(this.#row.id, this.#written());
  }

  get #buildId(): string {
    return payloadOf(this.#row).buildId;
  }

  #say(state: State, row: OutboxRow = this.#row): void {
    const { campaignId, revision, buildId } = payloadOf(row);
    const sent = row === this.#row ? this.#cursor.sent : cursorOf(row).sent;
    this.#o.observe({ type: 'ota.nudge.campaign', campaignId, revision, buildId, state, sent });
  }
}
