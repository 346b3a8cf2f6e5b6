import { randomUUID } from 'node:crypto';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { makeCampaigns } from '../controller/campaign.ts';
import { campaignEntry, NUDGE_TOPIC } from '../controller/campaign-row.ts';
import { bucketOf } from '../controller/domain/cohort.ts';
import type { Snapshot } from '../controller/domain/decision.ts';
import type { Event } from '../controller/domain/event.ts';
import { nudgeKey, verifyNudge } from '../controller/domain/nudge.ts';
import type { Rollout } from '../controller/domain/release.ts';
import { makeOutbox } from '../controller/outbox.ts';
import type { Pusher, PushMessage, PushResult } from '../controller/ports.ts';
import type { Store } from '../controller/store/store.ts';
import { withFcm } from './support/fcm.ts';
import { aSnapshot, aState, NOW_MS } from './support/state.ts';
import { withStore } from './support/store.ts';

const MASTER = Buffer.alloc(32, 7);

/** A fleet with push tokens, a picture that can be swapped, a clock that only sleeping moves. */
interface Scene {
  readonly store: Store;
  nowMs: number;
  picture: Snapshot;
  readonly events: Event[];
  readonly sent: PushMessage[];
  /** Asked for each message; default: sent. */
  result: (message: PushMessage) => PushResult;
  onBatch: (messages: readonly PushMessage[]) => void | Promise<void>;
  pace: { perSecond: number; budgetMbps: number };
  publish(rollout: number | Partial<Rollout>): Promise<void>;
  drain(pusher?: Pusher): Promise<void>;
  devicesNudged(): string[];
}

const tokenOf = (deviceId: string): string => `push:${deviceId}`;
const idOf = (message: PushMessage): string => message.pushToken.slice('push:'.length);

async function withScene(count: number, use: (scene: Scene) => Promise<void>): Promise<void> {
  await withStore(async store => {
    const ids = Array.from({ length: count }, (_, i) => `d-${i}`);
    await store.devices.enrol(
      ids.map(deviceId => ({ deviceId, tags: [] })),
      NOW_MS,
    );
    for (const deviceId of ids) {
      await store.devices.setPushToken(deviceId, tokenOf(deviceId));
      store.devices.checkIn({ deviceId, atMs: NOW_MS, versionCode: 41, buildId: 'b41', sdk: 33, signer: undefined });
    }
    await store.devices.flush();
    let campaigns = 0;
    const pusher: Pusher = {
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
      result: () => ({ result: 'sent' }),
      onBatch: () => undefined,
      pace: { perSecond: 0, budgetMbps: 0 },
      publish: async rollout => {
        campaigns += 1;
        const before = { snapshot: scene.picture, atMs: scene.nowMs };
        const after = { ...aSnapshot(aState({ rollout })), revision: `r${campaigns}` };
        await store.outbox.add([campaignEntry(before, after, `c${campaigns}`, scene.nowMs)]);
        scene.picture = after;
      },
      drain: async (push = pusher) => {
        const handler = makeCampaigns({
          outbox: store.outbox,
          devices: store.devices,
          pusher: push,
          picture: () => scene.picture,
          masterKey: MASTER,
          pace: scene.pace,
          nowMs: () => scene.nowMs,
          random: () => 0.5,
          newRequestId: randomUUID,
          sleep: async ms => {
            scene.nowMs += ms;
          },
          observe: e => scene.events.push(e),
        });
        const { nowMs: _, ...rest } = { nowMs: 0, store: store.outbox, random: () => 0.5, observe: (e: Event) => scene.events.push(e) };
        await makeOutbox({ ...rest, nowMs: () => scene.nowMs, handlers: [handler] }).drain();
      },
      devicesNudged: () => scene.sent.map(idOf),
    };
    await use(scene);
  });
}

const exposedBetween = (count: number, from: number, to: number): string[] =>
  Array.from({ length: count }, (_, i) => `d-${i}`).filter(id => bucketOf(id, '') >= from * 100 && bucketOf(id, '') < to * 100);

const states = (scene: Scene): string[] => scene.events.flatMap(e => (e.type === 'ota.nudge.campaign' ? [e.state] : []));

test('publishing nudges exactly the newly exposed devices, each with a valid signature of its own', () =>
  withScene(1_200, async scene => {
    await scene.publish(10);
    await scene.drain();
    assert.equal(scene.devicesNudged().sort(), exposedBetween(1_200, 0, 10).sort());
    for (const message of scene.sent) {
      const key = nudgeKey(MASTER, idOf(message), 1);
      const verdict = verifyNudge(key, idOf(message), message.data, scene.nowMs, () => false);
      assert.is(verdict.ok, true);
      assert.is(verifyNudge(key, 'another', message.data, scene.nowMs, () => false).ok, false);
      assert.is(message.ttlMs, 600_000);
    }
    assert.is(new Set(scene.sent.map(m => m.data.request_id)).size, scene.sent.length);
    scene.sent.length = 0;
    await scene.publish(50);
    await scene.drain();
    assert.equal(scene.devicesNudged().sort(), exposedBetween(1_200, 10, 50).sort());
    assert.equal(states(scene), ['started', 'done', 'started', 'done']);
    assert.equal(await scene.store.outbox.pending(NUDGE_TOPIC), []);
  }));

test('a newer revision supersedes the campaign at once and reaches the devices that were left', () =>
  withScene(2_000, async scene => {
    await scene.publish(50);
    let batches = 0;
    scene.onBatch = async () => {
      batches += 1;
      if (batches === 2) await scene.publish({ exposure: { kind: 'percent', percent: 50 }, reason: 'only a remark' });
    };
    await scene.drain();
    assert.equal(scene.devicesNudged().sort(), exposedBetween(2_000, 0, 50).sort());
    assert.equal(states(scene), ['started', 'superseded', 'started', 'done']);
  }));

for (const [name, rollout] of [
  ['rollback', { rollback: true }],
  ['suspend', { suspend: { reason: 'stop', sinceMs: NOW_MS - 1, untilMs: NOW_MS + 1e9 } }],
] as const)
  test(`a ${name} stops a paced campaign before its next nudge`, () =>
    withScene(1_000, async scene => {
      scene.pace = { perSecond: 20, budgetMbps: 0 };
      await scene.publish(100);
      let stoppedAt: number | undefined;
      scene.onBatch = async () => {
        if (scene.sent.length < 100 || stoppedAt !== undefined) return;
        stoppedAt = scene.sent.length;
        await scene.publish(rollout);
      };
      await scene.drain();
      assert.ok(stoppedAt !== undefined && scene.sent.length <= stoppedAt + 20, `${scene.sent.length} sent, stopped at ${stoppedAt}`);
      assert.equal(states(scene).slice(0, 2), ['started', 'superseded']);
    }));

test('the pace follows the set rate after ramping up over 60 s', () =>
  withScene(1_000, async scene => {
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
    assert.is(times.length, 1_000);
  }));

test('an FCM outage of several minutes loses nothing and sends nothing twice', () =>
  withScene(700, async scene => {
    const upAgainMs = NOW_MS + 5 * 60_000;
    scene.result = m => (scene.nowMs < upAgainMs && idOf(m).endsWith('3') ? { result: 'retry', code: 'internal_error' } : { result: 'sent' });
    await scene.publish(100);
    for (let i = 0; i < 12; i++) {
      await scene.drain();
      scene.nowMs += 61_000 * 1.25;
    }
    assert.equal(scene.devicesNudged().sort(), exposedBetween(700, 0, 100).sort());
    assert.equal(await scene.store.outbox.pending(NUDGE_TOPIC), []);
  }));

test('after an hour of refusals the campaign gives up and polling carries the fleet', () =>
  withScene(10, async scene => {
    scene.result = () => ({ result: 'retry', code: 'internal_error' });
    await scene.publish(100);
    for (let i = 0; i < 70; i++) {
      await scene.drain();
      scene.nowMs += 76_000;
    }
    assert.ok(states(scene).includes('expired'));
    assert.equal(await scene.store.outbox.pending(NUDGE_TOPIC), []);
  }));

test('a token that FCM no longer knows is dropped; a wrong one is only recorded', () =>
  withScene(3, async scene => {
    scene.result = m => (idOf(m) === 'd-0' ? { result: 'unregistered', code: 'x' } : idOf(m) === 'd-1' ? { result: 'sender_mismatch', code: 'x' } : { result: 'sent' });
    await scene.publish(100);
    await scene.drain();
    const left = await scene.store.devices.scan({ limit: 10, withPushToken: true });
    assert.equal(
      left.map(d => d.deviceId),
      ['d-1', 'd-2'],
    );
    const results = scene.events.flatMap(e => (e.type === 'ota.nudge' ? [`${e.deviceId} ${e.result}`] : []));
    assert.equal(results.sort(), ['d-0 unregistered', 'd-1 sender_mismatch', 'd-2 sent']);
  }));

test('a campaign goes through the real SDK to the push service', () =>
  withScene(600, async scene =>
    withFcm(async (server, fcm) => {
      await scene.publish(100);
      await scene.drain(fcm);
      assert.is(server.received.length, 600);
      assert.equal(server.violations, []);
    }),
  ));

test.run();
