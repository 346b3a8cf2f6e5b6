import { randomUUID } from 'node:crypto';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { bucketOf } from '../../controller/domain/cohort.ts';
import type { Snapshot } from '../../controller/domain/decision.ts';
import { MINUTE_MS } from '../../controller/domain/duration.ts';
import type { Event } from '../../controller/domain/event.ts';
import { nudgeKey, verifyNudge } from '../../controller/domain/nudge/message.ts';
import type { Rollout } from '../../controller/domain/release.ts';
import { makeCampaigns } from '../../controller/nudges/campaign.ts';
import { campaignEntry, NUDGE_TOPIC } from '../../controller/nudges/row.ts';
import { makeOutbox, type Outbox } from '../../controller/outbox/drain.ts';
import type { Pusher, PushMessage, PushResult } from '../../controller/ports/index.ts';
import { DATABASE_FILE } from '../../controller/store/folder.ts';
import type { Store } from '../../controller/store/store.ts';
import { withFcm } from '../support/fcm.ts';
import { withFolder } from '../support/folder.ts';
import { aBuild, aSnapshot, aState, NOW_MS } from '../support/state.ts';
import { withStore } from '../support/store.ts';

const MASTER = Buffer.alloc(32, 7);

/** A fleet with push tokens, a picture that can be swapped, a clock that only waiting moves. */
interface Scene {
  readonly store: Store;
  nowMs: number;
  picture: Snapshot;
  readonly events: Event[];
  /** Messages the push service took, in order. */
  readonly sent: PushMessage[];
  /** Asked for each message; default: sent. */
  result: (message: PushMessage) => PushResult;
  onBatch: (messages: readonly PushMessage[]) => void | Promise<void>;
  pace: { perSecond: number; budgetMbps: number };
  publish(rollout: number | Partial<Rollout>, over?: Partial<Snapshot>): Promise<void>;
  /** A new process on the same store. */
  outbox(pusher?: Pusher): Outbox;
  drain(pusher?: Pusher): Promise<void>;
  /** Drains again and again while time passes. */
  pass(minutes: number): Promise<void>;
  nudged(): string[];
}

const tokenOf = (deviceId: string): string => `push:${deviceId}`;
const idOf = (message: PushMessage): string => message.pushToken.slice('push:'.length);
const away = (code = 'internal_error'): PushResult => ({ result: 'retry', code });
const SENT: PushResult = { result: 'sent' };

async function enrolAll(store: Store, ids: readonly string[]): Promise<void> {
  await store.devices.enrol(
    ids.map(deviceId => ({ deviceId, tags: [] })),
    NOW_MS,
  );
  await Promise.all(ids.map(id => store.devices.setPushToken(id, tokenOf(id))));
  for (const deviceId of ids)
    store.devices.checkIn({
      deviceId,
      atMs: NOW_MS,
      versionCode: 41,
      buildId: 'b41',
      sdk: 33,
      signer: undefined,
    });
  await store.devices.flush();
}

function makeScene(store: Store): Scene {
  let revisions = 0;
  const local: Pusher = {
    send: async messages => {
      await scene.onBatch(messages);
      return messages.map(m => {
        const result = scene.result(m);
        if (result.result === 'sent') scene.sent.push(m);
        return result;
      });
    },
  };
  const scene: Scene = {
    store,
    nowMs: NOW_MS,
    picture: aSnapshot(aState({ rollout: { current: 'b41', exposure: { kind: 'percent', percent: 100 } } })),
    events: [],
    sent: [],
    result: () => SENT,
    onBatch: () => undefined,
    pace: { perSecond: 0, budgetMbps: 0 },
    publish: async (rollout, over = {}) => {
      revisions += 1;
      const before = { snapshot: scene.picture, atMs: scene.nowMs };
      const after = { ...aSnapshot(aState({ rollout })), revision: `r${revisions}`, ...over };
      await store.outbox.add([campaignEntry(before, after, `c${revisions}`)]);
      scene.picture = after;
    },
    outbox: (pusher = local) => {
      const observe = (e: Event) => void scene.events.push(e);
      const nowMs = () => scene.nowMs;
      const random = () => 0.5;
      const campaigns = makeCampaigns({
        outbox: store.outbox,
        devices: store.devices,
        pusher,
        picture: () => scene.picture,
        masterKey: MASTER,
        pace: scene.pace,
        nowMs,
        wallMs: nowMs,
        monotonicMs: nowMs,
        random,
        newRequestId: randomUUID,
        sleep: async ms => {
          scene.nowMs += ms;
        },
        observe,
      });
      return makeOutbox({ store: store.outbox, handlers: [campaigns], nowMs, random, observe });
    },
    drain: pusher => scene.outbox(pusher).drain(),
    pass: async minutes => {
      const endMs = scene.nowMs + minutes * MINUTE_MS;
      while (scene.nowMs < endMs) {
        await scene.drain();
        scene.nowMs += MINUTE_MS / 2;
      }
      await scene.drain();
    },
    nudged: () => scene.sent.map(idOf).sort(),
  };
  return scene;
}

/** The files of a store with so many devices, made once: enrolling is most of what these tests would wait for. */
const stores = new Map<number, Promise<[name: string, content: Buffer][]>>();

const enrolled = (count: number): Promise<[name: string, content: Buffer][]> =>
  withFolder(async folder => {
    await withStore(store => enrolAll(store, fleet(count)), { folder });
    const names = (await readdir(folder)).filter(name => name.startsWith(DATABASE_FILE));
    return Promise.all(
      names.map(async (name): Promise<[string, Buffer]> => [name, await readFile(path.join(folder, name))]),
    );
  });

const withScene = (count: number, use: (scene: Scene) => Promise<void>): Promise<void> =>
  withFolder(async folder => {
    const files = stores.get(count) ?? enrolled(count);
    stores.set(count, files);
    for (const [name, content] of await files) await writeFile(path.join(folder, name), content);
    await withStore(store => use(makeScene(store)), { folder });
  });

const fleet = (count: number): string[] => Array.from({ length: count }, (_, i) => `d-${i}`);
const exposed = (count: number, from: number, to: number): string[] =>
  fleet(count)
    .filter(id => bucketOf(id, '') >= from * 100 && bucketOf(id, '') < to * 100)
    .sort();

const states = ({ events }: Scene): string[] =>
  events.flatMap(e => (e.type === 'ota.nudge.campaign' ? [e.state] : []));
const fails = ({ events }: Scene): string[] =>
  events.flatMap(e => (e.type === 'ota.nudge.fail' ? [`${e.deviceId} ${e.result} ${e.code}`] : [])).sort();
const pending = ({ store }: Scene) => store.outbox.pending(NUDGE_TOPIC);

test('publishing nudges exactly the newly exposed devices, each with a signature of its own', () =>
  withScene(700, async scene => {
    await scene.publish(10);
    await scene.drain();
    assert.equal(scene.nudged(), exposed(700, 0, 10));
    for (const { data, ttlMs, pushToken } of scene.sent) {
      const deviceId = pushToken.slice('push:'.length);
      const key = nudgeKey(MASTER, deviceId, 1);
      const verdict = verifyNudge(key, deviceId, data, scene.nowMs, () => false);
      assert.is(verdict.ok && verdict.buildId, 'b42');
      assert.is(verifyNudge(key, 'another', data, scene.nowMs, () => false).ok, false);
      assert.is(ttlMs, 600_000);
    }
    assert.is(new Set(scene.sent.map(m => m.data.request_id)).size, scene.sent.length);
    scene.sent.length = 0;
    await scene.publish(50);
    await scene.drain();
    assert.equal(scene.nudged(), exposed(700, 10, 50));
    assert.equal(states(scene), ['started', 'done', 'started', 'done']);
    assert.equal(await pending(scene), []);
  }));

test('a commit that opens nothing nudges nobody', () =>
  withScene(700, async scene => {
    await scene.publish(50);
    await scene.drain();
    const before = scene.sent.length;
    await scene.publish({ exposure: { kind: 'percent', percent: 50 }, reason: 'only a remark' });
    await scene.drain();
    await scene.publish({ rollback: true });
    await scene.drain();
    assert.is(scene.sent.length, before);
  }));

test('a device that has installed meanwhile, or was revoked, gets no nudge', () =>
  withScene(40, async scene => {
    scene.pace = { perSecond: 1, budgetMbps: 0 };
    await scene.publish(100);
    scene.onBatch = async messages => {
      scene.onBatch = () => undefined;
      const [first] = messages.map(idOf);
      const others = fleet(40).filter(id => id !== first);
      await Promise.all(others.map(id => scene.store.devices.revoke(id, scene.nowMs)));
    };
    await scene.drain();
    assert.is(scene.sent.length, 1);
  }));

test('a newer revision supersedes the campaign at once and reaches the devices that were left', () =>
  withScene(700, async scene => {
    scene.pace = { perSecond: 20, budgetMbps: 0 };
    await scene.publish(50);
    let published = false;
    scene.onBatch = async () => {
      if (published) assert.is(states(scene)[1], 'superseded', 'the older one sent on');
      if (published || scene.sent.length < 50) return;
      published = true;
      await scene.publish({ exposure: { kind: 'percent', percent: 50 }, reason: 'a remark' });
    };
    await scene.drain();
    assert.equal(scene.nudged(), exposed(700, 0, 50));
    assert.equal(states(scene), ['started', 'superseded', 'started', 'done']);
  }));

test('several revisions in a row each take over, and nobody is left out or nudged twice', () =>
  withScene(700, async scene => {
    scene.pace = { perSecond: 200, budgetMbps: 0 };
    await scene.publish(20);
    let next = 20;
    scene.onBatch = async () => {
      if (next >= 60 || scene.sent.length <= next * 5) return;
      next += 10;
      await scene.publish(next);
    };
    await scene.drain();
    assert.is(next, 60);
    assert.equal(scene.nudged(), exposed(700, 0, 60));
    assert.is(states(scene).filter(s => s === 'superseded').length, 4);
  }));

test('a campaign that waits for the push service is superseded by the next revision', () =>
  withScene(700, async scene => {
    scene.result = m => (bucketOf(idOf(m), '') % 7 === 0 ? away() : SENT);
    await scene.publish(30);
    await scene.drain();
    assert.is((await pending(scene)).length, 1);
    await scene.publish(60);
    scene.result = () => SENT;
    await scene.drain();
    assert.equal(scene.nudged(), exposed(700, 0, 60));
    assert.equal(await pending(scene), []);
    await scene.pass(5);
    assert.is(scene.sent.length, exposed(700, 0, 60).length);
  }));

for (const [name, rollout] of [
  ['rollback', { rollback: true }],
  ['suspend', { suspend: { reason: 'stop', sinceMs: NOW_MS - 1, untilMs: NOW_MS + 1e9 } }],
] as const)
  test(`a ${name} stops a paced campaign within a second`, () =>
    withScene(700, async scene => {
      scene.pace = { perSecond: 20, budgetMbps: 0 };
      await scene.publish(100);
      let stoppedMs: number | undefined;
      scene.onBatch = async () => {
        if (stoppedMs !== undefined) assert.unreachable('a batch left after the stop');
        if (scene.sent.length < 100) return;
        stoppedMs = scene.nowMs;
        await scene.publish(rollout);
      };
      await scene.drain();
      assert.ok(stoppedMs !== undefined && scene.nowMs - stoppedMs <= 1_000);
      assert.ok(scene.sent.length < 130, `${scene.sent.length}`);
      assert.equal(states(scene).slice(0, 2), ['started', 'superseded']);
    }));

test('a suspend that begins by its own time stops the campaign; its end is another campaign', () =>
  withScene(700, async scene => {
    scene.pace = { perSecond: 20, budgetMbps: 0 };
    const sinceMs = NOW_MS + 20_000;
    const suspend = { reason: 'night', sinceMs, untilMs: NOW_MS + 1e9 };
    scene.onBatch = () => assert.ok(scene.nowMs < sinceMs);
    await scene.publish({ exposure: { kind: 'percent', percent: 100 }, suspend });
    await scene.drain();
    assert.ok(scene.sent.length > 0 && scene.sent.length < 100);
    assert.equal(states(scene), ['started', 'done']);
  }));

test('the pace follows the set rate after ramping up over 60 s', () =>
  withScene(700, async scene => {
    scene.pace = { perSecond: 10, budgetMbps: 0 };
    const times: number[] = [];
    scene.onBatch = messages => {
      for (const _ of messages) times.push(scene.nowMs - NOW_MS);
    };
    await scene.publish(100);
    await scene.drain();
    const within = (ms: number): number => times.filter(t => t <= ms).length;
    assert.ok(within(60_000) >= 290 && within(60_000) <= 300, `${within(60_000)} in the first minute`);
    assert.ok(within(90_000) >= 585 && within(90_000) <= 600, `${within(90_000)} in 90 s`);
    assert.is(times.length, 700);
  }));

test('a slow push service is not followed by a burst of nudges', () =>
  withScene(150, async scene => {
    scene.pace = { perSecond: 20, budgetMbps: 0 };
    let largest = 0;
    scene.onBatch = messages => {
      largest = Math.max(largest, messages.length);
      scene.nowMs += 30_000;
    };
    await scene.publish(100);
    await scene.drain();
    assert.ok(largest > 1 && largest <= 20, `${largest}`);
  }));

test('the budget of downloads paces nudges by the size of the APK', () =>
  withScene(200, async scene => {
    scene.pace = { perSecond: 0, budgetMbps: 1 };
    await scene.publish(100, { current: aBuild(42, { sizeBytes: 12_500 }) });
    await scene.drain();
    // 1 Mbit/s carries ten APKs of 12,500 bytes a second: 60 s of ramp-up would be 300 of them.
    const elapsedS = (scene.nowMs - NOW_MS) / 1_000;
    assert.ok(elapsedS > 45 && elapsedS < 55, `${elapsedS} s`);
  }));

test('killed in the middle and restarted: every device is nudged, at most one page twice', () =>
  withScene(1_600, async scene => {
    await scene.publish(100);
    let batches = 0;
    const dead = new Promise<never>(() => {});
    const killed = new Promise<void>(resolve => {
      scene.onBatch = messages => {
        batches += 1;
        if (batches <= 3) return undefined;
        // The push service took the batch, and the process never heard of it.
        scene.sent.push(...messages);
        resolve();
        return dead;
      };
    });
    void scene.drain();
    await killed;
    scene.onBatch = () => undefined;
    await scene.drain();
    const nudged = scene.nudged();
    assert.equal([...new Set(nudged)], fleet(1_600).sort());
    const twice = nudged.length - 1_600;
    assert.ok(twice > 0 && twice <= 500, `${twice} twice`);
    assert.equal(states(scene), ['started', 'resumed', 'done']);
  }));

test('a normal stop does not wait for a push service that does not answer', () =>
  withScene(100, async scene => {
    await scene.publish(100);
    const asked = new Promise<Outbox>(resolve => {
      const outbox = scene.outbox({
        send: () => {
          resolve(outbox);
          return new Promise(() => {});
        },
      });
      outbox.start();
    });
    await (await asked).stop();
    assert.equal(states(scene), ['started', 'stopped']);
    await scene.drain();
    assert.equal(scene.nudged(), fleet(100).sort());
  }));

test('an FCM outage of several minutes loses nothing and sends nothing twice', () =>
  withScene(700, async scene => {
    const upAgainMs = NOW_MS + 7 * MINUTE_MS;
    let asked = 0;
    scene.onBatch = messages => {
      asked += messages.length;
    };
    scene.result = () => (scene.nowMs < upAgainMs ? away() : SENT);
    await scene.publish(100);
    await scene.pass(5);
    assert.is(scene.sent.length, 0);
    // Backing off means few questions: about a page a minute.
    assert.ok(asked <= 4 * 500, `${asked} asked`);
    await scene.pass(8);
    assert.equal(scene.nudged(), fleet(700).sort());
    assert.equal(await pending(scene), []);
    assert.equal(fails(scene), []);
  }));

test('devices that FCM refuses for now do not delay others, and are given up after an hour', () =>
  withScene(700, async scene => {
    const sick = new Set(fleet(700).filter(id => id.endsWith('77')));
    scene.result = m => (sick.has(idOf(m)) ? away('unknown_error') : SENT);
    await scene.publish(100);
    await scene.drain();
    assert.is(scene.sent.length, 700 - sick.size);
    await scene.pass(63);
    assert.is(scene.sent.length, 700 - sick.size);
    assert.equal(fails(scene), [...sick].map(id => `${id} gave_up unknown_error`).sort());
    assert.is(states(scene).at(-1), 'done');
    assert.equal(await pending(scene), []);
  }));

test('429 stops the whole campaign for a minute, not only the devices that got it', () =>
  withScene(700, async scene => {
    let asked = 0;
    scene.onBatch = messages => {
      asked += messages.length;
    };
    scene.result = m =>
      scene.nowMs < NOW_MS + MINUTE_MS && idOf(m) === 'd-0' ? away('message_rate_exceeded') : SENT;
    scene.pace = { perSecond: 1_000, budgetMbps: 0 };
    await scene.publish(100);
    await scene.drain();
    const first = asked;
    scene.nowMs += 50_000;
    await scene.drain();
    assert.ok(first < 700 && asked === first, `${first}, ${asked}`);
    await scene.pass(3);
    assert.equal(scene.nudged(), fleet(700).sort());
  }));

test('after an hour in which nothing got through the campaign gives up and polling carries the fleet', () =>
  withScene(700, async scene => {
    scene.result = () => away();
    await scene.publish(100);
    await scene.pass(65);
    assert.ok(states(scene).includes('expired'));
    assert.equal(await pending(scene), []);
  }));

test('the hour of failing begins anew after anything got through', () =>
  withScene(700, async scene => {
    // Down for 50 minutes, up for one page, down again: nothing like an hour in one piece.
    let through = 0;
    const up = () => scene.nowMs >= NOW_MS + 50 * MINUTE_MS && through < 300;
    scene.result = () => {
      if (!up()) return away();
      through += 1;
      return SENT;
    };
    await scene.publish(100);
    await scene.pass(75);
    assert.ok(through > 0);
    assert.not.ok(states(scene).includes('expired'), states(scene).join());
    assert.is((await pending(scene)).length, 1);
    await scene.pass(60);
    assert.is((await pending(scene)).length, 0);
  }));

test('a token that FCM no longer knows is dropped; a wrong one is only recorded', () =>
  withScene(4, async scene => {
    const results: Record<string, PushResult> = {
      'd-0': { result: 'unregistered', code: 'registration_token_not_registered' },
      'd-1': { result: 'sender_mismatch', code: 'mismatched_credential' },
      'd-2': { result: 'invalid', code: 'invalid_argument' },
    };
    scene.result = m => results[idOf(m)] ?? SENT;
    await scene.publish(100);
    await scene.drain();
    const left = await scene.store.devices.scan({ limit: 10, withPushToken: true });
    assert.equal(
      left.map(d => d.deviceId),
      ['d-1', 'd-2', 'd-3'],
    );
    assert.equal(fails(scene), [
      'd-0 unregistered registration_token_not_registered',
      'd-1 sender_mismatch mismatched_credential',
      'd-2 invalid invalid_argument',
    ]);
  }));

test('a token registered while the old one was being refused stays', () =>
  withScene(1, async scene => {
    scene.onBatch = () => scene.store.devices.setPushToken('d-0', 'push:new');
    scene.result = () => ({ result: 'unregistered', code: 'registration_token_not_registered' });
    await scene.publish(100);
    await scene.drain();
    const [device] = await scene.store.devices.scan({ limit: 1, withPushToken: true });
    assert.is(device?.pushToken, 'push:new');
  }));

test('a nudge is signed for the generation the device is known to use', () =>
  withScene(2, async scene => {
    const { devices } = scene.store;
    await devices.rotate('d-0', NOW_MS + 14 * 86_400_000);
    await devices.rotate('d-1', NOW_MS + 14 * 86_400_000);
    devices.confirmGeneration('d-1', 2);
    await scene.publish(100);
    await scene.drain();
    const verified = (deviceId: string, generation: number): boolean => {
      const message = scene.sent.find(m => idOf(m) === deviceId);
      const key = nudgeKey(MASTER, deviceId, generation);
      return verifyNudge(key, deviceId, message?.data ?? {}, scene.nowMs, () => false).ok;
    };
    assert.equal([verified('d-0', 1), verified('d-0', 2)], [true, false]);
    assert.equal([verified('d-1', 1), verified('d-1', 2)], [false, true]);
  }));

test('devices whose APK was lost are nudged once a commit finds it stored again', () =>
  withScene(20, async scene => {
    await scene.publish(100, { missingArtifacts: new Set(['x']) });
    await scene.drain();
    scene.sent.length = 0;
    scene.picture = { ...scene.picture, missingArtifacts: new Set([scene.picture.current.sha256]) };
    await scene.publish({ exposure: { kind: 'percent', percent: 100 }, reason: 'uploaded again' });
    await scene.drain();
    assert.is(scene.sent.length, 20);
  }));

test('a campaign goes through the real SDK to the push service', () =>
  withScene(700, async scene =>
    withFcm(async (server, fcm) => {
      await scene.publish(100);
      await scene.drain(fcm);
      assert.is(server.received.length, 700);
      assert.equal(server.violations, []);
    }),
  ));

test.run();
