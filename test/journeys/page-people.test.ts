/** People at the pages, in a browser: a real OpenID provider, real Git and GitHub's API on loopback. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { HOUR_MS } from '../../controller/domain/duration.ts';
import { type PullJourney, withPullRequests } from '../support/github/journey.ts';
import { withOpenId } from '../support/identity/openid.ts';
import { ACCOUNTS, freePort, settingsFor } from '../support/identity/pages.ts';
import { closeBrowser, noBrowser, type Page, withPage } from '../support/pages/browser.ts';
import { accessible, fitsPhones, headingOf, picture, plain } from '../support/pages/looks.ts';

const browserTest = noBrowser === undefined ? test : test.skip;
if (noBrowser !== undefined) console.log(`skipped: ${noBrowser}`);

/** The provider's pages are its own: what the browser says of them is no concern of ours. */
const ALLOWS = /favicon|Failed to load resource|Content Security Policy/;

/** Ends with the browser closed, so that no test after it waits for one. */
async function withPeople(use: (pulls: PullJourney, url: string) => Promise<void>): Promise<void> {
  const origin = `http://127.0.0.1:${await freePort()}`;
  try {
    await withOpenId(origin, ACCOUNTS, openId =>
      withPullRequests(
        async pulls => {
          await pulls.journey.enrol(['kiosk-1', 'kiosk-2', 'kiosk-3']);
          await use(pulls, origin);
        },
        settingsFor(openId, origin),
      ),
    );
  } finally {
    await closeBrowser();
  }
}

async function signInAs(page: Page, login: string): Promise<void> {
  await page.getByRole('link', { name: 'Sign in with Example SSO' }).click();
  await page.locator('input[name="login"]').fill(login);
  await page.locator('input[name="password"]').fill('any');
  await page.locator('button[type="submit"]').first().click();
}

const who = async (page: Page): Promise<string> =>
  plain(await page.locator('.who > span').first().textContent());
const openPulls = ({ hub }: PullJourney) => hub.state.pulls.filter(pull => pull.state === 'open');

browserTest('a proposer opens a pull request in their own name, also when the session ends on the way', () =>
  withPeople(async (pulls, url) =>
    withPage(url, { allows: ALLOWS }, async page => {
      await page.goto('/change/promote?build=b42&percent=10');
      assert.is(await headingOf(page), 'Sign in');
      await accessible(page, 'sign-in by provider');
      await picture(page, 'sign-in-provider', false, 420);
      await page.emulateMedia({ colorScheme: 'dark' });
      await picture(page, 'sign-in-provider-dark', false, 420);
      await page.emulateMedia({ colorScheme: 'light' });
      await fitsPhones(page, 'sign-in by provider');
      await page.setViewportSize({ width: 1280, height: 900 });
      await signInAs(page, 'bob');
      await page.getByRole('button', { name: 'Open the pull request' }).waitFor();
      assert.is(await who(page), 'Bob proposer');

      await page.getByRole('textbox', { name: 'Reason' }).fill('the Wi-Fi fix');
      await pulls.pass(8 * HOUR_MS);
      await page.getByRole('button', { name: 'Open the pull request' }).click();
      assert.is(await headingOf(page), 'Sign in');
      assert.is(openPulls(pulls).length, 0, 'a session that is over opens nothing');

      // The provider still knows who it is.
      await page.getByRole('link', { name: 'Sign in with Example SSO' }).click();
      const reason = page.getByRole('textbox', { name: 'Reason' });
      assert.is(await reason.inputValue(), 'the Wi-Fi fix', 'what was typed is not lost');
      await page.getByRole('button', { name: 'Open the pull request' }).click();
      assert.match(await headingOf(page), /^Pull request #\d+ is open$/);
      const [pull] = openPulls(pulls);
      assert.match(pull?.body ?? '', /Asked for on the operators' page by `person:bob \(Bob\)`/);
      await page.goto('/audit?action=change.propose');
      assert.match(plain(await page.locator('tbody').textContent()), /Bob\s*change\.propose/);

      await page.getByRole('button', { name: 'Sign out' }).click();
      assert.is(await headingOf(page), 'You are signed out');
      await accessible(page, 'signed out');
      await page.getByRole('link', { name: 'Sign out at Example SSO too' }).click();
      await page.locator('button[value="yes"], button[type="submit"]').first().click();
      await page.getByRole('link', { name: 'Sign in with Example SSO' }).click();
      await page.locator('input[name="login"]').waitFor();
    }),
  ),
);

browserTest('a viewer sees everything and can change nothing; a person without a role is told so', () =>
  withPeople(async (pulls, url) => {
    await pulls.merge(await pulls.propose('ten', 10));
    await withPage(url, { allows: ALLOWS }, async page => {
      await page.goto('/');
      await signInAs(page, 'eve');
      await page.getByRole('navigation', { name: 'Views' }).waitFor();
      assert.is(await who(page), 'Eve viewer');
      assert.is(await page.getByRole('button', { name: /Brake|Resume/ }).count(), 0);
      assert.is(await page.locator('main .btn').count(), 0);
      assert.match(plain(await page.locator('.acts').textContent()), /^You can look at everything here/);
      await page.goto('/change/rollout?percent=25');
      assert.match(
        plain(await page.locator('main').textContent()),
        /Proposing takes the role proposer; you are a viewer/,
      );
      assert.is(await page.getByRole('button', { name: 'Open the pull request' }).count(), 0);
    });
    await withPage(url, { allows: ALLOWS }, async page => {
      await page.goto('/');
      await signInAs(page, 'nobody');
      assert.is(await headingOf(page), 'You have no access here');
      await accessible(page, 'no access');
      await picture(page, 'no-access', false, 480);
      await page.getByRole('link', { name: 'Use another account' }).click();
      await page.getByRole('link', { name: 'Sign out at Example SSO too' }).waitFor();
    });
  }),
);

browserTest('a person who signs in without JavaScript comes to the same pages', () =>
  withPeople(async (_pulls, url) =>
    withPage(url, { scripts: false, allows: ALLOWS }, async page => {
      await page.goto('/health');
      await signInAs(page, 'auth0|ann');
      assert.is(await who(page), 'Ann Álvarez operator');
      assert.match(
        plain(await page.locator('main').textContent()),
        /people sign in with Example SSO, which answers/i,
      );
    }),
  ),
);

test.run();
