/** What each service is sent: valid by its published form whatever people wrote, and nothing they wrote does anything. */
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { DatedNotice, NoticeForm } from '../../controller/domain/notice/notice.ts';
import { genericBody } from '../../controller/notify/generic.ts';
import { slackBody } from '../../controller/notify/slack.ts';
import { teamsBody } from '../../controller/notify/teams.ts';
import { fit, plain, shortRevision } from '../../controller/notify/text.ts';
import { noticesWith } from '../support/notify/notices.ts';
import { violations } from '../support/notify/published.ts';
import { NOW_MS } from '../support/state.ts';

const BODIES: Readonly<Record<NoticeForm, (dated: DatedNotice, from: string | undefined) => unknown>> = {
  generic: genericBody,
  slack: slackBody,
  teams: teamsBody,
};

function* bodiesWith(text: string, versionName?: string) {
  for (const notice of noticesWith(text, versionName))
    for (const [service, bodyOf] of Object.entries(BODIES)) {
      const dated = { id: '00000000-0000-4000-8000-000000000000', atMs: NOW_MS, notice };
      yield { service: service as NoticeForm, notice, body: JSON.stringify(bodyOf(dated, text)) };
    }
}

/** Every text that a service would show, found by its key. */
function textsOf(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(textsOf);
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, v]) =>
    key === 'text' && typeof v === 'string' ? [v] : textsOf(v),
  );
}

test('every kind is valid for every service, from one character to far too many', () => {
  const texts = [
    'x',
    'the lobby had no power',
    '',
    ' ',
    '\u202e',
    '&'.repeat(5_000),
    '😀'.repeat(5_000),
    '"'.repeat(9_000),
  ];
  for (const text of texts)
    for (const { service, body } of bodiesWith(text, text)) assert.equal(violations(service, body), []);
});

test('property: any text leaves every body valid, without anything that Slack or a card would act on', () => {
  const hostile = fc.constantFrom(
    '<!channel>',
    '<@U1>',
    '<http://x|y>',
    '&lt;',
    '{{DATE(x)}}',
    '[a](http://x)',
    '\u202e',
    '\n',
  );
  const text = fc
    .array(fc.oneof(hostile, fc.string({ unit: 'binary' }), fc.string()))
    .map(parts => parts.join(''));
  fc.assert(
    fc.property(text, written => {
      for (const { service, body } of bodiesWith(written, written)) {
        assert.equal(violations(service, body), []);
        for (const shown of textsOf(JSON.parse(body))) {
          assert.not.match(shown, /[\p{Cc}\u202a-\u202e\u2066-\u2069]/u);
          if (service === 'slack') assert.not.match(shown, /[<>]|&(?!(amp|lt|gt);)/);
          if (service === 'teams') assert.not.match(shown, /\{\{/);
        }
      }
    }),
    { numRuns: 60 },
  );
});

test('a mention, a link and Markdown arrive as the characters that they are', () => {
  const written = '<!channel> see [here](http://evil) *now* {{TIME(x)}} & <@U1>';
  for (const { service, notice, body } of bodiesWith(written)) {
    if (notice.kind !== 'halted') continue;
    const texts = textsOf(JSON.parse(body)).join('\n');
    if (service === 'slack') {
      assert.match(texts, '“&lt;!channel&gt; see [here](http://evil) *now* {{TIME(x)}} &amp; &lt;@U1&gt;”');
      assert.not.match(body, /"mrkdwn"/);
    }
    if (service === 'teams') {
      assert.match(texts, '“<!channel> see [here](http://evil) *now* {\u200b{\u200bTIME(x)}} & <@U1>”');
      assert.not.match(body, /"TextBlock"|"FactSet"|"entities"/);
    }
    if (service === 'generic') assert.is(JSON.parse(body).data.reason, written);
  }
});

test('the words: what happened, to which build, where it stands, what next', () => {
  const shown = [...bodiesWith('reboots in the lobby')]
    .filter(b => b.service === 'teams')
    .map(({ body }) =>
      JSON.parse(body).attachments[0].content.body.map((block: { inlines: { text: string }[] }) =>
        block.inlines.map(i => i.text).join(''),
      ),
    );
  assert.equal(shown, [
    [
      'b42 (4.2.0) is offered to 10 % of the fleet',
      'Revision: 3f0c12ab90de',
      'Offered to: 0 % → 10 %, finally 100 %',
      'Before: b41',
      '“reboots in the lobby”',
      'reboots in the lobby · 2026-06-01T12:00:00.000Z',
    ],
    [
      'Rolled back: b43; devices are offered b42 (4.2.0)',
      'Revision: 3f0c12ab90de',
      'Downgrade: forced',
      '“reboots in the lobby”',
      'reboots in the lobby · 2026-06-01T12:00:00.000Z',
    ],
    [
      'Revision 3f0c12ab90de was refused',
      'Still in force: nothing',
      'Problems: rollout_missing (reboots in the lobby:1), 8 more',
      'Next: run ota status to see all problems',
      'reboots in the lobby · 2026-06-01T12:00:00.000Z',
    ],
    [
      'b42 (4.2.0) was stopped by hand',
      'Revision: 3f0c12ab90de',
      'By: admin:alice',
      'Devices get: no new offers of it',
      '“reboots in the lobby”',
      'reboots in the lobby · 2026-06-01T12:00:00.000Z',
    ],
    [
      'Rollout of b42 (4.2.0) is complete',
      'Revision: 3f0c12ab90de',
      'Running it: 118 of 121 devices',
      'Offered to: 100 %',
      'reboots in the lobby · 2026-06-01T12:00:00.000Z',
    ],
    [
      'b42 (4.2.0) fails on 7 devices',
      'Revision: 3f0c12ab90de',
      'Failed: 7 of 40 in 60 minutes',
      'Reasons: install_failed 7',
      'reboots in the lobby · 2026-06-01T12:00:00.000Z',
    ],
    [
      'This is a test: notifications arrive here',
      'Requested by: admin:alice',
      'reboots in the lobby · 2026-06-01T12:00:00.000Z',
    ],
  ]);
});

test('text is cut with a sign, between characters and never inside an escape', () => {
  const amp = (c: string): string => (c === '&' ? '&amp;' : c);
  assert.is(fit('short', 5), 'short');
  assert.is(fit('longer', 5), 'long…');
  assert.is(fit('a&b', 7, amp), 'a&amp;b');
  assert.is(fit('a&bc', 7, amp), 'a&amp;…');
  assert.is(fit('ab&', 5, amp), 'ab…');
  assert.is(fit('a😀😀', 4), 'a😀…');
  assert.is(plain(' one\r\n two\u0000\u202e  three\ud800 '), 'one two three');
  assert.is(shortRevision(`folder:${'a'.repeat(64)}`), 'folder:aaaaaaaaaaaa');
  assert.is(shortRevision('0123456789abcdef0123456789abcdef01234567'), '0123456789ab');
});

test.run();
