/** *Now* in a browser, in all its states. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { closeBrowser, noBrowser, signIn, withPage } from '../support/pages/browser.ts';
import { accessible, fitsPhones, headingOf, picture, plain } from '../support/pages/looks.ts';
import { withPages } from '../support/pages/pages.ts';
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
    /Too many installs failed: 9 of \d+ judged devices.*limit of 2 %.*It stays so until a person acts/,
  ],
  braked: [/is offered to nobody/, /“kiosks in Berlin reboot in a loop”.*It stays so until a person acts/],
  'rolled-back': [/Everybody is offered b42 4\.2\.0/, /“crash loop on Android 10”.*stay there/],
  suspended: [
    /All offers are frozen until Mon 7 Dec 08:00 UTC/,
    /“stock-taking in all stores”.*It goes on by itself/,
  ],
  asks: [/waits for a decision/, /It stays so until a person acts/],
  'needs-approval': [/is offered to 25 %/, /step to 50 % needs an approval.*approved_percent: 50/],
  refused: [/is offered to 10 %/, /goes on to 25 %/],
  completed: [/b43 4\.3\.0 runs on 99\.5 % of the active fleet/, /Nothing has to be done/],
  'source-lost': [/is offered to 10 %/, /goes on to 25 %/],
  'clock-held': [/is offered to 10 %/, /the wall clock cannot be trusted/],
  empty: [/Three steps to the first update/, /agents wait and change nothing/],
};

/** What stands beside the heading in states that are about something else. */
const NOTES: Readonly<Partial<Record<keyof typeof SCENES, RegExp>>> = {
  refused: /Revision \w{7} was refused.*2 problems and changes nothing. \w{7} stays in force/,
  'source-lost': /The source cannot be read.*Checks, steps, gates and the brake work without it/,
  'clock-held': /The clock is held.*ota clock confirm/,
};

for (const name of Object.keys(SAYS) as (keyof typeof SCENES)[]) {
  browserTest(`${name}: the heading is the answer, and nothing stands in anybody's way`, () =>
    withPages(SCENES[name], async pages => {
      await withPage(pages.url, {}, async page => {
        await signIn(page, pages.tokens.admin);
        const [heading, text] = SAYS[name];
        assert.match(await headingOf(page), heading);
        assert.match(plain(await page.locator('[aria-live]').first().textContent()), text);
        const note = NOTES[name];
        if (note !== undefined) assert.match(plain(await page.locator('main').textContent()), note);
        await accessible(page, name);
        await picture(page, `now-${name}`, name === 'ramping');
        await fitsPhones(page, name);
      });
    }),
  );
}

test('the browser is closed', closeBrowser);

test.run();
