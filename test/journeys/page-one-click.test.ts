/** One click on the page opens the pull request, with the plan that was shown: real Git, GitHub's API on loopback. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type PullJourney, withPullRequests } from '../support/github/journey.ts';
import { inRepository } from '../support/github/stage.ts';
import { call } from '../support/http.ts';
import { closeBrowser, noBrowser, signIn, withPage } from '../support/pages/browser.ts';
import { accessible, fitsPhones, headingOf, picture, plain } from '../support/pages/looks.ts';
import { visitor } from '../support/pages/visitor.ts';
import { aPolicy, aState } from '../support/state.ts';

const openPulls = ({ hub }: PullJourney) => hub.state.pulls.filter(pull => pull.state === 'open');

const ALL_ON_41 = {
  current: 'b41',
  lastSafe: undefined,
  exposure: { kind: 'percent', percent: 100 },
} as const;

test('the plan comes first, then the pull request with that plan; merging it governs', () =>
  withPullRequests(async pulls => {
    const { journey } = pulls;
    await journey.enrol(['kiosk-1', 'kiosk-2', 'kiosk-3']);
    const person = await visitor(pulls.journey);
    const plan = await person.get('/change/promote?build=b42&percent=10');
    assert.is(plan.status, 200, plan.text);
    assert.match(plan.text, /Nothing has happened yet/);
    assert.match(plan.text, /removed: .*current: b41/);
    assert.match(plan.text, /added: .*current: b42/);
    assert.match(plan.text, /ota promote b42 --percent 10/);
    assert.is(openPulls(pulls).length, 0, 'looking opens nothing');

    const opened = await person.press(plan, '/change/promote', { reason: 'Wi-Fi fix <b>bold</b>' });
    assert.is(opened.status, 200, opened.text);
    assert.match(opened.text, /Pull request #\d+ is open/);
    const [pull] = openPulls(pulls);
    assert.is(pull?.title, 'promote b42 to 10 %');
    assert.match(pull?.body ?? '', /Asked for on the operators' page/);
    const again = await person.press(plan, '/change/promote', { reason: 'Wi-Fi fix <b>bold</b>' });
    assert.match(
      again.text,
      new RegExp(`#${pull?.number} is open`),
      'a second press finds the same pull request',
    );
    assert.is(openPulls(pulls).length, 1);

    await pulls.merge(pull?.number ?? 0);
    assert.is(journey.controller.reconcile.snapshot?.rollout.current, 'b42');
    const audit = await journey.admin('GET', '/v1/events?limit=20');
    assert.match(audit.body.toString(), /change\.propose/);
  }));

test('a ramp with a gate is begun on the page, and its steps are changed there without losing the gate', () =>
  withPullRequests(async pulls => {
    const { journey } = pulls;
    for (const { token } of await journey.enrol(['kiosk-1', 'kiosk-2', 'kiosk-3']))
      await call(journey.url, 'GET', '/v1/agent/update?version_code=41&build_id=b41&sdk=33', { token });
    await pulls.pass(120_000);
    const person = await visitor(pulls.journey);
    const now = await person.get('/');
    assert.match(now.text, /action="\/change\/ramp"/);
    assert.match(now.text, /name="steps"[^>]*value="1:4h, 10:24h, 50:24h, 100"/);

    const plan = await person.get('/change/ramp?build=b42&steps=10:4h,+50:24h:approval,+100&gate=on');
    assert.is(plan.status, 200, plan.text);
    assert.match(plan.text, /added: .*ramp:/);
    assert.match(plan.text, /ota promote b42 --ramp &quot;10:4h,50:24h:approval,100&quot; --gate/);
    await person.press(plan, '/change/ramp', { reason: 'step by step' });
    const [begun] = openPulls(pulls);
    assert.is(begun?.title, 'promote b42 on a ramp of 10, 50 and 100 %');
    await pulls.merge(begun?.number ?? 0);
    const { exposure, current } = journey.controller.reconcile.snapshot?.rollout ?? {};
    assert.is(current, 'b42');
    assert.ok(exposure?.kind === 'ramp' && exposure.ramp.gate !== undefined);

    const again = await person.get('/');
    assert.match(again.text, /value="10:4h, 50:24h:approval, 100"/, 'the steps that stand');
    assert.match(again.text, /Its gate stays as it is/);
    const wider = await person.get('/change/ramp?build=b42&steps=10:4h,25:12h,100');
    assert.match(wider.text, /ota ramp --steps &quot;10:4h,25:12h,100&quot;/);
    await person.press(wider, '/change/ramp', { reason: 'shorter' });
    await pulls.merge(openPulls(pulls)[0]?.number ?? 0);
    const changed = journey.controller.reconcile.snapshot?.rollout.exposure;
    assert.ok(changed?.kind === 'ramp');
    if (changed?.kind !== 'ramp') return;
    assert.equal(
      changed.ramp.steps.map(step => step.percent),
      [10, 25, 100],
    );
    assert.ok(changed.ramp.gate !== undefined, 'the gate stands');

    const mistyped = await person.get('/change/ramp?build=b42&steps=10,100');
    assert.is(mistyped.status, 409);
    assert.match(mistyped.text, /The step 10 needs a duration, like 10:24h/);
  }));

test('what was merged meanwhile is shown before anything is opened', () =>
  withPullRequests(async pulls => {
    const person = await visitor(pulls.journey);
    const plan = await person.get('/change/promote?build=b42&percent=10');
    const other = await pulls.propose('other', { ...ALL_ON_41, minBatteryPercent: 45 });
    await pulls.merge(other);
    const moved = await person.press(plan, '/change/promote');
    assert.is(moved.status, 200);
    assert.match(moved.text, /so nothing was opened\. This is the plan now/);
    assert.is(openPulls(pulls).length, 0);
  }));

test('a proposer on the page without a known login needs one more approval than the policy asks for', () =>
  withPullRequests(async pulls => {
    const { journey, hub } = pulls;
    const policy = aPolicy({ approvals: [{ abovePercent: 20, approvals: 1 }] });
    const builds = [journey.builds.b41.build, journey.builds.b42.build];
    hub.state.git.commit('main', inRepository(aState({ builds, policy, rollout: ALL_ON_41 })), 'guard');
    await journey.controller.reconcile.run();
    const person = await visitor(pulls.journey);
    const plan = await person.get('/change/promote?build=b42&percent=50');
    assert.match(plan.text, /The policy asks for 1.approval/);
    await person.press(plan, '/change/promote', { reason: 'wide' });
    await pulls.deliver('pull_request');
    await pulls.pass(60_000);
    const [pull] = openPulls(pulls);
    assert.match(
      pulls.statuses(hub.state.git.tip(pull?.headRef ?? '') ?? '', 'ota/policy').at(-1) ?? '',
      /^pending 0 of 2 approvals/,
    );
  }));

test('two people who click at once open one pull request and press one brake', () =>
  withPullRequests(async pulls => {
    const { journey } = pulls;
    await pulls.merge(await pulls.propose('ten', 10));
    const made = await journey.admin('POST', '/v1/admin-tokens', {
      json: { name: 'second', scopes: ['read', 'propose', 'brake'], expires_in_s: 3600 },
    });
    const people = [await visitor(pulls.journey), await visitor(pulls.journey, made.json.token as string)];
    const plans = await Promise.all(people.map(p => p.get('/change/rollout?percent=25')));
    const opened = await Promise.all(
      people.map((p, i) => p.press(plans[i] ?? { status: 0, location: '', text: '' }, '/change/rollout')),
    );
    const [pull, ...others] = openPulls(pulls);
    assert.equal(others, []);
    for (const { status, text } of opened) {
      assert.is(status, 200, text);
      assert.match(text, new RegExp(`Pull request #${pull?.number} is open`));
    }
    const nows = await Promise.all(people.map(p => p.get('/')));
    const braked = await Promise.all(
      people.map((p, i) => p.press(nows[i] ?? { status: 0, location: '', text: '' }, '/brake')),
    );
    assert.equal(
      braked.map(({ status }) => status),
      [303, 303],
    );
    assert.is(journey.controller.reconcile.snapshot?.halts.length, 1);
  }));

test('a form of another session, a token without the right and a change that cannot be are refused, and nothing is opened', () =>
  withPullRequests(async pulls => {
    const { journey } = pulls;
    const person = await visitor(pulls.journey);
    const plan = await person.get('/change/promote?build=b42&percent=10');
    const stranger = await visitor(pulls.journey);
    assert.is((await stranger.press(plan, '/change/promote')).status, 403);

    const made = await journey.admin('POST', '/v1/admin-tokens', {
      json: { name: 'looker', scopes: ['read'], expires_in_s: 3600 },
    });
    const looker = await visitor(pulls.journey, made.json.token as string);
    const theirs = await looker.get('/change/promote?build=b42&percent=10');
    assert.match(theirs.text, /lacks the scope <code>propose<\/code>/);
    assert.is((await looker.press(theirs, '/change/promote')).status, 403);

    const refused = await person.get('/change/rollback');
    assert.is(refused.status, 409);
    assert.match(refused.text, /has no last_safe to go back to/);
    assert.is((await person.get('/change/promote?build=%3Cscript%3E&percent=10')).status, 400);
    assert.is((await person.get('/change/rollout?percent=101')).status, 400);
    assert.is((await person.get('/change/nonsense')).status, 404);
    await journey.admin('DELETE', '/v1/admin-tokens/looker');
    const ended = await looker.press(theirs, '/change/promote');
    assert.is(ended.status, 303);
    assert.match(ended.location, /^\/sign-in/, 'a session that ended in mid-action');
    assert.is(openPulls(pulls).length, 0);
  }));

test('Brake acts at once and is lifted with a reason', () =>
  withPullRequests(async pulls => {
    const { journey } = pulls;
    await pulls.merge(await pulls.propose('ten', 10));
    const person = await visitor(pulls.journey);
    const now = await person.get('/');
    assert.is((await person.press(now, '/brake')).status, 303);
    assert.is(journey.controller.reconcile.snapshot?.halts[0]?.kind, 'hand');
    const braked = await person.get('/');
    assert.is((await person.press(braked, '/resume')).status, 400, 'a reason is needed');
    assert.is((await person.press(braked, '/resume', { reason: 'false alarm' })).status, 303);
    assert.is(journey.controller.reconcile.snapshot?.halts.length, 0);
  }));

const browserTest = noBrowser === undefined ? test : test.skip;
if (noBrowser !== undefined) console.log(`skipped: ${noBrowser}`);

browserTest('an admin widens with one click; from a phone the same rollout is rolled back', async () => {
  try {
    await withPullRequests(async pulls => {
      const { journey } = pulls;
      await journey.enrol(Array.from({ length: 40 }, (_, i) => `kiosk-${i}`));
      await pulls.merge(await pulls.propose('ten', 10));
      await withPage(journey.url, {}, async page => {
        await signIn(page, journey.adminToken);
        await page.getByText('Go to…').click();
        await page.getByLabel('Share of the fleet').fill('25');
        await page.getByRole('button', { name: 'Show the plan' }).first().click();
        assert.match(await headingOf(page), /b42/);
        await accessible(page, 'change');
        await picture(page, 'change-widen');
        await page.getByRole('textbox', { name: 'Reason' }).fill('no failures at 10 %');
        await page.getByRole('button', { name: 'Open the pull request' }).click();
        assert.match(await headingOf(page), /^Pull request #\d+ is open$/);
        await accessible(page, 'opened');
      });
      const widened = openPulls(pulls)[0];
      assert.is(widened?.title, 'roll b42 out to 25 %');
      await pulls.merge(widened?.number ?? 0);
      await withPage(journey.url, { width: 390, height: 844 }, async page => {
        await signIn(page, journey.adminToken);
        await page.getByRole('link', { name: 'Roll back…' }).click();
        assert.match(plain(await page.locator('main').textContent()), /Nothing has happened yet/);
        await picture(page, 'change-rollback-phone');
        await page.getByRole('textbox', { name: 'Reason' }).fill('crash loop');
        await page.getByRole('button', { name: 'Open the pull request' }).click();
        assert.match(await headingOf(page), /^Pull request #\d+ is open$/);
        await fitsPhones(page, 'opened');
      });
      const back = openPulls(pulls)[0];
      await pulls.merge(back?.number ?? 0);
      assert.is(journey.controller.reconcile.snapshot?.rollout.rollback, true);
    });
  } finally {
    await closeBrowser();
  }
});

test.run();
