/** Notifications over a real store and the real outbox, time passed in. */
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Event } from '../../../controller/domain/event.ts';
import type { Notice } from '../../../controller/domain/notice/notice.ts';
import { NOTICE_KINDS } from '../../../controller/domain/notice/notice.ts';
import type { Destination } from '../../../controller/notify/destination.ts';
import { makeNotifications, type Notifications } from '../../../controller/notify/notifications.ts';
import { post } from '../../../controller/notify/post.ts';
import { makeOutbox, type Outbox } from '../../../controller/outbox/drain.ts';
import type { OutboxHandler } from '../../../controller/ports/index.ts';
import type { Store } from '../../../controller/store/store.ts';
import { NOW_MS } from '../state.ts';
import { withStore } from '../store.ts';
import { AUTHORITY, SECRET } from './receiver.ts';

export interface NotifyScene {
  readonly store: Store;
  nowMs: number;
  readonly events: Event[];
  readonly notifications: Notifications;
  readonly outbox: Outbox;
  /** Promises a notice and lets the outbox work until nothing is due. */
  tell(notice: Notice): Promise<void>;
  /** Moves time and lets the outbox work until nothing is due. */
  pass(ms: number): Promise<void>;
}

export const aDestination = (url: string, over: Partial<Destination> = {}): Destination => ({
  name: 'ops',
  service: 'generic',
  url,
  kinds: new Set(NOTICE_KINDS),
  key: Buffer.from(SECRET.replace('whsec_', ''), 'base64'),
  ca: readFileSync(AUTHORITY, 'utf8'),
  ...over,
});

export interface SceneOptions {
  readonly timeoutMs?: number;
  readonly more?: readonly OutboxHandler[];
  readonly devices?: readonly string[];
}

export const withNotifications = (
  destinations: readonly Destination[],
  use: (scene: NotifyScene) => Promise<void>,
  { timeoutMs = 5_000, more = [], devices = [] }: SceneOptions = {},
): Promise<void> => {
  let nowMs = NOW_MS;
  return withStore(
    async store => {
      const events: Event[] = [];
      const observe = (event: Event): void => void events.push(event);
      const notifications = makeNotifications({
        destinations,
        from: 'https://ota.example',
        isDevice: id => devices.includes(id),
        nowMs: () => nowMs,
        dueMs: () => nowMs,
        wallMs: Date.now,
        random: () => 0,
        newId: randomUUID,
        observe,
        post: request => post({ ...request, timeoutMs }),
      });
      const outbox = makeOutbox({
        store: store.outbox,
        handlers: [...notifications.handlers, ...more],
        nowMs: () => nowMs,
        random: () => 0,
        observe,
        intervalMs: 3_600_000,
      });
      const scene: NotifyScene = {
        store,
        get nowMs() {
          return nowMs;
        },
        events,
        notifications,
        outbox,
        tell: async notice => {
          await store.outbox.add(notifications.promise(notice));
          await outbox.drain();
        },
        pass: async ms => {
          nowMs += ms;
          await outbox.drain();
        },
      };
      try {
        await use(scene);
      } finally {
        await outbox.stop();
      }
    },
    { nowMs: () => nowMs },
  );
};
