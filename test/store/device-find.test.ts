import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { NOW_MS } from '../support/state.ts';
import { withStore } from '../support/store.ts';

test('a page looks at 10,000 devices and no more; the one that matches comes on a later page', () =>
  withStore(async ({ devices }) => {
    const idOf = (n: number) => `d${String(n).padStart(5, '0')}`;
    await devices.enrol(
      Array.from({ length: 10_050 }, (_, n) => ({
        deviceId: idOf(n),
        tags: n === 10_020 ? ['rare'] : undefined,
      })),
      NOW_MS,
    );
    const filter = { tag: 'rare' };
    const first = await devices.find({ limit: 10, filter });
    assert.equal([first.rows, first.next], [[], idOf(9_999)]);
    const second = await devices.find({ after: first.next, limit: 10, filter });
    assert.equal([second.rows.map(d => d.deviceId), second.next], [[idOf(10_020)], undefined]);
    const full = await devices.find({ limit: 10, filter: {} });
    assert.equal([full.rows.length, full.next], [10, idOf(9)]);
    const last = await devices.find({ after: idOf(10_039), limit: 10, filter: {} });
    assert.equal([last.rows.length, last.next], [10, idOf(10_049)]);
    assert.equal(await devices.find({ after: idOf(10_049), limit: 10, filter: {} }), {
      rows: [],
      next: undefined,
    });
  }));

test.run();
