/** Who takes over, and when: a follower's looks at the leader, with a database that is away in between. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Foundation } from '../../controller/compose/foundation.ts';
import { type Followed, makeLeading } from '../../controller/compose/leading.ts';
import { Fault } from '../../controller/domain/fault.ts';
import type { Topic } from '../../controller/ports/index.ts';
import { until } from '../support/folder.ts';

function follower() {
  const world = {
    monotonicMs: 0,
    isAlive: true,
    isAway: false,
    took: 0,
    begun: 0,
    restored: 0,
    fails: false,
    isLate: false,
    report: undefined as unknown,
    snapshot: undefined as { progressReadAtMs: number } | undefined,
  };
  const ended: string[] = [];
  const store = {
    leads: false,
    feed: undefined,
    requests: undefined,
    leader: async () => {
      if (world.isAway) throw new Fault('store_unreachable', 'it is away', { retry: 'backoff' });
      return { isAlive: world.isAlive, report: world.report, isFollowed: true };
    },
    tryToLead: async () => {
      world.took += 1;
      if (!world.isLate) return true;
      // Its answer is lost, and the lease is ours.
      world.isAlive = true;
      store.leads = true;
      throw new Fault('store_unreachable', 'it is away', { retry: 'backoff' });
    },
  };
  const foundation = {
    store,
    background: { run: () => undefined, failed: () => undefined },
    runtime: {
      monotonicMs: () => world.monotonicMs,
      observer: { observe: () => undefined },
      overtaken: (code: string) => void ended.push(code),
    },
    nowMs: () => 0,
  } as unknown as Foundation;
  const followed = {
    publication: {
      get snapshot() {
        return world.snapshot;
      },
      replace: (next: typeof world.snapshot) => {
        world.snapshot = next;
      },
    },
    reconcile: {
      restore: async () => {
        if (world.fails) throw new Fault('store_unreachable', 'it is away', { retry: 'backoff' });
        world.restored += 1;
      },
    },
  } as unknown as Followed;
  const leading = makeLeading(foundation);
  const look = async (afterMs: number): Promise<void> => {
    world.monotonicMs += afterMs;
    const begin = async (): Promise<void> => {
      world.begun += 1;
    };
    await leading.look(followed, begin).catch(() => undefined);
  };
  return { world, look, leading, ended };
}

test('a follower takes over once, when the leader is gone', async () => {
  const { world, look, leading } = follower();
  await look(0);
  assert.is(world.took, 0);
  world.isAlive = false;
  await look(500);
  await look(500);
  assert.equal([world.took, world.restored, world.begun, leading.leads], [1, 1, 1, true]);
});

test('after an outage of the database the leader has three seconds to report again', async () => {
  const { world, look, leading } = follower();
  world.isAway = true;
  await look(60_000);
  world.isAway = false;
  world.isAlive = false; // it could not renew its lease
  await look(500);
  await look(2_000);
  assert.is(world.took, 0);
  world.isAlive = true;
  await look(500);
  await look(60_000);
  assert.is(world.took, 0, 'it leads on');
  world.isAlive = false;
  await look(500);
  assert.ok(leading.leads);
});

test('a ramp that the leader no longer judges becomes stale at the followers too', async () => {
  const { world, look } = follower();
  world.snapshot = { progressReadAtMs: -1 };
  await look(0);
  assert.is(world.snapshot?.progressReadAtMs, 0, 'the leader has just begun');
  world.report = { sourceAgeMs: 0, progressAgeMs: 70_000 };
  await look(500);
  assert.is(world.snapshot?.progressReadAtMs, -70_000);
});

test('a takeover that fails half-way ends the process, so that it restarts', async () => {
  const { world, look, ended } = follower();
  world.isAlive = false;
  world.fails = true;
  await look(500);
  assert.equal([world.begun, ended], [0, ['takeover_failed']]);
});

test('a lease that was taken during an outage is used: the controller leads', async () => {
  const { world, look, leading } = follower();
  world.isAlive = false;
  world.isLate = true;
  await look(500);
  await look(500);
  assert.equal([world.took, world.begun, leading.leads], [1, 1, true]);
});

/** A leader, and what others ask of it; the answers that were given. */
function asked() {
  let tell: ((topics: ReadonlySet<Topic>) => Promise<void>) | undefined;
  const rows = new Map([['1', false]]);
  const answers: unknown[] = [];
  const running: Promise<unknown>[] = [];
  const store = {
    leads: true,
    feed: {
      subscribe: (listener: typeof tell) => {
        tell = listener;
      },
      catchUp: async () => undefined,
    },
    requests: {
      open: async () =>
        [...rows].filter(([, taken]) => !taken).map(([id]) => ({ id, kind: 'resume', detail: null })),
      take: async (id: string) => {
        const isFree = rows.get(id) === false;
        rows.set(id, true);
        return isFree;
      },
      answer: async (_id: string, answer: unknown) => void answers.push(answer),
    },
  };
  const leading = makeLeading({
    store,
    background: {
      run: (_: string, work: () => Promise<unknown>) => void running.push(work().catch(() => 0)),
    },
    runtime: { monotonicMs: () => 0, observer: { observe: () => undefined } },
    nowMs: () => 0,
  } as unknown as Foundation);
  leading.followFeed({ publication: {}, reconcile: {} } as unknown as Followed);
  const told = async (): Promise<void> => {
    await tell?.(new Set(['requests']));
    for (let n = 0; n < running.length; n += 1) await running[n];
  };
  return { leading, rows, answers, told };
}

test('a request to the leader is done once, however often the leader is notified', async () => {
  const { leading, rows, answers, told } = asked();
  let done = 0;
  let end = (): void => undefined;
  leading.byLeader('resume', async () => {
    done += 1;
    await new Promise<void>(resolve => {
      end = resolve;
    });
    return done;
  });
  const first = told();
  const second = told();
  await until('it has begun', async () => done > 0);
  rows.delete('1');
  end();
  await Promise.all([first, second]);
  assert.equal([done, answers], [1, [{ value: 1 }]]);
});

test('a request that fails with a bug is answered too and delays no other request', async () => {
  const { leading, rows, answers, told } = asked();
  rows.set('2', false);
  leading.byLeader('resume', async () => {
    throw new Error('a bug');
  });
  await told();
  assert.equal(
    answers.map(answer => (answer as { fault: { code: string } }).fault.code),
    ['internal', 'internal'],
  );
});

test.run();
