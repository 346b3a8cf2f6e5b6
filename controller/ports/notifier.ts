/** Tries out where notifications go. */
import type { NoticeForm } from '../domain/notice/notice.ts';

export interface NotifyResult {
  readonly destination: string;
  /** `waiting`: earlier messages to it are still being tried; this one follows by itself. */
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
  /** Sends a test message to one destination or to all, audited, and waits for what becomes of it. */
  test(asked: { readonly by: string; readonly destination: string | undefined }): Promise<NotifyResult[]>;
}
