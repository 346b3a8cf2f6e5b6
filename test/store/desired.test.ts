import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Problem } from '../../controller/domain/problem.ts';
import { newRamp } from '../../controller/domain/ramp/progress.ts';
import { canonicalState } from '../../controller/domain/release.ts';
import type { Applied, OutboxEntry } from '../../controller/ports/index.ts';
import { withFolder } from '../support/folder.ts';
import { aBuild, aRamp, aState, NOW_MS } from '../support/state.ts';
import { openTestStore, withStore } from '../support/store.ts';

const applied = (revision: string, over: Partial<Applied> = {}): Applied => ({
  revision,
  treeHash: `tree of ${revision}`,
  appliedAtMs: NOW_MS,
  state: aState(),
  progress: undefined,
  formerBuilds: new Map(),
  ...over,
});
const entry = (key: string): OutboxEntry => ({ topic: 'nudge', key, payload: { key }, notBeforeMs: 0 });
const problem: Problem = {
  severity: 'error',
  code: 'unknown_build',
  file: 'rollout.yaml',
  line: 3,
  column: 10,
  path: 'current',
  message: 'b99 is not declared',
  hint: undefined,
};

test('a fresh folder has no applied and no attempted revision', () =>
  withStore(async store => {
    assert.is(await store.desired.applied(), undefined);
    assert.is(await store.desired.attempted(), undefined);
  }));

test('apply commits the state, the attempt, audit rows and promised effects together', () =>
  withStore(async store => {
    const progress = { ...newRamp({ startMs: undefined }, NOW_MS), step: 1, exposureMs: 2, servedMs: 3 };
    const state = aState({ rollout: { exposure: aRamp(undefined, [1, 4], [10, 4], [100]) } });
    const next = applied('r1', { state, progress });
    const audit = { atMs: 5, actor: 'git:r1', action: 'promote', subject: 'b42', detail: { percent: 10 } };
    await store.desired.apply(next, [], [audit], [entry('k1')]);
    const read = await store.desired.applied();
    assert.is(read?.revision, 'r1');
    assert.is(read?.treeHash, 'tree of r1');
    assert.is(read?.appliedAtMs, NOW_MS);
    assert.equal(read?.progress, progress);
    assert.equal([...(read?.formerCurrents ?? [])], ['b42']);
    assert.is(canonicalState(read?.state ?? aState({ rollout: 1 })), canonicalState(next.state));
    assert.equal(await store.desired.attempted(), { revision: 'r1', attemptedAtMs: NOW_MS, problems: [] });
    assert.equal(await store.audit.list({ limit: 9 }), [{ id: 1, ...audit }]);
    assert.equal(
      (await store.outbox.due(['nudge'], NOW_MS, 9)).map(row => row.payload),
      [{ key: 'k1' }],
    );
  }));

test('a failing apply changes nothing: state, audit and effects stay as they were', () =>
  withStore(async store => {
    await store.desired.apply(applied('r1'), [], [], []);
    const circular: { self?: unknown } = {};
    circular.self = circular;
    const broken: OutboxEntry = { topic: 'nudge', key: 'k2', payload: circular, notBeforeMs: 0 };
    const audit = { atMs: 5, actor: 'git:r2', action: 'promote', subject: 'b43', detail: {} };
    try {
      await store.desired.apply(applied('r2'), [], [audit], [entry('k1'), broken]);
      assert.unreachable();
    } catch (error) {
      assert.instance(error, TypeError);
    }
    assert.is((await store.desired.applied())?.revision, 'r1');
    assert.is((await store.desired.attempted())?.revision, 'r1');
    assert.equal(await store.audit.list({ limit: 9 }), []);
    assert.equal(await store.outbox.pending('nudge'), []);
  }));

test('a rejected revision leaves the last good one in force and reports its problems', () =>
  withStore(async store => {
    await store.desired.apply(applied('r1'), [], [], []);
    await store.desired.reject({ revision: 'r2', attemptedAtMs: NOW_MS + 1, problems: [problem] }, [
      entry('status'),
    ]);
    assert.is((await store.desired.applied())?.revision, 'r1');
    const attempted = await store.desired.attempted();
    assert.is(attempted?.revision, 'r2');
    assert.is(attempted?.problems[0]?.message, 'b99 is not declared');
    assert.equal(
      (await store.outbox.pending('nudge')).map(row => row.key),
      ['status'],
    );
  }));

test('the same tree at a newer commit moves only the revision', () =>
  withStore(async store => {
    await store.desired.apply(applied('r1'), [], [], []);
    await store.desired.advance('r2', NOW_MS + 7);
    const read = await store.desired.applied();
    assert.is(read?.revision, 'r2');
    assert.is(read?.appliedAtMs, NOW_MS);
    assert.is(read?.treeHash, 'tree of r1');
    assert.equal(await store.desired.attempted(), {
      revision: 'r2',
      attemptedAtMs: NOW_MS + 7,
      problems: [],
    });
  }));

test('the warnings of the applied revision outlive a rejection and a newer commit of the same tree', () =>
  withStore(async store => {
    const warning: Problem = { ...problem, severity: 'warning', code: 'cohort_unused', hint: 'remove it' };
    await store.desired.apply(applied('r1'), [warning], [], []);
    assert.equal((await store.desired.attempted())?.problems, [warning]);
    await store.desired.reject({ revision: 'r2', attemptedAtMs: NOW_MS + 1, problems: [problem] }, []);
    assert.is((await store.desired.attempted())?.problems[0]?.code, problem.code);
    await store.desired.advance('r3', NOW_MS + 2);
    assert.equal((await store.desired.attempted())?.problems, [warning]);
    await store.desired.apply(applied('r4'), [], [], []);
    await store.desired.advance('r5', NOW_MS + 3);
    assert.equal((await store.desired.attempted())?.problems, []);
  }));

test('a build whose file is gone is remembered with its facts, and forgotten as former when it returns', () =>
  withStore(async store => {
    const [b41, b42, b43] = [aBuild(41), aBuild(42), aBuild(43)];
    await store.desired.apply(applied('r1', { state: aState({ builds: [b41, b42, b43] }) }), [], [], []);
    assert.is((await store.desired.applied())?.formerBuilds.size, 0);
    await store.desired.apply(applied('r2', { state: aState({ builds: [b41, b42] }) }), [], [], []);
    const former = (await store.desired.applied())?.formerBuilds;
    assert.equal([...(former?.keys() ?? [])], ['b43']);
    assert.is(former?.get('b43')?.sha256, b43.sha256);
    await store.desired.apply(applied('r3', { state: aState({ builds: [b41, b42, b43] }) }), [], [], []);
    assert.is((await store.desired.applied())?.formerBuilds.size, 0);
  }));

test('after a restart the applied revision comes from the store', () =>
  withFolder(async folder => {
    const first = await openTestStore({ folder, nowMs: () => NOW_MS });
    await first.desired.apply(
      applied('r1', { formerBuilds: new Map([['b40', aBuild(40)]]) }),
      [],
      [],
      [entry('k')],
    );
    await first.close();
    const second = await openTestStore({ folder, nowMs: () => NOW_MS });
    const read = await second.desired.applied();
    assert.is(read?.revision, 'r1');
    assert.is(read?.formerBuilds.get('b40')?.versionCode, 40);
    assert.is((await second.outbox.pending('nudge')).length, 1);
    await second.close();
  }));

test.run();
