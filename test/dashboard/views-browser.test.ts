/** All views in a browser: what a person understands from them, with and without scripts, with hostile texts in them. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { closeBrowser, noBrowser, signIn, withPage } from '../support/pages/browser.ts';
import { accessible, fitsPhones, headingOf, picture, plain } from '../support/pages/looks.ts';
import { withPages } from '../support/pages/pages.ts';
import { idsIn, type Scene } from '../support/pages/scene.ts';
import { SCENES } from '../support/pages/scenes.ts';
import { DAY_MS, HOUR_MS } from '../support/state.ts';

const browserTest = noBrowser === undefined ? test : test.skip;
if (noBrowser !== undefined) console.log(`skipped: ${noBrowser}`);

/** One that waits for Wi-Fi. */
const DEVICE = idsIn('kiosk', 80, 10, 'inside')[71] ?? '';

const VIEWS = {
  builds: ['/builds', /^Builds$/],
  revisions: ['/revisions', /^Revisions$/],
  devices: ['/devices?q=kiosk', /^Devices$/],
  device: [`/devices/${DEVICE}`, new RegExp(`^${DEVICE}$`)],
  health: ['/health', /./],
  audit: ['/audit', /^Audit$/],
} as const;

browserTest('each view is readable in light and dark, by machine and on a phone', () =>
  withPages(SCENES.refused, async pages => {
    await withPage(pages.url, {}, async page => {
      await page.goto('/sign-in');
      await accessible(page, 'sign-in');
      await picture(page, 'sign-in');
      await signIn(page, pages.tokens.admin);
      for (const [name, [target, heading]] of Object.entries(VIEWS)) {
        await page.setViewportSize({ width: 1280, height: 900 });
        await page.goto(target);
        assert.match(await headingOf(page), heading, name);
        await accessible(page, name);
        await picture(page, name, false, 900);
        await fitsPhones(page, name);
      }
    });
  }),
);

browserTest(
  'a refused revision is understood: file, line, the source line, the message and what stands',
  () =>
    withPages(SCENES.refused, async pages =>
      withPage(pages.url, {}, async page => {
        await signIn(page, pages.tokens.viewer);
        await page.getByRole('link', { name: 'See the problems with their lines' }).click();
        const refused = page.locator('.revs > li').first();
        const text = plain(await refused.textContent());
        assert.match(text, /^Refused/);
        assert.match(text, /2 problems\. Not in force; \w{7} stays in force/);
        assert.match(text, /releases\/rollout\.yaml, line \d+, column 1/);
        assert.match(text, /exposure_both: /);
        assert.match(text, /unknown_key: .*did you mean min_battery_percent/);
        for (const shown of await refused.locator('figure').all()) {
          const line = /line (\d+)/.exec(plain(await shown.locator('figcaption').textContent()))?.[1];
          assert.is(
            await shown.locator('.bad > span').first().textContent(),
            line,
            'the marked line is the one',
          );
        }
        assert.is(await refused.locator('u').last().textContent(), 'min_batery_percent');
      }),
    ),
);

browserTest('a reviewer reads why: from the heading to the gate, and to the device that failed', () =>
  withPages(SCENES.halted, async pages =>
    withPage(pages.url, {}, async page => {
      await signIn(page, pages.tokens.viewer);
      const gate = plain(await page.getByRole('region', { name: 'Why the gate halted' }).textContent());
      assert.match(gate, /Failed installs\s*9 of 70 judged · 12\.9 %, limit 2 %/);
      assert.match(gate, /Evidence of failing installs: over 1,000; the gate halts at 20/);
      const failures = page.getByRole('region', { name: /Failures and delays of b43/ });
      assert.match(plain(await failures.textContent()), /Counts against the build\s*install_failed/);
      await page.getByRole('link', { name: 'The devices that failed' }).click();
      assert.is(await page.locator('tbody tr').count(), 10);
      await page.locator('tbody th a').first().click();
      assert.match(
        plain(await page.locator('main').textContent()),
        /Is the build stopped\? ?Yes its gate has halted it/,
      );
      assert.match(
        plain(await page.locator('main').textContent()),
        /Failed b43: install_failed.*INSTALL_FAILED_DEXOPT/,
      );
    }),
  ),
);

browserTest('devices are found by how their id begins, by tag, build and report', () =>
  withPages(SCENES.ramping, async pages =>
    withPage(pages.url, { allows: /404/ }, async page => {
      await signIn(page, pages.tokens.viewer, '/devices');
      const ids = () => page.locator('tbody th a').allTextContents();
      assert.is((await ids()).length, 12);
      await page.getByLabel('Id begins with').fill('lab-');
      await page.getByRole('button', { name: 'Find' }).click();
      assert.equal(await ids(), ['lab-1', 'lab-2', 'lab-3', 'lab-4']);
      await page.getByLabel('Tag').fill('kiosk');
      await page.getByRole('button', { name: 'Find' }).click();
      assert.match(plain(await page.locator('main').textContent()), /No device fits/);
      await page.goto('/devices?tag=kiosk&outcome=deferred');
      assert.equal(await ids(), idsIn('kiosk', 80, 10, 'inside').slice(70, 75));
      await page.goto('/devices?build=b41&seen=not-week');
      assert.equal(
        (await ids()).every(id => id.startsWith('drawer-')),
        true,
      );
      await page.goto('/devices/nobody');
      assert.is(await headingOf(page), 'No such device');
    }),
  ),
);

browserTest('everything works without JavaScript', () =>
  withPages(SCENES.ramping, async pages =>
    withPage(pages.url, { scripts: false }, async page => {
      await signIn(page, pages.tokens.viewer);
      assert.match(await headingOf(page), /is offered to 10 %/);
      assert.not.ok(await page.locator('.theme').isVisible(), 'a button that does nothing is not shown');
      for (const name of ['Builds', 'Revisions', 'Devices', 'Health', 'Audit', 'Now']) {
        await page.getByRole('navigation', { name: 'Views' }).getByRole('link', { name }).click();
        assert.is(await page.locator('[aria-current="page"]').textContent(), name);
      }
      await page.getByRole('button', { name: 'Sign out' }).click();
      assert.is(await headingOf(page), 'Sign in');
    }),
  ),
);

browserTest(
  'an open page follows the fleet by itself, keeps what a person opened, and leaves with the session',
  () =>
    withPages(SCENES.ramping, async pages =>
      withPage(pages.url, {}, async page => {
        await signIn(page, pages.tokens.viewer);
        const table = page.locator('details', { hasText: 'As a table' });
        await table.locator('summary').click();
        const { controller } = pages;
        const token = { authorization: `Bearer ${pages.tokens.admin}`, 'content-type': 'application/json' };
        await fetch(`${controller.operatorUrl}/v1/brake`, {
          method: 'POST',
          headers: token,
          body: JSON.stringify({ reason: 'the page must tell' }),
        });
        await page.getByText('“the page must tell”').waitFor();
        assert.match(await headingOf(page), /is offered to nobody/);
        assert.is(await table.first().getAttribute('open'), '', 'what was opened stays open');
        await controller.store.admins.revoke('viewer', Date.now());
        await page.getByLabel('Operator’s token').waitFor();
      }),
    ),
);

browserTest(
  'a page stays signed in over a restart; once its token is revoked it leads to signing in, and back to itself',
  () =>
    withPages(SCENES.completed, async pages =>
      withPage(pages.url, { allows: /Failed to load resource/ }, async page => {
        await signIn(page, pages.tokens.viewer, '/devices?tag=kiosk');
        await pages.restart();
        await page.reload();
        await page.getByLabel('Id begins with').waitFor();
        await pages.controller.store.admins.revoke('viewer', Date.now());
        await page.getByLabel('Operator’s token').waitFor();
        await page.getByLabel('Operator’s token').fill(pages.tokens.admin);
        await page.getByRole('button', { name: 'Sign in' }).click();
        await page.getByLabel('Id begins with').waitFor();
        assert.match(page.url(), /\/devices\?tag=kiosk$/);
      }),
    ),
);

browserTest('a hidden tab closes its stream, and opens one again when it is looked at', () =>
  withPages(SCENES.completed, async pages =>
    withPage(pages.url, {}, async page => {
      const isLive = (request: { url(): string }): boolean => request.url().endsWith('/live');
      const opened = page.waitForRequest(isLive);
      await signIn(page, pages.tokens.viewer);
      await opened;
      const turn = (hidden: boolean): Promise<unknown> =>
        page.evaluate(`Object.defineProperty(document, 'hidden', { value: ${hidden}, configurable: true });
          document.dispatchEvent(new Event('visibilitychange'))`);
      const closed = page.waitForEvent('requestfailed', isLive);
      await turn(true);
      await closed;
      const again = page.waitForRequest(isLive);
      await turn(false);
      await again;
    }),
  ),
);

browserTest('a theme that was chosen is kept', () =>
  withPages(SCENES.completed, async pages =>
    withPage(pages.url, {}, async page => {
      await signIn(page, pages.tokens.viewer);
      await page.getByRole('button', { name: 'Use the dark theme' }).click();
      await page.goto('/health');
      assert.is(await page.locator('html').getAttribute('data-theme'), 'dark');
      await page.getByRole('button', { name: 'Use the light theme' }).waitFor();
    }),
  ),
);

const MARKUP = `</td></svg><script>window.hit=1</script><img src=x onerror="window.hit=1">"'&\u202e`;

const HOSTILE: Scene = {
  ...SCENES.ramping,
  state: builds => {
    const state = SCENES.ramping.state(builds);
    return {
      ...state,
      builds: [
        { ...builds.b41, withdrawn: { reason: MARKUP, atMs: 0 } },
        { ...builds.b42, notes: MARKUP },
        { ...builds.b43, notes: MARKUP },
      ],
      rollout: {
        ...state.rollout,
        reason: MARKUP,
        suspend: { reason: MARKUP, sinceMs: 0, untilMs: 4_000_000_000_000 },
      },
    };
  },
  past: async past => {
    const { store, builds, devices, took } = past;
    await devices(['evil-1'], {
      build: { ...builds.b42, buildId: 'x.y:z' } as typeof builds.b42,
      tags: [MARKUP],
    });
    await took(['evil-1'], builds.b43, {
      outcome: 'fail',
      reason: 'install_failed',
      detail: MARKUP,
      runs: false,
    });
    await store.halts.press(
      {
        atMs: 0,
        by: `admin:${MARKUP}`,
        buildId: 'b43',
        kind: 'hand',
        mode: 'halt',
        reason: MARKUP,
        evidence: null,
      },
      [{ atMs: 0, actor: MARKUP, action: MARKUP, subject: MARKUP, detail: { [MARKUP]: MARKUP } }],
    );
    await store.desired.reject(
      {
        revision: MARKUP,
        attemptedAtMs: 1,
        problems: [],
      },
      [],
      {
        commit: { author: MARKUP, subject: MARKUP },
        problems: [
          {
            severity: 'error',
            code: 'unknown_key',
            file: MARKUP,
            line: 1,
            column: 3,
            path: MARKUP,
            message: MARKUP,
            hint: MARKUP,
            excerpt: { from: 1, lines: [MARKUP] },
          },
        ],
      },
    );
    await past.adoption(30, () => 3);
    await store.adoption.keepHour({
      hourMs: Math.floor(Date.UTC(2026, 11, 3, 10) / HOUR_MS) * HOUR_MS - DAY_MS / 24,
      running: new Map([[MARKUP, 5]]),
    });
  },
};

browserTest('markup in notes, reasons, tags, reports, audit and commits injects nothing on any view', () =>
  withPages(HOSTILE, async pages =>
    withPage(pages.url, {}, async page => {
      await signIn(page, pages.tokens.admin);
      const asked = encodeURIComponent(MARKUP);
      const targets = [
        '/',
        '/builds',
        '/revisions',
        '/devices',
        `/devices?q=${asked}&tag=${asked}&build=${asked}&outcome=${asked}&of=${asked}&seen=${asked}`,
        '/devices/evil-1',
        '/health',
        '/audit',
        `/audit?actor=${asked}`,
      ];
      let shown = 0;
      for (const target of targets) {
        await page.goto(target);
        shown += (await page.getByText('<script>window.hit=1</script>').count()) > 0 ? 1 : 0;
        assert.is(await page.evaluate('window.hit'), undefined, target);
        assert.is(await page.locator('img').count(), 0, target);
        assert.is(await page.locator('main script').count(), 0, target);
      }
      assert.ok(shown >= 6, `the text itself is shown, on ${shown} views`);
    }),
  ),
);

test('the browser is closed', closeBrowser);

test.run();
