/** Events about notifications, part of the union in ../event.ts. They name destinations; URLs are secrets. */

export type NotifyEvent =
  | {
      /** At a start, for each destination. */
      readonly type: 'ota.notify.on';
      destination: string;
      service: string;
      kinds: readonly string[];
    }
  | { readonly type: 'ota.notify.sent'; destination: string; kind: string }
  | {
      readonly type: 'ota.notify.retry';
      destination: string;
      kind: string;
      code: string;
      attempt: number;
    }
  | {
      /** Given up: rejected for good, retried for 24 hours, or the destination is no longer configured. */
      readonly type: 'ota.notify.gave_up';
      destination: string;
      kind: string;
      code: string;
    };
