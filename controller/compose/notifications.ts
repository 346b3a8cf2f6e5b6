/** Notifications: each destination in the settings gets a queue of the outbox. Without OTA_NOTIFY there are none. */
import { randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import type { Snapshot } from '../domain/decision.ts';
import { type Destination, TOPIC_PREFIX } from '../notify/destination.ts';
import { makeNotifications, type Notifications } from '../notify/notifications.ts';
import { post } from '../notify/post.ts';
import type { Outbox } from '../outbox/drain.ts';
import type { Notifier } from '../ports/index.ts';
import { readDestinations } from '../settings/destinations.ts';
import { dueMsOf, type Foundation } from './foundation.ts';

/** A little longer than the time limit of one try. */
const TEST_PATIENCE_MS = 12_000;

export function notificationsOf(foundation: Foundation, picture: () => Snapshot | undefined): Notifications {
  const { settings, runtime, store, nowMs } = foundation;
  const { observe } = runtime.observer;
  const text = settings.OTA_NOTIFY?.reveal();
  const given = text === undefined ? { from: undefined, destinations: [] } : readDestinations(text);
  for (const { name, service, kinds } of given.destinations)
    observe({ type: 'ota.notify.on', destination: name, service, kinds: [...kinds] });
  return makeNotifications({
    destinations: given.destinations.map(
      (d): Destination => ({
        ...d,
        url: d.url.reveal(),
        key: d.key === undefined ? undefined : Buffer.from(d.key.reveal(), 'base64'),
      }),
    ),
    from: given.from ?? settings.OTA_PUBLIC_URL,
    isDevice: id => store.devices.auth(id) !== undefined || picture()?.canaryDevices.has(id) === true,
    nowMs,
    dueMs: dueMsOf(foundation),
    wallMs: runtime.wallMs,
    random: runtime.random,
    newId: randomUUID,
    observe,
    post,
  });
}

export const notifierOf = (
  { store }: Foundation,
  notifications: Notifications,
  outbox: Pick<Outbox, 'wake'>,
): Notifier =>
  notifications.tester({
    audit: store.audit,
    wake: outbox.wake,
    giveUp: () => wait(TEST_PATIENCE_MS, undefined, { ref: false }),
  });

/** Ends notices to destinations that were removed from the settings. */
export async function endRemoved({ store, runtime }: Foundation, { handlers }: Notifications): Promise<void> {
  const served = new Set(handlers.map(h => h.topic));
  for (const { topic } of await store.outbox.waiting()) {
    if (!topic.startsWith(TOPIC_PREFIX) || served.has(topic)) continue;
    const destination = topic.slice(TOPIC_PREFIX.length);
    for (const { id, payload } of await store.outbox.pending(topic)) {
      const { kind } = (payload as { readonly notice: { readonly kind: string } }).notice;
      const code = 'destination_removed';
      await store.outbox.giveUp(id, code);
      runtime.observer.observe({ type: 'ota.notify.gave_up', destination, kind, code });
    }
  }
}
