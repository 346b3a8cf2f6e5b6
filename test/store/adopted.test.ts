/** Devices that hold a newer generation than the backup that was restored. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ADOPT_KEY, GENERATION_STEP } from '../../controller/store/generations.ts';
import type { Store } from '../../controller/store/store.ts';
import { withFolder } from '../support/folder.ts';
import { HOUR_MS, NOW_MS } from '../support/state.ts';
import { withStore } from '../support/store.ts';

/** A store that was restored from a backup in which the device had generation 2. */
const withRestored = (use: (store: Store) => Promise<void>): Promise<void> =>
  withFolder(async folder => {
    await withStore(
      async ({ devices, keyValues }) => {
        await devices.enrol([{ deviceId: 'd1', tags: [] }], NOW_MS);
        await devices.rotate('d1', NOW_MS + HOUR_MS);
        devices.confirmGeneration('d1', 2);
        await keyValues.set(ADOPT_KEY, String(NOW_MS + HOUR_MS));
      },
      { folder },
    );
    await withStore(use, { folder });
  });

test('a newer generation is adopted once and recorded; an older one, a stranger and a leap are not', () =>
  withRestored(async ({ devices, audit, keyValues }) => {
    assert.is(devices.auth('d1')?.generation, 2);
    for (const generation of [1, 2, 2 + GENERATION_STEP])
      assert.is(devices.adoptGeneration('d1', generation), false, `generation ${generation}`);
    assert.is(devices.adoptGeneration('stranger', 5), false);
    assert.is(devices.adoptGeneration('d1', 4), true);
    assert.is(devices.auth('d1')?.generation, 4);
    assert.is(devices.adoptGeneration('d1', 3), false);
    await keyValues.set('later', 'x'); // writes are done in their order
    const adopted = (await audit.list({ limit: 9 })).filter(row => row.action === 'device.adopt');
    assert.equal(
      adopted.map(row => [row.subject, row.detail]),
      [['d1', { generation: 4 }]],
    );
  }));

test('without a restore no generation is adopted', () =>
  withStore(async ({ devices }) => {
    await devices.enrol([{ deviceId: 'd1', tags: [] }], NOW_MS);
    assert.is(devices.adoptGeneration('d1', 2), false);
  }));

test.run();
