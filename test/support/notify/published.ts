/**
 * What the services publish of the messages that they take, as far as ours use it.
 * Slack: https://docs.slack.dev/reference/block-kit/blocks and …/composition-objects/text-object (3,000 characters a text,
 * 150 a header, 10 fields of 2,000, 50 blocks a message).
 * Teams: https://adaptivecards.io/schemas/adaptive-card.json (AdaptiveCard 1.2, RichTextBlock, TextRun), in the message
 * of https://learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors/how-to/connectors-using; about 28 KB.
 * Generic: schemas/notification.schema.json.
 */
import { readFileSync } from 'node:fs';
import { Ajv, type ValidateFunction } from 'ajv';
import formats from 'ajv-formats';
import type { NoticeForm } from '../../../controller/domain/notice/notice.ts';

const object = (required: readonly string[], properties: Readonly<Record<string, unknown>>) => ({
  type: 'object',
  additionalProperties: false,
  required,
  properties,
});
const plainText = (maxLength: number) =>
  object(['type', 'text'], {
    type: { const: 'plain_text' },
    text: { type: 'string', minLength: 1, maxLength },
    emoji: { const: false },
  });

const SLACK = object(['text', 'blocks'], {
  text: { type: 'string', minLength: 1, maxLength: 4_000 },
  unfurl_links: { const: false },
  unfurl_media: { const: false },
  blocks: {
    type: 'array',
    maxItems: 50,
    items: {
      oneOf: [
        object(['type', 'text'], { type: { const: 'header' }, text: plainText(150) }),
        object(['type', 'text'], { type: { const: 'section' }, text: plainText(3_000) }),
        object(['type', 'fields'], {
          type: { const: 'section' },
          fields: { type: 'array', minItems: 1, maxItems: 10, items: plainText(2_000) },
        }),
        object(['type', 'elements'], {
          type: { const: 'context' },
          elements: { type: 'array', minItems: 1, maxItems: 10, items: plainText(3_000) },
        }),
      ],
    },
  },
});

const TEXT_RUN = object(['type', 'text'], {
  type: { const: 'TextRun' },
  text: { type: 'string', minLength: 1 },
  color: { enum: ['default', 'dark', 'light', 'accent', 'good', 'warning', 'attention'] },
  italic: { type: 'boolean' },
  isSubtle: { type: 'boolean' },
  size: { enum: ['default', 'small', 'medium', 'large', 'extraLarge'] },
  weight: { enum: ['default', 'lighter', 'bolder'] },
});
const TEAMS = object(['type', 'attachments'], {
  type: { const: 'message' },
  attachments: {
    type: 'array',
    minItems: 1,
    maxItems: 1,
    items: object(['contentType', 'contentUrl', 'content'], {
      contentType: { const: 'application/vnd.microsoft.card.adaptive' },
      contentUrl: { type: 'null' },
      content: object(['type', 'version', 'body'], {
        $schema: { const: 'http://adaptivecards.io/schemas/adaptive-card.json' },
        type: { const: 'AdaptiveCard' },
        version: { const: '1.2' },
        body: {
          type: 'array',
          minItems: 1,
          items: object(['type', 'inlines'], {
            type: { const: 'RichTextBlock' },
            inlines: { type: 'array', minItems: 1, items: TEXT_RUN },
          }),
        },
      }),
    }),
  },
});

const ajv = new Ajv({ allErrors: true, strictTypes: false });
formats.default(ajv);
const GENERIC: unknown = JSON.parse(
  readFileSync(new URL('../../../schemas/notification.schema.json', import.meta.url), 'utf8'),
);
const VALID: Readonly<Record<NoticeForm, ValidateFunction>> = {
  generic: ajv.compile(GENERIC as object),
  slack: ajv.compile(SLACK),
  teams: ajv.compile(TEAMS),
};
/** Bytes of a whole request body; Standard Webhooks recommends less than 20 kB. */
const MOST_BYTES: Readonly<Record<NoticeForm, number>> = { generic: 20_000, slack: 40_000, teams: 28_000 };

/** What is wrong with a body by the service's own rules; empty when it is right. */
export function violations(service: NoticeForm, body: string): string[] {
  const valid = VALID[service];
  const wrong = valid(JSON.parse(body)) ? [] : [`${JSON.stringify(valid.errors)} in ${body}`];
  const size = Buffer.byteLength(body);
  return size > MOST_BYTES[service] ? [...wrong, `${size} bytes`] : wrong;
}
