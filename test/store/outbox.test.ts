import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { OutboxEntry } from '../../controller/ports/index.ts';
import { DAY_MS, NOW_MS } from '../support/state.ts';
import { withStore, withTables } from '../support/store.ts';

const entry = (key: string, over: Partial<OutboxEntry> = {}): OutboxEntry => ({
  topic: 'nudge',
  key,
  payload: { key },
  notBeforeMs: NOW_MS,
  ...over,
});

test('rows come when they are due, oldest first, of the topics asked for', () =>
  withStore(async ({ outbox }) => {
    await outbox.add([
      entry('a'),
      entry('later', { notBeforeMs: NOW_MS + 1 }),
      entry('b'),
      entry('c', { topic: 'status' }),
    ]);
    const keys = async (topics: string[], atMs: number, limit = 9) =>
      (await outbox.due(topics, atMs, limit)).map(row => row.key);
    assert.equal(await keys(['nudge'], NOW_MS), ['a', 'b']);
    assert.equal(await keys(['nudge', 'status'], NOW_MS + 1), ['a', 'later', 'b', 'c']);
    assert.equal(await keys(['nudge'], NOW_MS, 1), ['a']);
    assert.equal(await keys(['nudge'], NOW_MS - 1), []);
  }));

test('the newest row of a key wins, and finishing the old one does not finish it', () =>
  withStore(async ({ outbox }) => {
    await outbox.add([entry('campaign', { payload: 1 })]);
    const [old] = await outbox.due(['nudge'], NOW_MS, 1);
    await outbox.add([entry('campaign', { payload: 2 })]);
    await outbox.done(old?.id ?? 0);
    await outbox.progress(old?.id ?? 0, 'stale');
    const rows = await outbox.pending('nudge');
    assert.equal(
      rows.map(row => [row.payload, row.cursor]),
      [[2, undefined]],
    );
  }));

test('a campaign goes on from its cursor after a failure, with its attempts counted', () =>
  withStore(async ({ outbox }) => {
    await outbox.add([entry('campaign')]);
    const [row] = await outbox.due(['nudge'], NOW_MS, 1);
    await outbox.progress(row?.id ?? 0, 'device-500');
    await outbox.retry(row?.id ?? 0, NOW_MS + 60_000, 'unavailable');
    assert.equal(await outbox.due(['nudge'], NOW_MS + 59_999, 1), []);
    const [again] = await outbox.due(['nudge'], NOW_MS + 60_000, 1);
    assert.is(again?.cursor, 'device-500');
    assert.is(again?.attempts, 1);
    assert.is(again?.createdAtMs, NOW_MS);
  }));

test('a finished row is deleted, a given-up row never returns, and its key can be used again', () =>
  withStore(async ({ outbox }) => {
    await outbox.add([entry('a'), entry('b')]);
    const [a, b] = await outbox.pending('nudge');
    await outbox.done(a?.id ?? 0);
    await outbox.giveUp(b?.id ?? 0, 'gone');
    assert.equal(await outbox.pending('nudge'), []);
    assert.equal(await outbox.due(['nudge'], NOW_MS * 2, 9), []);
    await outbox.add([entry('b')]);
    assert.is((await outbox.pending('nudge')).length, 1);
  }));

test('retention removes given-up effects by when they were given up, and never a pending one', async () => {
  let nowMs = NOW_MS;
  await withStore(
    async ({ outbox, outcomes }, folder) => {
      const kept = async (eventsBeforeMs: number) => {
        await outcomes.prune(eventsBeforeMs, 0);
        return withTables(folder, db => db('outbox').orderBy('key').pluck('key'));
      };
      await outbox.add([
        entry('given up'),
        entry('later', { notBeforeMs: NOW_MS + DAY_MS }),
        entry('pending'),
      ]);
      nowMs += DAY_MS;
      const [row] = await outbox.due(['nudge'], NOW_MS, 1);
      await outbox.giveUp(row?.id ?? 0, 'x');
      assert.equal(await kept(NOW_MS + 1), ['given up', 'later', 'pending'], 'all three are that old');
      assert.equal(await kept(NOW_MS + DAY_MS), ['given up', 'later', 'pending'], 'given up at that moment');
      assert.equal(await kept(NOW_MS + 2 * DAY_MS), ['later', 'pending']);
    },
    { nowMs: () => nowMs },
  );
});

test('waiting rows are counted by topic, with the oldest; given-up rows are not', () => {
  let nowMs = NOW_MS;
  return withStore(
    async ({ outbox }) => {
      assert.equal(await outbox.waiting(), []);
      await outbox.add([entry('a'), entry('s', { topic: 'status' })]);
      nowMs += 5;
      await outbox.add([entry('b'), entry('hopeless', { topic: 'webhook' })]);
      for (const { id } of await outbox.pending('webhook')) await outbox.giveUp(id, 'gone');
      assert.equal(await outbox.waiting(), [
        { topic: 'nudge', rows: 2, oldestMs: NOW_MS },
        { topic: 'status', rows: 1, oldestMs: NOW_MS },
      ]);
    },
    { nowMs: () => nowMs },
  );
});

test('each transaction is reported with the number of changes that shared it', async () => {
  const told: number[] = [];
  let monotonicMs = 0;
  const monotonic = () => {
    monotonicMs += 2;
    return monotonicMs;
  };
  await withStore(
    async ({ outbox }) => {
      told.length = 0;
      await Promise.all([outbox.add([entry('a')]), outbox.add([entry('b')])]);
      assert.equal(told, [2]);
    },
    { watch: { monotonicMs: monotonic, wrote: (ms, jobs) => void (ms === 2 && told.push(jobs)) } },
  );
});

test.run();
