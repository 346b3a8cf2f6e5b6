/** A spike of failures, told once and kept over restarts, from what devices really reported. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Event } from '../../controller/domain/event.ts';
import type { Notice } from '../../controller/domain/notice/notice.ts';
import type { Outcome, ResultReason } from '../../controller/domain/outcome.ts';
import { watchFailures } from '../../controller/watch/failures.ts';
import { aSnapshot, aState, HOUR_MS, NOW_MS } from '../support/state.ts';
import { withStore } from '../support/store.ts';

test('devices count once, by their newest final report of the last hour; the spike is told once', () =>
  withStore(async store => {
    const told: Notice[] = [];
    const events: Event[] = [];
    let nowMs = NOW_MS;
    const make = () =>
      watchFailures({
        picture: () => aSnapshot(aState({ rollout: 50 })),
        outcomes: store.outcomes,
        values: store.keyValues,
        nowMs: () => nowMs,
        observe: e => void events.push(e),
        promise: notice => {
          told.push(notice);
          return [{ topic: 'notify:ops', key: String(told.length), payload: null, notBeforeMs: 0 }];
        },
      });
    const devices = Array.from({ length: 12 }, (_, i) => `d-${i}`);
    await store.devices.enrol(
      devices.map(deviceId => ({ deviceId, tags: [] })),
      NOW_MS,
    );
    let reports = 0;
    const report = (
      deviceId: string,
      outcome: Outcome,
      reason: ResultReason,
      buildId = 'b42',
      atMs = nowMs,
    ) => {
      reports += 1;
      const requestId = `request-${reports}`;
      return store.outcomes.report({
        deviceId,
        requestId,
        buildId,
        outcome,
        reason,
        detail: 'a secret of the device',
        versionCode: 42,
        timingsMs: undefined,
        atMs,
      });
    };
    // None of these makes a spike of b42: one device again and again, yesterday's, another build, a broken network.
    for (let i = 0; i < 9; i++) await report('d-0', 'fail', 'install_failed');
    for (const d of devices.slice(1, 6))
      await report(d, 'fail', 'install_failed', 'b42', NOW_MS - HOUR_MS - 1);
    for (const d of devices.slice(1, 6)) await report(d, 'fail', 'install_failed', 'b41');
    for (const d of devices.slice(1, 6)) await report(d, 'fail', 'download_failed');
    for (const d of devices.slice(1, 6)) await report(d, 'deferred', 'wifi');
    // It failed and then it went well.
    await report('d-6', 'fail', 'install_failed');
    await report('d-6', 'ok', 'installed');
    await make().look();
    assert.equal(told, []);

    await report('d-7', 'fail', 'install_failed');
    await report('d-8', 'fail', 'sha256_mismatch');
    await make().look();
    assert.is(told.length, 1);
    const [notice] = told;
    assert.ok(notice?.kind === 'failure_spike');
    assert.equal([notice.failed, notice.ended, notice.windowMs], [3, 4, HOUR_MS]);
    assert.equal(notice.reasons, [
      { reason: 'install_failed', devices: 2 },
      { reason: 'sha256_mismatch', devices: 1 },
    ]);
    assert.not.match(JSON.stringify(notice), /d-\d|secret/);
    assert.is((await store.outbox.pending('notify:ops')).length, 1);

    await make().look();
    assert.is(told.length, 1, 'it goes on');
    nowMs += 7 * HOUR_MS;
    await make().look();
    assert.is(told.length, 1, 'it is over');
    for (const d of devices.slice(9)) await report(d, 'fail', 'install_failed');
    await make().look();
    assert.is(told.length, 2, 'it is back after a calm');
    assert.equal(
      events.map(e => e.type),
      ['ota.failure.spike', 'ota.failure.spike'],
    );
  }));

test.run();
