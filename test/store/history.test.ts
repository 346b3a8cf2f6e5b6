import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { AuditEntry } from '../../controller/ports/index.ts';
import { DAY_MS, NOW_MS } from '../support/state.ts';
import { withStore } from '../support/store.ts';

const row = (action: string, atMs: number, over: Partial<AuditEntry> = {}): AuditEntry => ({
  atMs,
  actor: 'ramp',
  action,
  subject: 'b42',
  detail: {},
  ...over,
});
const apply = (revision: string, atMs: number): AuditEntry =>
  row('apply', atMs, { actor: `git:${revision}`, detail: { plan_hash: 'p' } });

test('each revision has what happened until the next one, and pages meet', () =>
  withStore(async ({ audit, history }) => {
    await audit.record(row('device.enrol', 1));
    await audit.record(apply('r1', 10));
    await audit.record(row('ramp.verdict', 11));
    await audit.record(row('device.revoke', 12));
    await audit.record(row('halt', 13));
    await audit.record(apply('r2', 20));
    await audit.record(apply('r3', 30));
    await audit.record(row('brake', 31));
    const all = await history.list({ limit: 10 });
    const shown = (rows: typeof all) =>
      rows.map(r => [r.revision, r.replacedAtMs, r.events.map(e => e.action)]);
    const expected = [
      ['r3', undefined, ['brake']],
      ['r2', 30, []],
      ['r1', 20, ['ramp.verdict', 'halt']],
    ];
    assert.equal(shown(all), expected);
    const pages: typeof all = [];
    for (let beforeId: number | undefined; ; ) {
      const page = await history.list({ beforeId, limit: 1 });
      if (page.length === 0) break;
      pages.push(...page);
      beforeId = page.at(-1)?.id;
    }
    assert.equal(shown(pages), expected, 'also across pages each knows what replaced it');
  }));

test('a gate that changes often keeps its newest 50 rows and says that there are more', () =>
  withStore(async ({ audit, history }) => {
    await audit.record(apply('r1', 10));
    for (let at = 0; at < 60; at += 1) await audit.record(row('ramp.verdict', 100 + at));
    const [only] = await history.list({ limit: 10 });
    assert.is(only?.eventsLeftOut, true);
    assert.equal([only?.events.length, only?.events[0]?.atMs, only?.events.at(-1)?.atMs], [50, 110, 159]);
  }));

test('a completion is stored once, for the revision in force only', () =>
  withStore(async ({ audit, history }) => {
    const complete = (appliedAtMs: number) => history.complete(appliedAtMs, row('complete', 99));
    assert.is(await complete(10), false, 'nothing was applied');
    await audit.record(apply('r1', 10));
    assert.is(await complete(10), true);
    assert.is(await complete(10), false);
    await audit.record(apply('r2', 20));
    assert.is(await complete(10), false, 'another one stands by now');
    assert.is(await complete(20), true);
    assert.equal(
      (await history.list({ limit: 9 })).map(r => r.events.length),
      [1, 1],
    );
  }));

test('retention keeps what was applied, and removes the verdicts between', () =>
  withStore(async ({ audit, history, outcomes }) => {
    await audit.record(apply('r1', NOW_MS - 100 * DAY_MS));
    await audit.record(row('ramp.verdict', NOW_MS - 100 * DAY_MS));
    await audit.record(row('device.enrol', NOW_MS - 100 * DAY_MS));
    await audit.record(row('complete', NOW_MS - 99 * DAY_MS));
    await outcomes.prune(NOW_MS - 90 * DAY_MS, NOW_MS);
    const [only] = await history.list({ limit: 9 });
    assert.is(only?.revision, 'r1');
    assert.equal(
      only?.events.map(e => e.action),
      ['complete'],
    );
    assert.is((await audit.list({ limit: 9 })).length, 2);
  }));

test.run();
