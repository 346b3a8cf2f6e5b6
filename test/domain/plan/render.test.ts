import * as fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { durationText } from '../../../controller/domain/duration.ts';
import { code, singleLine } from '../../../controller/domain/plan/escape.ts';
import { countFleet } from '../../../controller/domain/plan/fleet.ts';
import { type Plan, plan } from '../../../controller/domain/plan/index.ts';
import { planJson } from '../../../controller/domain/plan/json.ts';
import { PLAN_MARKDOWN_LIMIT, renderPlanMarkdown } from '../../../controller/domain/plan/markdown.ts';
import { renderPlanText } from '../../../controller/domain/plan/text.ts';
import { bytesText, timeText } from '../../../controller/domain/plan/words.ts';
import type { Rollout } from '../../../controller/domain/release.ts';
import type { Standing } from '../../../controller/domain/standing.ts';
import {
  aBuild,
  aCohort,
  aRamp,
  aStanding,
  aState,
  NOW_MS,
  OTHER_SIGNER,
  type StateParts,
} from '../../support/state.ts';

const stand = (parts: StateParts = {}): Standing => aStanding(aState(parts));
const TRIO = [aBuild(40), aBuild(41), aBuild(42)];
const full: Partial<Rollout> = {
  current: 'b41',
  lastSafe: 'b40',
  exposure: { kind: 'percent', percent: 100 },
};
const between = (base: StateParts, head: StateParts): Plan => plan(stand(base), stand(head), NOW_MS);
const promotion = between(
  { rollout: full, builds: TRIO },
  {
    builds: TRIO,
    rollout: {
      exposure: aRamp(undefined, [1, 4], [10, 24], [50, 24], [100]),
      canary: { tags: ['qa'], devices: ['kiosk-secret-7'], cohorts: [] },
      wifiOnly: false,
    },
  },
);
const devices = Array.from({ length: 500 }, (_, n) => ({
  deviceId: `kiosk-secret-${n}`,
  tags: [],
  versionCode: 41,
}));

test('text: a promotion reads from headline to undo', () => {
  const text = renderPlanText(promotion, { fleet: countFleet(promotion, devices) });
  for (const part of [
    'Promote b42 at 1 %, up to 100 %',
    '~ rollout.yaml current: b41 → b42',
    '- rollout.yaml rollout_percent: 100',
    '+ rollout.yaml ramp.steps: 1 % for 4h, 10 % for 24h, 50 % for 24h, 100 %',
    '>     1 %  merge, holds 4h',
    '  50 %  merge + 28h, holds 24h',
    '500 devices, 0 never seen, 1 canary device',
    '(nominal 50)',
    '! wifi_only_off:',
    'git revert -m 1 <merge>',
    'ota rollback --open-pr',
    `plan ${promotion.hash}`,
  ])
    assert.ok(text.includes(part), `missing: ${part}\n${text}`);
  assert.ok(text.endsWith('\n') && !text.includes('`'));
});

test('Markdown: a promotion reads from headline to undo', () => {
  const text = renderPlanMarkdown(promotion, { fleet: countFleet(promotion, devices), merge: 'abc1234' });
  for (const part of [
    '### Promote `b42` at 1 %, up to 100 %',
    '| `rollout.yaml current` | `b41` | `b42` |',
    '| `rollout.yaml rollout_percent` | `100` |  |',
    '| **10 %** | merge + 4h | 24h |',
    'Canaries, on top of the exposure: 1 tag and 1 named device.',
    ' (nominal 50) | ',
    '> - **wifi only off**',
    '**Undo:** `git revert -m 1 abc1234`, or at once `ota rollback --open-pr`',
    `Plan \`${promotion.hash.slice(0, 12)}\``,
  ])
    assert.ok(text.includes(part), `missing: ${part}\n${text}`);
  const places = [
    'get a new offer at once',
    '[!CAUTION]',
    '**Undo:**',
    '| Step |',
    '| Before |',
    'Plan `',
  ].map(part => text.indexOf(part));
  assert.equal(
    places,
    [...places].sort((a, b) => a - b),
    'effect, dangers, then what may be looked up',
  );
  assert.not.match(text, /Nominal: counted without/);
  assert.match(renderPlanMarkdown(promotion), /Nominal: counted without the enrolled fleet/);
});

test('Markdown: tables have as many cells in each row as titles, and facts have a line each', () => {
  const cells = (line: string): number => line.split('|').length;
  for (const fleet of [undefined, countFleet(promotion, devices)]) {
    const lines = renderPlanMarkdown(promotion, { ...(fleet !== undefined && { fleet }) }).split('\n');
    const title = lines.findIndex(line => line.startsWith('| Step |'));
    const rows = lines.slice(title).findIndex(line => !line.startsWith('|'));
    assert.ok(title > 0 && rows > 2);
    for (const row of lines.slice(title, title + rows)) assert.is(cells(row), cells(lines[title] ?? ''), row);
    assert.ok(lines.filter(line => line.startsWith('- ')).length > 1);
    assert.ok(lines.includes('- Canaries, on top of the exposure: 1 tag and 1 named device.'));
  }
});

test('the headline names a halt as one, not as a move to 0 %', () => {
  const withdrawn = { reason: 'crash loop', atMs: NOW_MS };
  const until = NOW_MS + 3_600_000;
  const suspend = { reason: 'holidays', sinceMs: NOW_MS, untilMs: until };
  const later = { ...suspend, sinceMs: NOW_MS + 1000 };
  const first = (p: Plan): string => renderPlanText(p).split('\n')[0] ?? '';
  const [iso, soon] = [timeText(until), timeText(NOW_MS + 1000)];
  assert.is(first(between({}, { rollout: { suspend } })), `Suspend all offers until ${iso}`);
  assert.is(
    first(between({}, { rollout: { suspend: later } })),
    `Suspend all offers from ${soon} until ${iso}`,
  );
  assert.is(first(between({ rollout: { suspend } }, {})), 'End the suspend: b42 at 10 %');
  assert.is(first(between({}, { builds: [aBuild(41), aBuild(42, { withdrawn })] })), 'Withdraw b42');
  assert.is(first(between({}, { rollout: { suspend, rollback: true } })), 'Roll back from b42 to b41');
});

test('device ids appear in no rendering', () => {
  const fleet = countFleet(promotion, devices);
  for (const text of [
    renderPlanText(promotion, { fleet }),
    renderPlanMarkdown(promotion, { fleet }),
    JSON.stringify(planJson(promotion, fleet)),
  ])
    assert.not.match(text, /secret/);
});

test('a downgrade comes with Android’s caveat and the roll-forward way', () => {
  const forced = between({}, { rollout: { rollback: true, forceDowngrade: true, reason: 'crash' } });
  for (const text of [renderPlanText(forced), renderPlanMarkdown(forced)]) {
    assert.match(text, /debuggable builds or from system and root installers/);
    assert.match(text, /downgrade_refused/);
    assert.match(text, /higher version_code/);
  }
  const plain = renderPlanText(between({}, { rollout: { rollback: true } }));
  assert.match(plain, /Devices on b42 stay there/);
});

test('an empty plan is short in every form', () => {
  const nothing = between({}, {});
  assert.is(renderPlanText(nothing), `Nothing changes for any device\n\nplan ${nothing.hash}\n`);
  assert.is(
    renderPlanMarkdown(nothing),
    `### Nothing changes for any device\n\nPlan \`${nothing.hash.slice(0, 12)}\`\n`,
  );
  assert.is(planJson(nothing).empty, true);
});

const HOSTILE = [
  '@everyone and @org/team',
  '[click](https://evil.example) ![x](https://evil.example/a.png)',
  '<img src=x onerror=alert(1)> <!-- hidden --> </code><script>',
  '`` ` ``` fence',
  '| new | column |\n| --- | --- |',
  '\n\n# heading\n\n- item\n```sh\nrm -rf /\n```',
  'fixes #1, GH-2, org/repo#3, 0123456789abcdef0123456789abcdef01234567',
  '\u202egnihtemos\u202c \u200b\u2028line\u0000\u001b[31mred\u0007',
  '\\| \\` \\\\',
  '&lt;b&gt; &#64;everyone',
  '$$x$$ :tada: www.evil.example',
];

/** Our own frame around what may be hostile: whole lines, and the small print under the way back. */
const FRAME =
  /^(?:<\/?details>|<summary>What changes in the files: \d+ fields?<\/summary>|> \[!CAUTION\])$|<br><sub>|<\/sub>$/gm;

/** What stays of a line once our frame and inline code, which Markdown leaves alone, are cut out. */
const outsideCode = (text: string): string =>
  text
    .replace(FRAME, '')
    .replace(/<code>(?:[\p{L}\p{N} ]|&#\d+;)*<\/code>/gu, '')
    .replace(/`[^`\n]+`/g, '');

for (const reason of HOSTILE)
  test(`hostile free text is inert: ${JSON.stringify(reason).slice(0, 40)}`, () => {
    const build = aBuild(43, { notes: reason, versionName: reason });
    const p = between(
      { builds: [...TRIO, aBuild(43)] },
      {
        builds: [...TRIO, { ...build, withdrawn: { reason, atMs: NOW_MS } }],
        rollout: { reason, suspend: { reason, sinceMs: NOW_MS, untilMs: NOW_MS + 1000 } },
      },
    );
    const markdown = renderPlanMarkdown(p);
    const plain = renderPlanMarkdown(between({}, { rollout: { reason: 'x' } }));
    const rest = outsideCode(markdown);
    assert.not.match(rest, /@|evil|everyone|<|\[|\\|#\d|alert|rm -rf|\$\$|:tada:/);
    assert.is(markdown.split('\n').filter(l => l.startsWith('#')).length, 1);
    for (const row of rest.split('\n').filter(l => l.startsWith('|')))
      assert.is(row.split('|').length, 5, `a table row has three cells: ${row}`);
    assert.is(outsideCode(plain).includes('`'), false);
    const text = renderPlanText(p);
    assert.not.match(text.replaceAll('\n', ''), /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
    assert.is(text.split('\n').filter(l => /heading|rm -rf/.test(l) && !l.includes('.yaml')).length, 0);
  });

test('whatever the text, its code form is one piece of inert code', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 300 }), text => {
      const shown = code(text);
      assert.match(shown, /^(`[^`|\\&<>\n]+`|<code>(?:[\p{L}\p{N} ]|&#\d+;)+<\/code>|\(empty\))$/u);
    }),
    { numRuns: 2_000 },
  );
});

test('a line is cut at its limit by characters, not in the middle of one', () => {
  assert.is(singleLine('💥'.repeat(10), 5), `${'💥'.repeat(4)}…`);
  assert.is(singleLine('  a\r\n\tb  '), 'a b');
});

test('Markdown stays under its limit however much changes, and says how much it leaves out', () => {
  const builds = Array.from({ length: 1_900 }, (_, n) => aBuild(100 + n, { versionName: '<|>'.repeat(60) }));
  const cohorts = Array.from({ length: 100 }, (_, n) => aCohort(`cohort-${n}`, { tags: ['a', 'b'] }));
  const withdrawn = { reason: '`|`'.repeat(300), atMs: NOW_MS };
  const p = between(
    { builds: TRIO },
    {
      builds: [...TRIO, ...builds.map(b => ({ ...b, withdrawn, signerFingerprint: OTHER_SIGNER }))],
      cohorts,
      rollout: {
        exposure: aRamp(undefined, ...Array.from({ length: 50 }, (_, n) => [n + 1, 1] as const)),
        reason: '@'.repeat(1000),
      },
    },
  );
  const fleet = countFleet(p, devices);
  const markdown = renderPlanMarkdown(p, { fleet });
  assert.ok(markdown.length <= PLAN_MARKDOWN_LIMIT, `${markdown.length}`);
  assert.match(markdown, /… and \d+ more changes; `ota plan` lists them all/);
  assert.ok(renderPlanMarkdown(p, { fleet, limit: 20_000 }).length <= 20_000);
  assert.ok(markdown.includes(p.hash.slice(0, 12)) && markdown.includes('ota rollback --open-pr'));
});

test('JSON: snake_case throughout, times in ISO 8601, missing values null', () => {
  const json = planJson(promotion, countFleet(promotion, devices));
  const keys = new Set<string>();
  JSON.stringify(json, (key, value) => {
    keys.add(key);
    assert.is.not(value, undefined);
    return value;
  });
  for (const key of keys) assert.match(key, /^[a-z0-9_]*$/);
  assert.is(JSON.parse(JSON.stringify(json)).at, '2026-06-01T12:00:00Z');
  assert.equal(json.exposure, {
    from_percent: 0,
    to_percent: 1,
    final_percent: 100,
    starts_with_merge: true,
    suspended_until: null,
    steps: [
      { percent: 1, at: '2026-06-01T12:00:00Z', hold_s: 14_400, state: 'now' },
      { percent: 10, at: '2026-06-01T16:00:00Z', hold_s: 86_400, state: 'next' },
      { percent: 50, at: '2026-06-02T16:00:00Z', hold_s: 86_400, state: 'next' },
      { percent: 100, at: '2026-06-03T16:00:00Z', hold_s: null, state: 'next' },
    ],
  });
  assert.is(planJson(promotion).fleet, null);
});

test('amounts read in the units of their field', () => {
  assert.equal([0, 999, 1_000, 41_873_920, 4e11].map(bytesText), [
    '0 B',
    '999 B',
    '1.0 kB',
    '41.9 MB',
    '400.0 GB',
  ]);
  assert.equal([1_000, 90_000, 60_000, 3_600_000, 86_400_000, 172_800_000, 1_500].map(durationText), [
    '1s',
    '90s',
    '1m',
    '1h',
    '24h',
    '2d',
    '1500ms',
  ]);
});

test.run();
