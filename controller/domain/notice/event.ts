/** What becomes of notifications: a part of the union in ../event.ts. Destinations by name; their URLs are secrets. */

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
      /** It will never arrive: refused for good, tried for 24 hours, or its destination is no longer set. */
      readonly type: 'ota.notify.gave_up';
      destination: string;
      kind: string;
      code: string;
    };
