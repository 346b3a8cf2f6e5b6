/** What was: tags as they were whoever changed them, the revision and the step in force, and how far back that is known. */

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { AuditEntry } from '../../controller/ports/index.ts';
import type { Store } from '../../controller/store/store.ts';
import { withFolder } from '../support/folder.ts';
import { HOUR_MS, NOW_MS } from '../support/state.ts';
import { openTestStore, withTables } from '../support/store.ts';

const hour = (count: number): number => NOW_MS + count * HOUR_MS;

/** Time is moved by the test. */
const withMoved = (use: (store: Store, at: (hours: number) => void, folder: string) => Promise<void>) =>
  withFolder(async folder => {
    let nowMs = NOW_MS;
    const store = await openTestStore({ folder, nowMs: () => nowMs });
    try {
      await use(
        store,
        hours => {
          nowMs = hour(hours);
        },
        folder,
      );
    } finally {
      await store.close();
    }
  });

test('each way to change tags records the former tags and who changed them', () =>
  withMoved(async ({ devices, past }, at, folder) => {
    await devices.enrol(
      [
        { deviceId: 'd1', tags: ['lab', 'qa'] },
        { deviceId: 'd2', tags: [] },
      ],
      NOW_MS,
    );
    at(1);
    assert.is(await devices.setTags('d1', ['qa'], 'admin:ruth'), true);
    await devices.enrol(
      [
        { deviceId: 'd1', tags: ['kiosk'] },
        { deviceId: 'd2', tags: undefined },
      ],
      hour(2),
      undefined,
      'admin:import',
    );
    const audit = (subject: string): AuditEntry => ({
      atMs: hour(3),
      actor: 'admin:bulk',
      action: 'device.tags',
      subject,
      detail: {},
    });
    await devices.change(['d1', 'd2'], { kind: 'tags', add: ['qa'], remove: [] }, audit);
    const tagsAt = async (id: string, hours: readonly number[]) =>
      Promise.all(hours.map(h => past.tags(id, hour(h))));
    assert.equal(await tagsAt('d1', [0, 0.5, 1, 1.5, 2, 3, 9]), [
      ['lab', 'qa'],
      ['lab', 'qa'],
      ['qa'],
      ['qa'],
      ['kiosk'],
      ['kiosk', 'qa'],
      ['kiosk', 'qa'],
    ]);
    assert.equal(await tagsAt('d2', [2, 3]), [[], ['qa']]);
    const rows = await withTables(folder, db =>
      db<{ device_id: string; changed_by: string }>('tag_changes')
        .orderBy('id')
        .select('device_id', 'changed_by'),
    );
    assert.equal(
      rows.map(r => `${r.device_id} ${r.changed_by}`),
      ['d1 admin:ruth', 'd1 admin:import', 'd1 admin:bulk', 'd2 admin:bulk'],
    );
  }));

test('setting the same tags is not a change, and an erased device leaves no row', () =>
  withMoved(async ({ devices }, at, folder) => {
    await devices.enrol([{ deviceId: 'd1', tags: ['qa', 'lab'] }], NOW_MS);
    at(1);
    await devices.setTags('d1', ['lab', 'qa', 'qa']);
    await devices.enrol([{ deviceId: 'd1', tags: ['qa', 'lab'] }], hour(1));
    const rows = () => withTables(folder, async db => (await db('tag_changes')).length);
    assert.is(await rows(), 0);
    await devices.setTags('d1', []);
    assert.is(await rows(), 1);
    await devices.erase('d1');
    assert.is(await rows(), 0);
  }));

test('tags before the first recorded change, and before rows that retention removed, are unknown', () =>
  withMoved(async ({ devices, past, outcomes }, at) => {
    await devices.enrol([{ deviceId: 'd1', tags: ['qa'] }], NOW_MS - HOUR_MS);
    assert.is(await past.tags('d1', NOW_MS - 1), undefined);
    assert.equal(await past.tags('d1', NOW_MS), ['qa']);
    at(1);
    await devices.setTags('d1', ['lab']);
    at(5);
    await devices.setTags('d1', ['kiosk']);
    assert.equal((await past.bounds()).prunedBeforeMs, 0);
    await outcomes.prune(hour(3), hour(3));
    assert.equal(await past.bounds(), { tagsSinceMs: NOW_MS, prunedBeforeMs: hour(3) });
    assert.is(await past.tags('d1', hour(2)), undefined);
    assert.equal(await past.tags('d1', hour(4)), ['lab'], 'the change after it says what they were');
    await outcomes.prune(hour(1), hour(1));
    assert.is((await past.bounds()).prunedBeforeMs, hour(3), 'it never goes back');
  }));

test('the step of a ramp is that of its newest row; rows without a step leave it unknown', () =>
  withMoved(async ({ audit, past }) => {
    const row = (hours: number, action: string, detail: unknown): Promise<void> =>
      audit.record({ atMs: hour(hours), actor: 'git:abc', action, subject: 'b42', detail });
    await row(0, 'apply', { changes: [] });
    assert.is(await past.step('b42', NOW_MS, hour(1)), undefined, 'an older version did not keep it');
    await row(2, 'apply', { ramp: { id: 1, step: 0, begins_at_ms: 0 } });
    await row(3, 'ramp.verdict', { step: 0, verdict: 'hold', reasons: ['too_few_reports'] });
    await row(4, 'ramp.verdict', { step: 0, verdict: 'advance', reasons: [], entered: 1 });
    await row(5, 'apply', { ramp: null });
    const other = { step: 0, verdict: 'hold', reasons: ['silence'] };
    const verdict = { actor: 'ramp', action: 'ramp.verdict', subject: 'b41', detail: other };
    await audit.record({ atMs: hour(4.1), ...verdict });
    const at = async (hours: number) => past.step('b42', hour(2), hour(hours));
    assert.equal(await at(2.5), { step: 0, verdict: undefined });
    assert.equal(await at(3), { step: 0, verdict: { verdict: 'hold', reasons: ['too_few_reports'] } });
    assert.equal(await at(4), { step: 1, verdict: undefined });
    assert.equal(await at(4.5), { step: 1, verdict: undefined }, 'another build has verdicts of its own');
    assert.is(await at(5), undefined, 'a plain percent has none');
    assert.is(await past.step('b43', NOW_MS, hour(9)), undefined);
    assert.equal(await past.applied(hour(3)), { revision: 'abc', appliedAtMs: hour(2) });
    assert.is(await past.applied(NOW_MS - 1), undefined);
  }));

test('a halt was in force from its pressing until its lift', () =>
  withMoved(async ({ halts, past }) => {
    const pressed = await halts.press(
      {
        buildId: 'b42',
        kind: 'hand',
        mode: 'halt',
        atMs: hour(1),
        by: 'admin:ruth',
        reason: 'x',
        evidence: null,
      },
      [],
    );
    const how = { atMs: hour(3), by: 'admin:ruth', reason: 'y', lift: undefined, without: [] };
    await halts.lift([pressed], how, []);
    const stood = async (hours: number): Promise<number> => (await past.halts('b42', hour(hours))).length;
    assert.equal([await stood(0.9), await stood(1), await stood(2), await stood(3)], [0, 1, 1, 0]);
    assert.equal(await past.halts('b41', hour(2)), []);
  }));

test('what a device ran is what its newest report by then named; of two at one moment, the later one', () =>
  withMoved(async ({ devices, outcomes, past }) => {
    await devices.enrol(
      ['d1', 'd2'].map(deviceId => ({ deviceId, tags: [] })),
      NOW_MS,
    );
    const report = (deviceId: string, requestId: string, versionCode: number, hours: number) =>
      outcomes.report({
        deviceId,
        requestId,
        buildId: 'b42',
        outcome: 'ok',
        reason: 'installed',
        detail: undefined,
        versionCode,
        timingsMs: undefined,
        atMs: hour(hours),
      });
    await report('d1', 'r2', 42, 3);
    await report('d1', 'r3', 43, 3);
    await report('d1', 'r1', 41, 1);
    await report('d2', 'r4', 44, 2);
    const reported = (hours: number) => past.reported('d1', hour(hours));
    assert.is(await reported(0), undefined);
    assert.equal(await reported(1), { versionCode: 41, atMs: hour(1) });
    assert.equal(await reported(2), { versionCode: 41, atMs: hour(1) }, 'another device says nothing of it');
    assert.equal(await reported(3), { versionCode: 43, atMs: hour(3) });
  }));

test.run();
