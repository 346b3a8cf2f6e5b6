/**
 * Runs a nudge campaign: one outbox row with a cursor (SPEC §8). It sends paced pages of at most 500 devices. After a crash
 * it resumes, and at most one page is sent twice. A newer row takes over at once. Each device is decided on again when its
 * nudge is sent, by the snapshot in force, so a suspend or a rollback stops the campaign.
 *
 * Invariant: at most one campaign has begun. If there are two, the one that runs first merges the older into the newer. The
 * newer one begins only after that.
 */

import type { Event, Observe } from '../domain/event.ts';
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
import { type BatchOptions, deviceOf, observeResult, sendBatch } from './batch.ts';
import { Course, freshTally } from './course.ts';
import { type Page, Pages } from './pages.ts';
import { beforeOf, cursorOf, handedOver, NUDGE_TOPIC, payloadOf } from './row.ts';
import { Throttle } from './throttle.ts';

/** How often the cursor is stored while a page is sent slowly. */
const KEEP_EVERY_MS = 1_000;

interface CampaignOptions extends Omit<BatchOptions, 'devices'> {
  readonly outbox: OutboxStore;
  readonly devices: BatchOptions['devices'] & Pick<DeviceStore, 'scan'>;
  readonly pace: { readonly perSecond: number; readonly budgetMbps: number };
  readonly monotonicMs: () => number;
  readonly random: () => number;
  /** Waits, or returns early when the signal is aborted. */
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  readonly observe: Observe;
}

export function makeCampaigns(options: CampaignOptions): OutboxHandler {
  return { topic: NUDGE_TOPIC, handle: (row, signal) => new Campaign(options, row, signal).run() };
}

type State = Extract<Event, { type: 'ota.nudge.campaign' }>['state'];

class Campaign {
  readonly #o: CampaignOptions;
  readonly #row: OutboxRow;
  readonly #signal: AbortSignal;
  readonly #before: Before;
  readonly #throttle: Throttle;
  readonly #course: Course;
  readonly #pages: Pages;
  #seenRevision: string | undefined;
  #keptMs: number;

  constructor(options: CampaignOptions, row: OutboxRow, signal: AbortSignal) {
    const { monotonicMs, wallMs, random, observe, sleep } = options;
    const { buildId } = payloadOf(row);
    this.#o = options;
    this.#row = row;
    this.#signal = signal;
    this.#before = beforeOf(payloadOf(row));
    this.#throttle = new Throttle({ monotonicMs, sleep: ms => sleep(ms, signal) });
    this.#course = new Course(row, {
      wallMs,
      random,
      onGivenUp: (deviceId, code) =>
        observeResult(observe, { deviceId, requestId: undefined, buildId }, { result: 'gave_up', code }),
    });
    this.#pages = new Pages(options.devices, this.#course, wallMs);
    this.#keptMs = monotonicMs();
  }

  async run(): Promise<Handled> {
    if (await this.#takeOver()) return 'done';
    this.#say(this.#row.cursor === undefined ? 'started' : 'resumed');
    for (;;) {
      const over = await this.#over();
      if (over !== undefined) return over;
      const page = await this.#pages.next();
      if (page === 'wait') return { retryAtMs: this.#course.waitUntilMs, code: this.#course.code };
      if (page === 'end') {
        this.#say('done');
        return 'done';
      }
      await this.#sendPage(page);
      if (this.#course.failedTooLong) {
        this.#say('expired');
        return { gaveUp: this.#course.code };
      }
    }
  }

  /** Ends older campaigns that still wait for the push service, and takes over the devices that they did not reach. */
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

  /**
   * The result of the run if a newer row took over or the process stops; otherwise undefined. A suspend or a rollback comes
   * as a newer revision that offers nothing.
   */
  async #over(): Promise<Handled | undefined> {
    this.#seenRevision = this.#o.picture()?.revision;
    if (this.#signal.aborted) {
      this.#say('stopped');
      return { retryAtMs: this.#o.wallMs(), code: 'shutdown' };
    }
    const newer = (await this.#o.outbox.pending(NUDGE_TOPIC)).findLast(r => r.id > this.#row.id);
    if (newer === undefined) return undefined;
    await this.#o.outbox.add([handedOver(newer, [{ ...this.#row, cursor: this.#course.written() }])]);
    this.#say('superseded');
    return 'done';
  }

  readonly #interrupted = (): boolean =>
    this.#signal.aborted || this.#o.picture()?.revision !== this.#seenRevision;

  async #sendPage({ devices, again }: Page): Promise<void> {
    const course = this.#course;
    const wanted = devices.filter(d => this.#isNews(d));
    if (again) for (const d of devices) if (!wanted.includes(d)) course.away.delete(d.deviceId);
    const tally = freshTally();
    for (let index = 0; index < wanted.length; ) {
      const room = await this.#room(wanted.length - index);
      const batch = wanted.slice(index, index + room);
      const results = room === 0 ? undefined : await sendBatch(batch, this.#o, this.#signal);
      // Interrupted. The cursor is stored, and the rest of the page is read again later.
      if (results === undefined) return this.#keep();
      index += room;
      this.#throttle.spend(results.size);
      course.settle(
        batch.map(d => d.deviceId),
        results,
        tally,
      );
      if (!again) course.lookedAt(batch.at(-1)?.deviceId);
      if (course.holdIfFailing(tally, again)) return this.#keep();
      if (this.#isTimeToKeep()) await this.#keep();
    }
    if (!again) course.lookedAt(devices.at(-1)?.deviceId);
    // If no nudge was sent, reading the page again does no harm, so the cursor need not be stored.
    if (tally.tried > 0 || this.#isTimeToKeep()) await this.#keep();
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

  #isTimeToKeep(): boolean {
    return this.#o.monotonicMs() - this.#keptMs >= KEEP_EVERY_MS;
  }

  async #keep(): Promise<void> {
    this.#keptMs = this.#o.monotonicMs();
    await this.#o.outbox.progress(this.#row.id, this.#course.written());
  }

  #say(state: State, row: OutboxRow = this.#row): void {
    const { campaignId, revision, buildId } = payloadOf(row);
    const sent = row === this.#row ? this.#course.sent : cursorOf(row).sent;
    this.#o.observe({ type: 'ota.nudge.campaign', campaignId, revision, buildId, state, sent });
  }
}
