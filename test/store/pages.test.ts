/** What the pages look up: revisions, adoption by the hour, and troubles. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { aState, DAY_MS, HOUR_MS, NOW_MS } from '../support/state.ts';
import { withStore } from '../support/store.ts';

const applied = (revision: string, appliedAtMs: number) => ({
  revision,
  treeHash: revision,
  appliedAtMs,
  state: aState(),
  progress: undefined,
  formerBuilds: new Map(),
});

test('an applied and a refused revision are kept with what was said of them, and counted', () =>
  withStore(async store => {
    const commit = { author: 'A. Releaser', subject: 'b42 to 10 %' };
    assert.equal(await store.revisions.counts(), { applied: 0, refused: 0 });
    await store.desired.apply(applied('r1', NOW_MS), [], [], [], { commit, plan_hash: 'abc' });
    await store.desired.reject({ revision: 'r2', attemptedAtMs: NOW_MS + 1, problems: [] }, [], { commit });
    const all = await store.revisions.list({ limit: 10 });
    assert.equal(
      all.map(r => [r.revision, r.kind, r.buildId, r.detail.commit?.author]),
      [
        ['r2', 'refused', undefined, 'A. Releaser'],
        ['r1', 'applied', 'b42', 'A. Releaser'],
      ],
    );
    assert.equal(await store.revisions.counts(), { applied: 1, refused: 1 });
    const again = { revision: 'r3', attemptedAtMs: NOW_MS + 2, problems: [] };
    await store.desired.reject(again, [], { commit });
    assert.equal(await store.revisions.counts(), { applied: 1, refused: 2 });
    assert.equal(
      (await store.revisions.list({ limit: 10, kind: 'applied' })).map(r => r.revision),
      ['r1'],
    );
    assert.equal(
      (await store.revisions.list({ limit: 10, beforeId: all[0]?.id })).map(r => r.revision),
      ['r1'],
    );
  }));

test('an hour keeps its last count, for every build that devices run', () =>
  withStore(async store => {
    const hourMs = NOW_MS - (NOW_MS % HOUR_MS);
    await store.adoption.keepHour({ hourMs, running: new Map([['b41', 9]]) });
    await store.adoption.keepHour({
      hourMs,
      running: new Map([
        ['b41', 8],
        ['code:7', 1],
      ]),
    });
    assert.equal(await store.adoption.hours(0, 10), [
      {
        hourMs,
        running: new Map([
          ['b41', 8],
          ['code:7', 1],
        ]),
      },
    ]);
  }));

test('a long time is thinned to as many hours as are asked for, the newest among them', () =>
  withStore(async store => {
    const last = NOW_MS - (NOW_MS % HOUR_MS);
    for (let ago = 0; ago < 50; ago += 1)
      await store.adoption.keepHour({ hourMs: last - ago * HOUR_MS, running: new Map([['b41', ago]]) });
    const thin = await store.adoption.hours(0, 10);
    assert.is(thin.length, 10);
    assert.equal(thin.at(-1), { hourMs: last, running: new Map([['b41', 0]]) });
    assert.is((await store.adoption.hours(last - 4 * HOUR_MS, 10)).length, 5);
    await store.outcomes.prune(last - 4 * HOUR_MS, 0);
    assert.is((await store.adoption.hours(0, 100)).length, 5);
  }));

test('troubles count devices by their newest report, without those that run the build by now', () =>
  withStore(async store => {
    const ids = ['a', 'b', 'c', 'd'];
    await store.devices.enrol(
      ids.map(deviceId => ({ deviceId, tags: [] })),
      NOW_MS,
    );
    const report = (
      deviceId: string,
      requestId: string,
      outcome: 'fail' | 'deferred',
      reason: 'install_failed' | 'wifi',
    ) =>
      store.outcomes.report({
        deviceId,
        requestId,
        buildId: 'b42',
        outcome,
        reason,
        detail: undefined,
        versionCode: 41,
        timingsMs: undefined,
        atMs: NOW_MS - DAY_MS,
      });
    await report('a', '1', 'fail', 'install_failed');
    await report('a', '2', 'fail', 'install_failed');
    await report('b', '1', 'fail', 'install_failed');
    await report('b', '2', 'deferred', 'wifi');
    await report('c', '1', 'fail', 'install_failed');
    await report('d', '1', 'fail', 'install_failed');
    const says = (deviceId: string, versionCode: number, sdk: number): void =>
      store.devices.checkIn({
        deviceId,
        atMs: NOW_MS,
        versionCode,
        buildId: undefined,
        sdk,
        signer: undefined,
      });
    says('a', 41, 29);
    says('b', 41, 33);
    says('c', 42, 33);
    await store.devices.flush();
    assert.equal(await store.outcomes.troubles({ buildId: 'b42', versionCode: 42 }), [
      { outcome: 'deferred', reason: 'wifi', sdk: 33, devices: 1 },
      { outcome: 'fail', reason: 'install_failed', sdk: undefined, devices: 1 },
      { outcome: 'fail', reason: 'install_failed', sdk: 29, devices: 1 },
    ]);
  }));

test('the audit is read by actor, action and subject', () =>
  withStore(async store => {
    for (const [actor, action] of [
      ['admin:ops', 'brake'],
      ['admin:ops', 'resume'],
      ['gate', 'halt'],
    ] as const)
      await store.audit.record({ atMs: NOW_MS, actor, action, subject: 'b42', detail: null });
    const of = async (where: { actor?: string; action?: string; subject?: string }): Promise<string[]> =>
      (await store.audit.list({ limit: 10, ...where })).map(row => row.action);
    assert.equal(await of({ actor: 'admin:ops' }), ['resume', 'brake']);
    assert.equal(await of({ action: 'halt' }), ['halt']);
    assert.equal(await of({ actor: 'gate', action: 'brake' }), []);
    assert.equal(await of({ subject: 'b42' }), ['halt', 'resume', 'brake']);
  }));

test.run();
