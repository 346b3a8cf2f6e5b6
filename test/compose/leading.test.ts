/** Who takes over, and when: a follower's looks at the leader, with a database that is away in between. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Ground } from '../../controller/compose/ground.ts';
import { type Followed, makeLeading } from '../../controller/compose/leading.ts';
import { Fault } from '../../controller/domain/fault.ts';

function follower() {
  const world = { monotonicMs: 0, isHere: true, isAway: false, took: 0, begun: 0, restored: 0, fails: false };
  const ended: string[] = [];
  const store = {
    leads: false,
    feed: undefined,
    requests: undefined,
    leader: async () => {
      if (world.isAway) throw new Fault('store_unreachable', 'it is away', { retry: 'backoff' });
      return { isHere: world.isHere, told: undefined, isFollowed: true };
    },
    lead: async () => {
      world.took += 1;
      return true;
    },
  };
  const ground = {
    store,
    background: { run: () => undefined, failed: () => undefined },
    around: {
      monotonicMs: () => world.monotonicMs,
      observer: { observe: () => undefined },
      overtaken: (code: string) => void ended.push(code),
    },
    nowMs: () => 0,
  } as unknown as Ground;
  const followed = {
    publication: { snapshot: undefined },
    reconcile: {
      restore: async () => {
        if (world.fails) throw new Fault('store_unreachable', 'it is away', { retry: 'backoff' });
        world.restored += 1;
      },
    },
  } as unknown as Followed;
  const leading = makeLeading(ground);
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
  world.isHere = false;
  await look(500);
  await look(500);
  assert.equal([world.took, world.restored, world.begun, leading.leads], [1, 1, 1, true]);
});

test('after the database was away, the leader has three seconds to be heard of again', async () => {
  const { world, look, leading } = follower();
  world.isAway = true;
  await look(60_000);
  world.isAway = false;
  world.isHere = false; // it could not renew its lease
  await look(500);
  await look(2_000);
  assert.is(world.took, 0);
  world.isHere = true;
  await look(500);
  await look(60_000);
  assert.is(world.took, 0, 'it leads on');
  world.isHere = false;
  await look(500);
  assert.ok(leading.leads);
});

test('a takeover that fails half way ends the process, which starts anew', async () => {
  const { world, look, ended } = follower();
  world.isHere = false;
  world.fails = true;
  await look(500);
  assert.equal([world.begun, ended], [0, ['takeover_failed']]);
});

test.run();
