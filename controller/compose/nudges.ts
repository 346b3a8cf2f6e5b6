/** Nudges: the push service, and the nudges that a change promises to devices. Without credentials there are none. */
import { randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import type { Snapshot } from '../domain/decision.ts';
import type { Moment } from '../domain/nudge/campaign.ts';
import type { GitHubConsole } from '../github/console.ts';
import type { Notifications } from '../notify/notifications.ts';
import { makeCampaigns } from '../nudges/campaign.ts';
import { campaignEntry } from '../nudges/row.ts';
import { makeOutbox, type Outbox } from '../outbox/drain.ts';
import type { OutboxEntry, OutboxHandler, Pusher } from '../ports/index.ts';
import { pusherOf } from './edges.ts';
import { dueMsOf, type Foundation } from './foundation.ts';
import type { Leading } from './leading.ts';

/** Controllers look for changes by others twice a second. */
const FOLLOWED_WITHIN_MS = 1_000;

export interface Nudges {
  readonly handlers: readonly OutboxHandler[];
  /** Undefined: nudges are off. */
  readonly pusher: Pusher | undefined;
  /** Promises a nudge to each device that `now` offers something and `before` did not. */
  promise(before: Moment, now: Snapshot, campaignId?: string): OutboxEntry[];
}

export async function nudgesOf(
  foundation: Foundation,
  nudgeMaster: Buffer,
  picture: () => Snapshot | undefined,
  leading: Pick<Leading, 'isFollowed'>,
): Promise<Nudges> {
  const { settings, runtime, cleanup } = foundation;
  if (runtime.pusher !== undefined)
    return campaignsOver(runtime.pusher, foundation, nudgeMaster, picture, leading);
  const fcm = await pusherOf(settings, runtime.observer.observe);
  if (fcm === undefined) return { handlers: [], pusher: undefined, promise: () => [] };
  cleanup.add(() => fcm.close());
  return campaignsOver(fcm, foundation, nudgeMaster, picture, leading);
}

function campaignsOver(
  pusher: Pusher,
  { settings, runtime, store, nowMs }: Foundation,
  masterKey: Buffer,
  picture: () => Snapshot | undefined,
  leading: Pick<Leading, 'isFollowed'>,
): Nudges {
  const campaigns = makeCampaigns({
    outbox: store.outbox,
    devices: store.devices,
    pusher,
    picture,
    masterKey,
    pace: { perSecond: settings.OTA_NUDGES_PER_SECOND, budgetMbps: settings.OTA_DOWNLOAD_BUDGET_MBPS },
    nowMs,
    wallMs: runtime.wallMs,
    monotonicMs: runtime.monotonicMs,
    random: runtime.random,
    newRequestId: randomUUID,
    sleep: async (ms, signal) => {
      await wait(ms, undefined, { signal }).catch(() => undefined); // aborted: the campaign looks at the signal
    },
    observe: runtime.observer.observe,
  });
  return {
    handlers: [campaigns],
    pusher,
    promise: (before, now, campaignId = randomUUID()) => {
      // A nudged device may ask any controller, so nudges wait until all of them have caught up.
      const notBeforeMs = leading.isFollowed ? nowMs() + FOLLOWED_WITHIN_MS : 0;
      return [{ ...campaignEntry(before, now, campaignId), notBeforeMs }];
    },
  };
}

/** Handles the effects in the outbox: GitHub's first, then nudges. */
export const outboxOf = (
  foundation: Foundation,
  nudges: Nudges,
  notifications: Pick<Notifications, 'handlers'>,
  github: GitHubConsole | undefined,
): Outbox =>
  makeOutbox({
    store: foundation.store.outbox,
    handlers: [
      ...(github === undefined ? [] : [github.handler]),
      ...nudges.handlers,
      ...notifications.handlers,
    ],
    nowMs: dueMsOf(foundation),
    random: foundation.runtime.random,
    observe: foundation.runtime.observer.observe,
  });
