/** Several controllers on one database: what one changes, the memories of all show. */
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { makeDb } from '../../controller/store/db.ts';
import { makeDeviceStore } from '../../controller/store/devices.ts';
import { makeFeed } from '../../controller/store/feed.ts';
import { openStore, type Store } from '../../controller/store/store.ts';
import { until, withFolder } from '../support/folder.ts';
import { databaseOf } from '../support/postgres.ts';
import { hexOf, NOW_MS } from '../support/state.ts';
import { engineOf, standingOf } from '../support/store.ts';

const nowMs = () => NOW_MS;

const withTwo = (use: (stores: readonly [Store, Store], folder: string) => Promise<void>): Promise<void> =>
  withFolder(first =>
    withFolder(async second => {
      const database = await databaseOf(first);
      const stores = [
        await openStore({ folder: first, database, nowMs }),
        await openStore({ folder: second, database, nowMs }),
      ] as const;
      try {
        await use(stores, first);
      } finally {
        for (const store of stores) await store.close();
      }
    }),
  );

const ids = ['d0', 'd1', 'd2'] as const;

/** What a person, a device or a restore may do to one device. */
const CHANGES: readonly (readonly [what: string, change: (store: Store, id: string) => Promise<unknown>])[] =
  [
    ['enrolled', (store, id) => store.devices.enrol([{ deviceId: id, tags: ['new'] }], NOW_MS, 'k1')],
    [
      'enrolled with a token of another system',
      (store, id) =>
        store.devices.enrol(
          [{ deviceId: id, tags: undefined, tokenSha256: hexOf(`token of ${id}`) }],
          NOW_MS,
        ),
    ],
    ['tagged', (store, id) => store.devices.setTags(id, ['lab', 'floor-2'])],
    ['untagged', (store, id) => store.devices.setTags(id, [])],
    ['rotated', (store, id) => store.devices.rotate(id, NOW_MS + 1_000)],
    ['rotated without a grace', (store, id) => store.devices.rotate(id, 0)],
    ['revoked', (store, id) => store.devices.revoke(id, NOW_MS)],
    ['readmitted', (store, id) => store.devices.readmit(id)],
    ['erased', (store, id) => store.devices.erase(id)],
    [
      'tagged with others',
      (store, id) =>
        store.devices.change([id, 'd0'], { kind: 'tags', add: ['many'], remove: ['lab'] }, () => ({
          atMs: NOW_MS,
          actor: 'admin:x',
          action: 'device.tags',
          subject: id,
          detail: null,
        })),
    ],
  ];

const shown = (store: Store) =>
  ids.map(id => (store.devices.auth(id) === undefined ? undefined : standingOf(store.devices, id)));

const tokens = (store: Store) => ids.map(id => store.devices.deviceOfToken(hexOf(`token of ${id}`)));

test('whatever is done to devices on two controllers at once, both show the same, and what a new one reads', () =>
  withTwo(async (stores, folder) => {
    const step = fc.tuple(fc.nat({ max: 1 }), fc.nat({ max: CHANGES.length - 1 }), fc.nat({ max: 2 }));
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 4, maxLength: 12, size: 'max' }), async steps => {
        await Promise.all(
          steps.map(([at, change, device]) =>
            CHANGES[change]?.[1](stores[at] ?? stores[0], ids[device] ?? 'd0'),
          ),
        );
        for (const store of stores) await store.feed?.catchUp();
        assert.equal(shown(stores[0]), shown(stores[1]));
        assert.equal(tokens(stores[0]), tokens(stores[1]));
        await withFolder(async third => {
          const fresh = await openStore({ folder: third, database: await databaseOf(folder), nowMs });
          try {
            assert.equal(shown(stores[0]), shown(fresh));
            assert.equal(tokens(stores[0]), tokens(fresh));
          } finally {
            await fresh.close();
          }
        });
      }),
      { numRuns: 25 },
    );
  }));

for (const [what, change] of CHANGES)
  test(`a device that is ${what} on one controller is so on the other, and at once on its own`, () =>
    withTwo(async ([first, second]) => {
      await first.devices.enrol([{ deviceId: 'd1', tags: ['lab'] }], NOW_MS);
      if (what === 'readmitted') await first.devices.revoke('d1', NOW_MS);
      await second.feed?.catchUp();
      await change(first, 'd1');
      const own = [shown(first), tokens(first)];
      await first.feed?.catchUp();
      assert.equal([shown(first), tokens(first)], own, 'what was shown at once is what is committed');
      await second.feed?.catchUp();
      assert.equal([shown(second), tokens(second)], own);
    }));

test('a token of an operator that is made or revoked on one controller is so on the other', () =>
  withTwo(async ([first, second]) => {
    await first.admins.create({ name: 'ada', scopes: ['read'], expiresAtMs: NOW_MS + 1 }, hexOf('a'));
    assert.is(second.admins.find(hexOf('a')), undefined);
    await second.feed?.catchUp();
    assert.is(second.admins.find(hexOf('a'))?.name, 'ada');
    await second.admins.revoke('ada', NOW_MS);
    await first.feed?.catchUp();
    assert.is(first.admins.find(hexOf('a'))?.revokedAtMs, NOW_MS);
  }));

const checkIn = (deviceId: string, atMs: number, versionCode: number) => ({
  deviceId,
  atMs,
  versionCode,
  buildId: undefined,
  sdk: 33,
  signer: undefined,
});

test('a check is counted by every controller, and an older one that waited does not hide a newer one', () =>
  withTwo(async ([first, second]) => {
    await first.devices.enrol([{ deviceId: 'd1', tags: [] }], NOW_MS);
    await second.feed?.catchUp();
    first.devices.checkIn(checkIn('d1', NOW_MS - 60_000, 41));
    second.devices.checkIn(checkIn('d1', NOW_MS, 42));
    await second.devices.flush();
    await first.devices.flush();
    for (const store of [first, second]) await store.feed?.catchUp();
    const counted = {
      enrolled: 1,
      active: 1,
      running: [{ versionCode: 42, buildId: undefined, devices: 1 }],
    };
    assert.equal(await first.devices.counts(NOW_MS, 3_600_000), counted);
    assert.equal(await second.devices.counts(NOW_MS, 3_600_000), counted);
    assert.is((await first.devices.get('d1'))?.versionCode, 42);
  }));

test('two transactions that overlap and end in the other order lose no change', () =>
  withFolder(async folder => {
    const [watching, early, late] = await Promise.all(
      [1, 2, 3].map(async () => makeDb(await engineOf(folder))),
    );
    if (watching === undefined || early === undefined || late === undefined)
      throw new Error('three were made');
    // Not through `write`, whose lock lets one transaction in at a time: somebody at a prompt takes no such lock.
    const engines = await Promise.all([1, 2].map(() => engineOf(folder)));
    try {
      const seen: string[] = [];
      const feed = makeFeed(watching, 0);
      feed.setMemory({
        devices: async found => void seen.push(...found),
        checkIns: () => undefined,
        admins: async () => undefined,
      });
      const enrol = (id: string) => ({ device_id: id, generation: 1, enrolled_at_ms: NOW_MS });
      const first = await engines[0]?.writer.transaction();
      await first?.('devices').insert(enrol('first'));
      const second = engines[1]?.writer.transaction(
        async trx => void (await trx('devices').insert(enrol('second'))),
      );
      await feed.catchUp();
      assert.equal(seen, [], 'nothing is committed');
      await first?.commit();
      await second;
      await feed.catchUp();
      assert.equal(seen, ['first', 'second']);
    } finally {
      for (const engine of engines) await engine.close();
      for (const db of [watching, early, late]) await db.close();
    }
  }));

test('changes are kept until every running controller has read them; one that was away too long must restart', () =>
  withFolder(first =>
    withFolder(async second => {
      const database = await databaseOf(first);
      const self = (id: string) => ({ id, host: id, version: '1', wallMs: Date.now });
      const leader = await openStore({ folder: first, database, nowMs, self: self('a') });
      let code = '';
      const onOvertaken = (why: string) => {
        code = why;
      };
      const other = await openStore({ folder: second, database, nowMs, self: self('b'), onOvertaken });
      const { writer, close } = await engineOf(first);
      try {
        await leader.devices.enrol([{ deviceId: 'd1', tags: [] }], NOW_MS);
        await leader.renew();
        await other.feed?.catchUp();
        assert.is(other.devices.auth('d1')?.generation, 1, 'it was kept for the other');
        await other.renew();
        await leader.renew();
        assert.equal(await writer('changes'), []);
        await leader.devices.revoke('d1', NOW_MS);
        await writer('controllers').where({ id: 'b' }).update({ seen_ms: 0 });
        await leader.renew();
        await leader.renew();
        const away = await other.feed?.catchUp().catch(error => (error as { code?: string }).code);
        assert.equal([away, code], ['fell_behind', 'fell_behind']);
      } finally {
        await close();
        await leader.close();
        await other.close();
      }
    }),
  ));

test('a listener that failed is called again with its topics, and the others are not delayed', () =>
  withTwo(async ([first, second]) => {
    const told: string[] = [];
    let isAway = true;
    second.feed?.subscribe(async topics => {
      if (isAway && topics.has('pulls_hint')) throw new Error('away');
      told.push(...[...topics].map(topic => `a:${topic}`));
    });
    second.feed?.subscribe(async topics => void told.push(...[...topics].map(topic => `b:${topic}`)));
    await first.feed?.signal('pulls_hint');
    const failed = await second.feed?.catchUp().catch(error => (error as Error).message);
    assert.is(failed, 'away', 'it does not say that all is shown');
    assert.equal(told, ['b:pulls_hint']);
    isAway = false;
    await second.feed?.catchUp();
    assert.equal(told, ['b:pulls_hint', 'a:pulls_hint']);
    await second.feed?.catchUp();
    assert.is(told.length, 2, 'once');
  }));

test('a revoked token is refused at once, even while a listener waits for the network', () =>
  withTwo(async ([first, second]) => {
    await first.devices.enrol([{ deviceId: 'd1', tags: [] }], NOW_MS);
    await second.feed?.catchUp();
    let arrived = (): void => undefined;
    const network = new Promise<void>(resolve => {
      arrived = resolve;
    });
    second.feed?.subscribe(() => network);
    await first.feed?.signal('pulls_hint');
    const waiting = second.feed?.catchUp();
    await second.devices.revoke('d1', NOW_MS);
    assert.is(second.devices.auth('d1')?.revoked, true, 'where it was revoked');
    await first.devices.enrol([{ deviceId: 'd2', tags: [] }], NOW_MS);
    void second.feed?.catchUp();
    await until('the other is known', async () => second.devices.auth('d2') !== undefined);
    arrived();
    await waiting;
  }));

test('devices that were taken in when the database went away are not registered twice', () =>
  withFolder(async folder => {
    const db = makeDb(await engineOf(folder));
    let reads = Number.POSITIVE_INFINITY;
    const read: typeof db.read = query => (reads-- > 0 ? db.read(query) : Promise.reject(new Error('away')));
    const failing: typeof db = { ...db, read, readNow: read };
    try {
      const feed = makeFeed(failing, 0);
      const made = await makeDeviceStore({
        db: failing,
        nowMs,
        onFault: () => undefined,
        flushAt: 1,
        feed,
      });
      feed.setMemory({ ...made.memory, admins: async () => undefined });
      const many = Array.from({ length: 1_500 }, (_, n) => ({ deviceId: `d${n}`, tags: [] }));
      // The changes, and the rows and tags of the first thousand.
      reads = 3;
      await made.store.enrol(many, NOW_MS, 'k1');
      reads = Number.POSITIVE_INFINITY;
      await feed.catchUp();
      assert.equal([...made.store.kids()], [['k1', 1_500]]);
    } finally {
      await db.close();
    }
  }));

test.run();
