/** A pull request is judged by the stored APKs too: what a merge would refuse is red before the merge. */
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { MINUTE_MS, type PullJourney, withPullRequests } from '../support/github/journey.ts';
import { anApk } from '../support/http.ts';

const fileOf = ({ journey }: PullJourney): string =>
  path.join(journey.folder, 'data', 'artifacts', `${journey.builds.b42.build.sha256}.apk`);

const upload = async (
  { journey }: PullJourney,
  { build, apk }: Awaited<ReturnType<typeof anApk>> = journey.builds.b42,
): Promise<void> => {
  const answer = await journey.admin('PUT', `/v1/artifacts/${build.sha256}`, {
    body: apk,
    type: 'application/vnd.android.package-archive',
  });
  assert.ok(answer.status < 300);
};

test('a promotion whose APK was never uploaded is red before its merge, and green once the APK is there', () =>
  withPullRequests(async pulls => {
    await rm(fileOf(pulls));
    const pull = await pulls.propose('promote-b42', 10);
    const head = pulls.hub.state.git.tip('promote-b42') ?? '';
    assert.match(pulls.statuses(head, 'ota/validate').at(-1) ?? '', /^failure 1 problem: artifact_missing/);
    assert.match(pulls.statuses(head, 'ota/validate').at(-1) ?? '', /the APK of build b42 is not stored/);
    assert.match(pulls.report(pull), /artifact_missing/);
    assert.match(pulls.report(pull), /Promote `b42`/, 'the plan is shown all the same');

    await upload(pulls);
    // No time passes: the upload itself has the pull request judged again.
    await pulls.settle();
    assert.match(pulls.statuses(head, 'ota/validate').at(-1) ?? '', /^success/);
    assert.not.match(pulls.report(pull), /artifact_missing/);

    await rm(fileOf(pulls));
    await pulls.pass(MINUTE_MS);
    assert.match(pulls.statuses(head, 'ota/validate').at(-1) ?? '', /^failure 1 problem: artifact_missing/);

    await upload(pulls);
    await pulls.pass(MINUTE_MS);
    await pulls.merge(pull);
    assert.is(pulls.journey.controller.reconcile.snapshot?.rollout.current, 'b42');
  }));

test('a promotion whose YAML disagrees with the stored APK is red before its merge', () =>
  withPullRequests(async pulls => {
    const { b41, b42 } = pulls.journey.builds;
    const b43 = await anApk(43);
    await upload(pulls, b43);
    const edited = { ...b43.build, versionName: '9.9.9' };
    const pull = await pulls.propose(
      'promote-b43',
      { current: 'b43' },
      { builds: [b41.build, b42.build, edited] },
    );
    const head = pulls.hub.state.git.tip('promote-b43') ?? '';
    assert.match(pulls.statuses(head, 'ota/validate').at(-1) ?? '', /^failure 1 problem: artifact_mismatch/);
    assert.match(pulls.report(pull), /builds\/b43\.yaml:\d+/);
  }));

test('an APK that an open pull request names is neither deleted nor collected, until it is closed', () =>
  withPullRequests(async pulls => {
    const { journey, hub } = pulls;
    const { b41, b42 } = journey.builds;
    const b43 = await anApk(43);
    await upload(pulls, b43);
    const pull = await pulls.propose('add-b43', 100, { builds: [b41.build, b42.build, b43.build] });
    const remove = () => journey.admin('DELETE', `/v1/artifacts/${b43.build.sha256}`);
    const refusal = (await remove()).json;
    assert.equal([refusal.code, /proposed by #1/.test(refusal.detail)], ['artifact_in_use', true]);
    await journey.restart();
    assert.is((await remove()).status, 409, 'also after a restart');
    const closed = hub.state.pull(pull);
    closed.closedHead = hub.state.head(closed);
    closed.state = 'closed';
    closed.updatedAtMs = hub.state.nowMs();
    await pulls.pass(MINUTE_MS);
    assert.is((await remove()).status, 204);
  }));

test.run();
