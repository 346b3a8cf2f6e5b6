/** What a person asks GitHub for on a page of a controller that does not lead. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { withPullRequests } from '../support/github/journey.ts';
import { visitor } from '../support/pages/visitor.ts';

test('a pull request that is asked for at a follower knows who asked, so that their own approval does not count', () =>
  withPullRequests(async ({ journey, hub }) => {
    const { adminToken } = journey;
    const follower = await journey.another('second');
    assert.not.ok(follower.store.leads);
    const person = await visitor({ url: follower.operatorUrl, adminToken });
    const plan = await person.get('/change/promote?build=b42&percent=10');
    assert.is(plan.status, 200, plan.text);
    const opened = await person.press(plan, '/change/promote', { reason: 'Wi-Fi fix' });
    const [pull] = hub.state.pulls;
    assert.match(opened.text, new RegExp(`Pull request #${pull?.number} is open`));
    const asked = await journey.controller.store.leaderValues.get(`github:proposer-of:0:${pull?.headRef}`);
    assert.match(asked ?? '', /^admin:/);
  }));

test.run();
