/** The campaigns' wiring: apart from the rest because without credentials there are none. */
import { randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import type { Snapshot } from '../domain/decision.ts';
import { makeCampaigns } from '../nudges/campaign.ts';
import type { Observer } from '../observe/observe.ts';
import type { DeviceStore, OutboxHandler, OutboxStore, Pusher } from '../ports/index.ts';
import type { Settings } from '../settings/settings.ts';

export interface NudgeParts {
  readonly settings: Pick<Settings, 'OTA_NUDGES_PER_SECOND' | 'OTA_DOWNLOAD_BUDGET_MBPS'>;
  readonly around: {
    readonly observer: Observer;
    readonly wallMs: () => number;
    readonly monotonicMs: () => number;
    readonly random: () => number;
  };
  readonly store: { readonly outbox: OutboxStore; readonly devices: DeviceStore };
  readonly pusher: Pusher;
  readonly nudgeMaster: Buffer;
  readonly picture: () => Snapshot | undefined;
  readonly nowMs: () => number;
}

export function campaignsOf(parts: NudgeParts): OutboxHandler {
  const { settings, around, store, pusher, nudgeMaster, picture, nowMs } = parts;
  return makeCampaigns({
    outbox: store.outbox,
    devices: store.devices,
    pusher,
    picture,
    masterKey: nudgeMaster,
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
}
