/**
 * Microsoft Teams, by a workflow that starts with "When a Teams webhook request is received": a message with one
 * Adaptive Card. All texts are text runs, which do not support Markdown. Mentions need entities, and our cards have none.
 * https://learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors/how-to/connectors-using
 * https://learn.microsoft.com/adaptive-cards/authoring-cards/text-features (Markdown, DATE and TIME)
 * https://learn.microsoft.com/connectors/teams/ (about 28 KB a message)
 */
import type { DatedNotice } from '../domain/notice/notice.ts';
import { fit } from './text.ts';
import { stampOf, type Wording, wordingOf } from './wording.ts';

const HEADLINE_MOST = 300;
const FACT_MOST = 600;
const QUOTE_MOST = 1_500;

/** `{{DATE(…)}}` is a function of cards. An invisible character between two braces prevents it. */
const APART = '\u200b';
const apart = (text: string): string => text.replaceAll('{', `{${APART}`);

const COLOURS: Readonly<Record<Wording['tone'], string>> = {
  good: 'good',
  neutral: 'default',
  bad: 'attention',
};

const run = (text: string, look: Readonly<Record<string, unknown>> = {}) => ({
  type: 'TextRun',
  text: apart(text),
  ...look,
});
const line = (...inlines: unknown[]) => ({ type: 'RichTextBlock', inlines });

/** `from` is the name of this controller. */
export function teamsBody({ atMs, notice }: DatedNotice, from: string | undefined): unknown {
  const { headline, facts, quote, tone } = wordingOf(notice);
  const card = {
    $schema: 'http://adaptivecards.io/schemas/adaptive-card.json',
    type: 'AdaptiveCard',
    // The first version with text runs. All Teams clients support it.
    version: '1.2',
    body: [
      line(run(fit(headline, HEADLINE_MOST), { size: 'large', weight: 'bolder', color: COLOURS[tone] })),
      ...facts.map(([label, value]) =>
        line(run(`${label}: `, { weight: 'bolder' }), run(fit(value, FACT_MOST) || '-')),
      ),
      ...(quote === undefined ? [] : [line(run(fit(`“${quote}”`, QUOTE_MOST), { italic: true }))]),
      line(run(stampOf(atMs, from), { isSubtle: true, size: 'small' })),
    ],
  };
  return {
    type: 'message',
    attachments: [
      { contentType: 'application/vnd.microsoft.card.adaptive', contentUrl: null, content: card },
    ],
  };
}
