/** Halts and what stood when they were lifted. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Halt } from '../../controller/domain/halt.ts';
import { NOW_MS } from '../support/state.ts';
import { withStore } from '../support/store.ts';

const lift = (taken: number) => ({ lnFail: 1, lnCanary: 2, lnSilence: 3, taken, verifyFail: 0 });

test('the evidence at the lift is kept for a halt of a gate, and never for a brake', () =>
  withStore(async ({ halts }) => {
    const press = (kind: Halt['kind']): Promise<Halt> =>
      halts.press(
        { buildId: 'b42', kind, mode: 'halt', atMs: NOW_MS, by: 'x', reason: 'x', evidence: null },
        [],
      );
    const raise = (halt: Halt, taken: number): Promise<void> =>
      halts.lift([halt], { atMs: NOW_MS, by: 'y', reason: 'y', without: [], lift: lift(taken) }, []);
    assert.is(await halts.lastLift('b42'), undefined);
    await raise(await press('hand'), 1);
    assert.is(await halts.lastLift('b42'), undefined);
    await raise(await press('gate'), 2);
    await raise(await press('gate'), 3);
    await raise(await press('hand'), 4);
    assert.equal(await halts.lastLift('b42'), lift(3));
    assert.is(await halts.lastLift('b41'), undefined);
    assert.equal(await halts.standing('b42'), []);
  }));

test('a halt is found by its id, with its evidence, and with its end once it was lifted', () =>
  withStore(async ({ halts }) => {
    const what = { buildId: 'b42', kind: 'gate', mode: 'halt', by: 'gate', reason: 'x' } as const;
    const halt = await halts.press({ ...what, atMs: NOW_MS, evidence: { taken: 7 } }, []);
    const found = await halts.find(halt.id);
    assert.equal([found?.buildId, found?.reason, found?.evidence], ['b42', 'x', { taken: 7 }]);
    assert.is(found?.ended, undefined);
    const end = { atMs: NOW_MS + 1, by: 'admin:ruth', reason: 'a false alarm' };
    await halts.lift([halt], { ...end, without: [], lift: undefined }, []);
    assert.equal((await halts.find(halt.id))?.ended, end);
    assert.is(await halts.find(halt.id + 1), undefined);
  }));

test.run();
