/** *Now* in a browser, in all its states. */
import { AxeBuilder } from '@axe-core/playwright';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { closeBrowser, noBrowser, scrollsSideways, signIn, withPage } from '../support/pages/browser.ts';
import { withPages } from '../support/pages/scene.ts';
import { SCENES } from '../support/pages/scenes.ts';

const browserTest = noBrowser === undefined ? test : test.skip;
if (noBrowser !== undefined) console.log(`skipped: ${noBrowser}`);

/** What each state must say in its heading and in the sentence below it. */
const SAYS: Readonly<Record<keyof typeof SCENES, readonly [heading: RegExp, text: RegExp]>> = {
  ramping: [
    /b43 4\.3\.0 is offered to 10 % of the fleet/,
    /goes on to 25 % at 14:00 UTC, in 3 h 10 min, if the gate/,
  ],
  halted: [
    /is offered to nobody/,
    /Too many installs failed: 9 of \d+ judged devices.*limit of 2 %.*Nothing goes on/,
  ],
  braked: [/is offered to nobody/, /“kiosks in Berlin reboot in a loop”.*Nothing goes on by itself/],
  'rolled-back': [/Everybody is offered b42 4\.2\.0/, /“crash loop on Android 10”.*stay there/],
  suspended: [
    /All offers are frozen until Mon 7 Dec 08:00 UTC/,
    /“stock-taking in all stores”.*It goes on by itself/,
  ],
  asks: [/waits for you/, /Nothing goes on by itself/],
  'needs-approval': [/is offered to 25 %/, /step to 50 % needs an approval.*approved_percent: 50/],
  refused: [/is offered to 10 %/, /goes on to 25 %/],
  completed: [/b43 4\.3\.0 runs on 99\.5 % of the active fleet/, /Nothing has to be done/],
  'source-lost': [/is offered to 10 %/, /goes on to 25 %/],
  'clock-held': [/is offered to 10 %/, /the wall clock cannot be trusted/],
  empty: [/Three steps to the first update/, /no agent can do anything wrong/],
};

const plain = (text: string | null): string => (text ?? '').replaceAll('\u00a0', ' ').replaceAll(/\s+/g, ' ');

for (const name of Object.keys(SAYS) as (keyof typeof SCENES)[]) {
  browserTest(`${name}: the heading is the answer, and nothing stands in anybody's way`, () =>
    withPages(SCENES[name], async pages => {
      for (const dark of [false, true])
        await withPage(pages.url, { dark }, async page => {
          await signIn(page, pages.tokens.admin);
          const [heading, text] = SAYS[name];
          assert.match(plain(await page.getByRole('heading', { level: 1 }).textContent()), heading);
          assert.match(plain(await page.locator('[aria-live]').first().textContent()), text);
          const found = await new AxeBuilder({ page }).analyze();
          assert.equal(
            found.violations.map(v => `${v.id}: ${v.nodes.map(n => n.target.join(' ')).join(', ')}`),
            [],
          );
          if (dark) return;
          for (const width of [390, 320]) {
            await page.setViewportSize({ width, height: 800 });
            assert.not.ok(await scrollsSideways(page), `sideways at ${width}`);
          }
        });
    }),
  );
}

test('the browser is closed', closeBrowser);

test.run();
