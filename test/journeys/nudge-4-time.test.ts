/** Time opens a rollout too: a ramp step, the end of a suspend, also while the controller was down. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { bucketOf } from '../../controller/domain/cohort.ts';
import type { Rollout } from '../../controller/domain/release.ts';
import { type Journey, withController } from '../support/controller.ts';
import { type FcmServer, withFcm } from '../support/fcm.ts';
import { aRamp, HOUR_MS } from '../support/state.ts';

const IDS = Array.from({ length: 120 }, (_, i) => `tablet-${i}`);
const BASE = { current: 'b41', lastSafe: undefined, exposure: { kind: 'percent', percent: 100 } } as const;
const between = (from: number, to: number): string[] =>
  IDS.filter(id => bucketOf(id, '') >= from * 100 && bucketOf(id, '') < to * 100).sort();

interface Scene {
  readonly journey: Journey;
  readonly server: FcmServer;
  /** Who was nudged since the last time this was asked. */
  nudged(): Promise<string[]>;
}

const withScene = (use: (scene: Scene) => Promise<void>): Promise<void> =>
  withFcm((server, fcm) =>
    withController(
      async journey => {
        await journey.merge(BASE);
        const { devices } = journey.controller.store;
        await journey.enrol(IDS);
        await Promise.all(IDS.map(id => devices.setPushToken(id, id)));
        const said = { versionCode: 41, buildId: 'b41', sdk: 33, signer: undefined };
        for (const deviceId of IDS) devices.checkIn({ deviceId, atMs: Date.now(), ...said });
        await use({
          journey,
          server,
          nudged: async () => {
            await journey.controller.outbox.drain();
            return server.received
              .splice(0)
              .map(m => m.token)
              .sort();
          },
        });
      },
      { runtime: { pusher: fcm } },
    ),
  );

const ramp = (): Rollout['exposure'] => aRamp(undefined, [10, 4], [50, 4], [100]);
const byTime = ({ log }: Journey): unknown[] =>
  log
    .filter(l => l.event === 'ota.rollout.update' && l.by === 'time')
    .map(l => [l.from_percent, l.to_percent]);

test('each step of a ramp nudges the devices it exposes, and is reported', () =>
  withScene(async ({ journey, nudged }) => {
    await journey.merge({ exposure: ramp() });
    assert.equal(await nudged(), between(0, 10));
    await journey.pass(3 * HOUR_MS);
    assert.equal(await nudged(), []);
    await journey.pass(HOUR_MS + 60_000);
    assert.equal(await nudged(), between(10, 50));
    await journey.pass(4 * HOUR_MS);
    assert.equal(await nudged(), between(50, 100));
    assert.equal(byTime(journey), [
      [10, 50],
      [50, 100],
    ]);
  }));

test('time in which the controller was down opens no step; the one that comes next nudges once', () =>
  withScene(async ({ journey, nudged }) => {
    await journey.merge({ exposure: ramp() });
    assert.equal(await nudged(), between(0, 10));
    await journey.restart(undefined, 5 * HOUR_MS);
    await journey.pass(0);
    assert.equal(await nudged(), []);
    await journey.pass(4 * HOUR_MS + 60_000);
    assert.equal(await nudged(), between(10, 50));
    await journey.restart();
    await journey.pass(0);
    assert.equal(await nudged(), []);
    assert.equal(byTime(journey), [[10, 50]]);
  }));

test('the end of a suspend nudges canaries too, whom no percentage tells', () =>
  withScene(async ({ journey, nudged }) => {
    const canary = { tags: [], devices: ['tablet-7'], cohorts: [] };
    const sinceMs = Date.now() - 1_000;
    const suspend = { reason: 'weekend', sinceMs, untilMs: sinceMs + 2 * HOUR_MS };
    await journey.merge({ exposure: { kind: 'percent', percent: 0 }, canary, suspend });
    assert.equal(await nudged(), []);
    await journey.pass(2 * HOUR_MS);
    assert.equal(await nudged(), ['tablet-7']);
  }));

test('a rollback nudges nobody who had an offer and has not installed', () =>
  withScene(async ({ journey, nudged }) => {
    await journey.merge(50);
    assert.equal(await nudged(), between(0, 50));
    await journey.merge({ rollback: true });
    assert.equal(await nudged(), []);
  }));

test.run();
