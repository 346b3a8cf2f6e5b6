/** Sends test messages to the destinations of notifications. */
import type { NoticeForm } from '../domain/notice/notice.ts';

export interface NotifyResult {
  readonly destination: string;
  /** `waiting`: earlier messages to this destination are still queued. The test message is sent after them. */
  readonly result: 'sent' | 'failed' | 'waiting';
  /** Why it failed. */
  readonly code: string | undefined;
}

export interface Notifier {
  /** Without their URLs: those are secrets. */
  readonly destinations: readonly {
    readonly name: string;
    readonly service: NoticeForm;
    readonly kinds: readonly string[];
  }[];
  /** Sends a test message to one or all destinations and waits for the results. Audited. */
  test(asked: { readonly by: string; readonly destination: string | undefined }): Promise<NotifyResult[]>;
}
