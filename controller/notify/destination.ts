/** Where notifications go, as settings name it. */
import type { NoticeForm, NoticeKind } from '../domain/notice/notice.ts';

export interface Destination {
  /** What log, metrics, audit and outbox call it; the URL is a secret and is in none of them. */
  readonly name: string;
  readonly service: NoticeForm;
  /** https, or http on loopback. */
  readonly url: string;
  readonly kinds: ReadonlySet<NoticeKind>;
  /** Signs each request; without it none is signed. */
  readonly key: Uint8Array | undefined;
  /** PEM of the authorities that its certificate is checked against; undefined: those that Node trusts. */
  readonly ca: string | undefined;
}

export const TOPIC_PREFIX = 'notify:';
/** One queue a destination. */
export const topicOf = ({ name }: Pick<Destination, 'name'>): string => `${TOPIC_PREFIX}${name}`;
