/**
 * Slack's incoming webhooks. Texts are `plain_text` objects, which do not support links, mentions or styles. `&`, `<` and
 * `>` are escaped anyway, because `<!channel>` in the fallback text would notify everybody.
 * https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks
 * https://docs.slack.dev/messaging/formatting-message-text (escaping)
 * https://docs.slack.dev/reference/block-kit/blocks (limits)
 */
import type { DatedNotice } from '../domain/notice/notice.ts';
import { fit } from './text.ts';
import { stampOf, wordingOf } from './wording.ts';

const HEADER_MOST = 150;
const SECTION_MOST = 3_000;
const FIELD_MOST = 2_000;
const FALLBACK_MOST = 1_000;
/** Keeps messages short. */
const QUOTE_MOST = Math.min(1_500, SECTION_MOST);

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;' };
const escaped = (character: string): string => ENTITIES[character] ?? character;
const text = (of: string, most: number) => ({
  type: 'plain_text',
  text: fit(of, most, escaped) || '-',
  emoji: false,
});

/** `from` is the name of this controller. */
export function slackBody({ atMs, notice }: DatedNotice, from: string | undefined): unknown {
  const { headline, facts, quote } = wordingOf(notice);
  return {
    text: fit(headline, FALLBACK_MOST, escaped),
    unfurl_links: false,
    unfurl_media: false,
    blocks: [
      { type: 'header', text: text(headline, HEADER_MOST) },
      {
        type: 'section',
        fields: facts.map(([label, value]) => text(`${label}: ${value}`, FIELD_MOST)),
      },
      ...(quote === undefined ? [] : [{ type: 'section', text: text(`“${quote}”`, QUOTE_MOST) }]),
      { type: 'context', elements: [text(stampOf(atMs, from), FIELD_MOST)] },
    ],
  };
}
