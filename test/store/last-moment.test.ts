/** When a controller last ran, as the store knows it. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { openStore } from '../../controller/store/store.ts';
import { withInstallation } from '../support/installation.ts';
import { NOW_MS } from '../support/state.ts';
import { withStore } from '../support/store.ts';

test('a new data folder has no last moment; a stored one is read again', () =>
  withStore(async ({ lastMoment }) => {
    assert.is(await lastMoment.get(), undefined);
    await lastMoment.keep(NOW_MS + 0.5);
    await lastMoment.keep(NOW_MS + 60_000.4);
    assert.is(await lastMoment.get(), NOW_MS + 60_000);
  }));

test('a data folder of 0.1 has no last moment: the newest check-in, report or change is used', () =>
  withInstallation('ramp', async ({ folder, facts }) => {
    const store = await openStore({ folder, nowMs: () => facts.stoppedAtMs });
    try {
      const last = (await store.lastMoment.get()) ?? 0;
      const seen = facts.devices.map(d => d.lastSeenMs ?? 0);
      assert.ok(last >= Math.max(...seen, facts.applied.appliedAtMs));
      assert.ok(last <= facts.stoppedAtMs);
      await store.lastMoment.keep(last + 1);
      assert.is(await store.lastMoment.get(), last + 1);
    } finally {
      await store.close();
    }
  }));

test.run();
