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
  /** The token is dead, wrong, or of another sender: it will never work. */
  | { readonly result: 'unregistered' | 'invalid' | 'sender_mismatch'; readonly code: string }
  /** Quota, outage or network: later. */
  | { readonly result: 'retry'; readonly code: string };

/** Whether the service takes our credentials. */
export type PushCheck = { readonly result: 'fine' } | { readonly result: 'failed'; readonly code: string };

export interface Pusher {
  /** At most 500 messages; results in the order of the messages; never rejects for what one message met. */
  send(messages: readonly PushMessage[]): Promise<readonly PushResult[]>;
  /** Asks the service without sending anything; absent where that cannot be asked. */
  check?(): Promise<PushCheck>;
}
