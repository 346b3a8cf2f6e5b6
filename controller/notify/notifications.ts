/**
 * Creates the notifications of a change for the destinations that want its kind. Rows are committed together with the
 * change, and the outbox sends them. A row contains the name of its destination, never the URL.
 */
import { deviceFree, type IsDevice } from '../domain/notice/device-free.ts';
import type { DatedNotice, Notice } from '../domain/notice/notice.ts';
import type { AuditStore, Notifier, NotifyResult, OutboxEntry, OutboxHandler } from '../ports/index.ts';
import { type DeliveryOptions, deliveryTo } from './deliver.ts';
import { type Destination, topicOf } from './destination.ts';

interface NotificationOptions extends Omit<DeliveryOptions, 'tried'> {
  readonly destinations: readonly Destination[];
  readonly isDevice: IsDevice;
  readonly newId: () => string;
}

export interface Notifications {
  readonly handlers: readonly OutboxHandler[];
  /** Rows for each destination that wants this notice; none for `undefined`. */
  promise(notice: Notice | undefined): OutboxEntry[];
  tester(parts: TesterParts): Notifier;
}

interface TesterParts {
  readonly audit: Pick<AuditStore, 'record'>;
  /** Called after rows were added. */
  readonly wake: () => void;
  /** Resolves when a request should stop waiting for the result. */
  readonly giveUp: () => Promise<void>;
}

export function makeNotifications(options: NotificationOptions): Notifications {
  const { destinations, isDevice, newId, nowMs } = options;
  const waiting = new Map<string, (code: string | undefined) => void>();
  const tried: DeliveryOptions['tried'] = (id, code) => {
    waiting.get(id)?.(code);
    waiting.delete(id);
  };

  function rowOf(destination: Destination, notice: Notice): OutboxEntry & { readonly payload: DatedNotice } {
    const dated: DatedNotice = { id: newId(), atMs: nowMs(), notice };
    return { topic: topicOf(destination), key: dated.id, payload: dated, notBeforeMs: 0 };
  }

  return {
    handlers: destinations.map(destination => deliveryTo(destination, { ...options, tried })),
    promise: notice => {
      if (notice === undefined || notice.kind === 'test') return [];
      const anonymous = deviceFree(notice, isDevice);
      return destinations.filter(d => d.kinds.has(notice.kind)).map(d => rowOf(d, anonymous));
    },
    tester: ({ audit, wake, giveUp }) => ({
      destinations: destinations.map(({ name, service, kinds }) => ({ name, service, kinds: [...kinds] })),
      test: async ({ by, destination }) => {
        const asked = destinations.filter(d => destination === undefined || d.name === destination);
        const rows = asked.map(d => ({ name: d.name, row: rowOf(d, { kind: 'test', by }) }));
        const results = rows.map(({ name, row }) => {
          const arrived = new Promise<NotifyResult>(resolve =>
            waiting.set(row.key, code =>
              resolve({ destination: name, result: code === undefined ? 'sent' : 'failed', code }),
            ),
          );
          const late = giveUp().then(
            (): NotifyResult => ({ destination: name, result: 'waiting', code: undefined }),
          );
          return Promise.race([arrived, late]).finally(() => waiting.delete(row.key));
        });
        const subject = destination ?? 'all';
        await audit.record(
          {
            atMs: nowMs(),
            actor: by,
            action: 'notify.test',
            subject,
            detail: { destinations: asked.map(d => d.name) },
          },
          rows.map(({ row }) => row),
        );
        wake();
        return Promise.all(results);
      },
    }),
  };
}
