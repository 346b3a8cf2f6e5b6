/** Messages to devices over a push service. */

export interface PushMessage {
  readonly pushToken: string;
  /** All values are strings: the data of an FCM data message. */
  readonly data: Readonly<Record<string, string>>;
  readonly ttlMs: number;
  readonly collapseKey: string;
}

export type PushResult =
  | { readonly result: 'sent' }
  /** The token is expired, malformed or belongs to another sender. It will never work. */
  | { readonly result: 'unregistered' | 'invalid' | 'sender_mismatch'; readonly code: string }
  /** Quota, outage or network failure: try again later. */
  | { readonly result: 'retry'; readonly code: string };

/** Whether the service accepts our credentials. */
export type PushCheck = { readonly result: 'fine' } | { readonly result: 'failed'; readonly code: string };

export interface Pusher {
  /** At most 500 messages. Results are in the order of the messages. Never rejects because one message failed. */
  send(messages: readonly PushMessage[]): Promise<readonly PushResult[]>;
  /** Checks the credentials without sending anything. Absent if the service cannot check them. */
  check?(): Promise<PushCheck>;
}
