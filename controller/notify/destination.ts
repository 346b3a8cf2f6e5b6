/** A destination of notifications from the settings. */
import type { NoticeForm, NoticeKind } from '../domain/notice/notice.ts';

export interface Destination {
  /** Identifies the destination in log, metrics, audit and outbox. They never contain the URL, which is a secret. */
  readonly name: string;
  readonly service: NoticeForm;
  /** https, or http on loopback. */
  readonly url: string;
  readonly kinds: ReadonlySet<NoticeKind>;
  /** Signs each request; without a key requests are not signed. */
  readonly key: Uint8Array | undefined;
  /** PEM of the trusted certificate authorities. If undefined, Node's own list is used. */
  readonly ca: string | undefined;
}

export const TOPIC_PREFIX = 'notify:';
/** The outbox topic: one queue per destination. */
export const topicOf = ({ name }: Pick<Destination, 'name'>): string => `${TOPIC_PREFIX}${name}`;
