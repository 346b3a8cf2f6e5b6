/**
 * Carries a nudge campaign out: one outbox row with a cursor (SPEC §8). Pages of at most 500, paced, resumable after a
 * crash with at most one page sent twice; a newer row takes over at once, and every device is judged again by the
 * picture that stands when its nudge leaves, so a suspend or a rollback stops it.
 */
import { type Cursor, NUDGE_TOPIC, type Payload, payloadOf, segmentsOf, takenOver } from './campaign-row.ts';
import {
  allowance,
  allowedAtMs,
  inherit,
  momentFor,
  newOffer,
  nudgeRate,
  type Segments,
} from './domain/campaign.ts';
import { type Device, decide, type Snapshot } from './domain/decision.ts';
import type { Observe } from './domain/event.ts';
import type { DeviceId } from './domain/ids.ts';
import { nudgeKey, signNudge } from './domain/nudge.ts';
import type { Handled, OutboxHandler } from './outbox.ts';
import type { DeviceStore, OutboxRow, OutboxStore, Pusher, PushMessage, ScannedDevice } from './ports.ts';

const PAGE = 500;
const TTL_MS = 600_000;
const BACKOFF_MS = 60_000;
const GIVE_UP_AFTER_MS = 60 * 60_000;
/** No wait is longer than this, so that a stop is noticed within a second. */
const SLICE_MS = 500;

/** `again`: devices of an earlier page that were sent away. */
interface Page {
  readonly devices: readonly ScannedDevice[];
  readonly after: DeviceId;
  readonly again: boolean;
}

export interface CampaignOptions {
  readonly outbox: OutboxStore;
  readonly devices: DeviceStore;
  readonly pusher: Pusher;
  readonly picture: () => Snapshot | undefined;
  readonly masterKey: Buffer;
  readonly pace: { readonly perSecond: number; readonly budgetMbps: number };
  readonly nowMs: () => number;
  readonly random: () => number;
  readonly newRequestId: () => string;
  /** Waits; ends early when the signal is aborted. */
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  readonly observe: Observe;
}

export function makeCampaigns(options: CampaignOptions): OutboxHandler {
  return { topic: NUDGE_TOPIC, handle: (row, signal) => new Campaign(options, row, signal).run() };
}

class Campaign {
  readonly #o: CampaignOptions;
  readonly #row: OutboxRow;
  readonly #signal: AbortSignal;
  readonly #payload: Payload;
  readonly #segments: Segments;
  #cursor: Cursor;
  #seenRevision: string | undefined;
  /** Pacing starts anew with each run: a resumed campaign ramps up again. */
  #sentThisRun = 0;
  readonly #runStartedMs: number;

  constructor(options: CampaignOptions, row: OutboxRow, signal: AbortSignal) {
    this.#o = options;
    this.#row = row;
    this.#signal = signal;
    this.#payload = payloadOf(row);
    this.#segments = segmentsOf(this.#payload);
    this.#runStartedMs = options.nowMs();
    this.#cursor =
      row.cursor === undefined
        ? { after: '', pageAfter: '', sent: 0, retry: [] }
        : (JSON.parse(row.cursor) as Cursor);
  }

  async run(): Promise<Handled> {
    this.#say(this.#row.cursor === undefined ? 'started' : 'resumed');
    for (;;) {
      const over = await this.#over();
      if (over !== undefined) return over;
      const page = await this.#nextPage();
      if (page.devices.length === 0 && page.last) {
        this.#say('done');
        return 'done';
      }
      const again = await this.#sendPage(page);
      if (again !== undefined) return again;
    }
  }

  /** Superseded or shut down? A suspend or rollback needs no look: nobody has an offer then. */
  async #over(): Promise<Handled | undefined> {
    this.#seenRevision = this.#o.picture()?.revision;
    if (this.#signal.aborted) return { retryAtMs: this.#o.nowMs(), code: 'shutdown' };
    const newer = (await this.#o.outbox.pending(NUDGE_TOPIC)).findLast(r => r.id > this.#row.id);
    if (newer === undefined) return undefined;
    await this.#handOver(newer);
    this.#say('superseded');
    return 'done';
  }

  async #handOver(newer: OutboxRow): Promise<void> {
    // Devices that were sent away are not reached: their page counts as not begun.
    const reached = this.#cursor.retry.length > 0 ? this.#cursor.pageAfter : this.#cursor.after;
    const segments = inherit(segmentsOf(payloadOf(newer)), this.#segments, reached);
    await this.#o.outbox.add([takenOver(newer, segments, this.#o.nowMs())]);
  }

  /** Devices sent away before come first; then the next page in id order. */
  async #nextPage(): Promise<Page & { last: boolean }> {
    const { devices } = this.#o;
    const { retry, after } = this.#cursor;
    if (retry.length > 0) {
      const found = await devices.scan({ ids: retry, limit: PAGE, withPushToken: true });
      return { devices: found, after, again: true, last: false };
    }
    const page = await devices.scan({ ...(after === '' ? {} : { after }), limit: PAGE, withPushToken: true });
    return { devices: page, after: page.at(-1)?.deviceId ?? after, again: false, last: page.length === 0 };
  }

  /** Sends what the page's devices newly get, keeps the cursor; answers how to come back when some must wait. */
  async #sendPage(page: Page): Promise<Handled | undefined> {
    const retry: DeviceId[] = [];
    let code = 'retry';
    if (!page.again) this.#cursor = { ...this.#cursor, pageAfter: this.#cursor.after };
    const wanted = page.devices.filter(d => this.#newOffer(d) !== undefined);
    for (let index = 0; index < wanted.length; ) {
      const room = await this.#room(wanted.length - index);
      if (room === 0) {
        // Interrupted: what was sent so far is kept, the rest of the page is read again.
        const unsent = page.again ? wanted.slice(index).map(d => d.deviceId) : [];
        await this.#keep({ ...this.#cursor, retry: [...retry, ...unsent] });
        return undefined;
      }
      const batch = wanted.slice(index, index + room);
      index += room;
      let sent = 0;
      for (const [device, result] of await this.#sendBatch(batch)) {
        if (result.result === 'retry') {
          retry.push(device.deviceId);
          code = result.code;
        } else if (result.result === 'sent') sent += 1;
      }
      const reached = page.again ? this.#cursor.after : (batch.at(-1)?.deviceId ?? this.#cursor.after);
      this.#cursor = { ...this.#cursor, after: reached, sent: this.#cursor.sent + sent };
    }
    return await this.#endPage(page, retry, code);
  }

  async #endPage(page: Page, retry: readonly DeviceId[], code: string): Promise<Handled | undefined> {
    const nowMs = this.#o.nowMs();
    const { failingSinceMs: since, ...kept } = this.#cursor;
    const after = page.again ? kept.after : page.after;
    if (retry.length === 0) {
      await this.#keep({ ...kept, after, retry });
      return undefined;
    }
    const failingSinceMs = since ?? nowMs;
    await this.#keep({ ...kept, after, retry, failingSinceMs });
    if (nowMs - failingSinceMs < GIVE_UP_AFTER_MS)
      return { retryAtMs: nowMs + BACKOFF_MS * (1 + this.#o.random() * 0.25), code };
    this.#say('expired');
    return { gaveUp: code };
  }

  async #keep(cursor: Cursor): Promise<void> {
    this.#cursor = cursor;
    await this.#o.outbox.progress(this.#row.id, JSON.stringify(cursor));
  }

  #device(d: ScannedDevice): Device {
    return {
      deviceId: d.deviceId,
      tags: d.tags,
      versionCode: d.versionCode ?? 0,
      buildId: d.buildId,
      sdk: d.sdk,
      signer: d.signer,
    };
  }

  #newOffer(d: ScannedDevice): string | undefined {
    const snapshot = this.#o.picture();
    return newOffer(
      momentFor(this.#segments, d.deviceId),
      { snapshot, atMs: this.#o.nowMs() },
      this.#device(d),
    );
  }

  /** How many of `wanted` may go now, waiting in short slices; 0 when the campaign is over. */
  async #room(wanted: number): Promise<number> {
    const apk = this.#o.picture()?.current.sizeBytes ?? 1;
    const rate = nudgeRate(this.#o.pace, apk);
    for (;;) {
      if (this.#signal.aborted || this.#o.picture()?.revision !== this.#seenRevision) return 0;
      if (rate === undefined) return Math.min(wanted, PAGE);
      const elapsedMs = this.#o.nowMs() - this.#runStartedMs;
      const room = Math.floor(allowance(rate, elapsedMs)) - this.#sentThisRun;
      if (room >= 1) return Math.min(room, wanted, PAGE);
      const waitMs = allowedAtMs(rate, this.#sentThisRun + 1) - elapsedMs;
      await this.#o.sleep(Math.min(SLICE_MS, Math.max(1, waitMs)), this.#signal);
    }
  }

  async #sendBatch(batch: readonly ScannedDevice[]) {
    const { masterKey, pusher, nowMs, newRequestId, observe, devices, picture } = this.#o;
    const now = nowMs();
    const outgoing = batch.flatMap(device => {
      const snapshot = picture();
      const decision = snapshot === undefined ? undefined : decide(snapshot, this.#device(device), now);
      if (decision?.kind !== 'offer' || device.pushToken === undefined) return [];
      const requestId = newRequestId();
      const buildId = decision.build.buildId;
      const key = nudgeKey(masterKey, device.deviceId, device.generation);
      const data = signNudge(key, device.deviceId, { buildId, requestId, issuedAtMs: now });
      const message: PushMessage = {
        pushToken: device.pushToken,
        data,
        ttlMs: TTL_MS,
        collapseKey: 'ota-update',
      };
      return [{ device, requestId, buildId, message }];
    });
    this.#sentThisRun += outgoing.length;
    if (outgoing.length === 0) return [];
    const results = await pusher.send(outgoing.map(o => o.message));
    const told: [ScannedDevice, (typeof results)[number]][] = [];
    for (const [index, { device, requestId, buildId }] of outgoing.entries()) {
      const result = results[index] ?? { result: 'retry', code: 'no_response' };
      observe({ type: 'ota.nudge', deviceId: device.deviceId, requestId, buildId, result: result.result });
      if (result.result === 'unregistered') await devices.setPushToken(device.deviceId, undefined);
      told.push([device, result]);
    }
    return told;
  }

  #say(state: 'started' | 'resumed' | 'done' | 'superseded' | 'stopped' | 'expired'): void {
    const { campaignId, revision, buildId } = this.#payload;
    this.#o.observe({
      type: 'ota.nudge.campaign',
      campaignId,
      revision,
      buildId,
      state,
      sent: this.#cursor.sent,
    });
  }
}
