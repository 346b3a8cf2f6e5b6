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
import { dueMsOf, type Ground } from './ground.ts';
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
  ground: Ground,
  nudgeMaster: Buffer,
  picture: () => Snapshot | undefined,
  leading: Pick<Leading, 'isFollowed'>,
): Promise<Nudges> {
  const { settings, around, ends } = ground;
  if (around.pusher !== undefined) return campaignsOver(around.pusher, ground, nudgeMaster, picture, leading);
  const fcm = await pusherOf(settings, around.observer.observe);
  if (fcm === undefined) return { handlers: [], pusher: undefined, promise: () => [] };
  ends.add(() => fcm.close());
  return campaignsOver(fcm, ground, nudgeMaster, picture, leading);
}

function campaignsOver(
  pusher: Pusher,
  { settings, around, store, nowMs }: Ground,
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
    wallMs: around.wallMs,
    monotonicMs: around.monotonicMs,
    random: around.random,
    newRequestId: randomUUID,
    sleep: async (ms, signal) => {
      await wait(ms, undefined, { signal }).catch(() => undefined); // aborted: the campaign looks at the signal
    },
    observe: around.observer.observe,
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

/** Handles the promised effects: GitHub's first, then nudges. */
export const outboxOf = (
  ground: Ground,
  nudges: Nudges,
  notifications: Pick<Notifications, 'handlers'>,
  github: GitHubConsole | undefined,
): Outbox =>
  makeOutbox({
    store: ground.store.outbox,
    handlers: [
      ...(github === undefined ? [] : [github.handler]),
      ...nudges.handlers,
      ...notifications.handlers,
    ],
    nowMs: dueMsOf(ground),
    random: ground.around.random,
    observe: ground.around.observer.observe,
  });
