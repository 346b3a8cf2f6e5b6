/** What the console knows of merged revisions outlives an upgrade. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { makeLedger } from '../../controller/github/ledger.ts';
import { renderProgress } from '../../controller/github/render/progress.ts';
import { NOW_MS } from '../support/state.ts';
import { withStore } from '../support/store.ts';

const REVISION = 'c'.repeat(40);

/** As version 0.1 kept it: counts under `tally`. */
const KEPT = {
  revision: REVISION,
  kind: 'applied',
  planHash: 'd'.repeat(64),
  planText: '### Promote',
  problems: [],
  notices: [],
  settled: true,
  progress: {
    revision: REVISION,
    state: 'completed',
    subject: { buildId: 'b42', versionName: '4.2.0', versionCode: 42, kind: 'rollout' },
    appliedAtMs: NOW_MS,
    percent: 10,
    tally: {
      enrolled: 100,
      active: 90,
      offered: 12,
      installed: 11,
      waiting: 0,
      blocked: [{ reason: 'signer_mismatch', devices: 1 }],
      staying: 2,
    },
    attempts: {
      ok: 11,
      fail: 1,
      deferred: 0,
      reasons: [{ outcome: 'fail', reason: 'storage', attempts: 1 }],
    },
    curve: [],
    exposure: [{ atMs: NOW_MS, percent: 10 }],
  },
};

test('a revision that 0.1 counted keeps its figures', () =>
  withStore(async store => {
    await store.keyValues.set(`github:revision:${REVISION}`, JSON.stringify(KEPT));
    const ledger = makeLedger({ store: store.keyValues, outbox: store.outbox, nowMs: () => NOW_MS });
    const entry = await ledger.get(REVISION);
    assert.ok(entry);
    const { fleet } = entry.progress;
    assert.equal(
      [fleet.enrolled, fleet.active, fleet.seen, fleet.offered, fleet.running, fleet.staying],
      [100, 90, 14, 12, 11, 2],
    );
    assert.equal(fleet.held, [{ reason: 'signer_mismatch', devices: 1 }]);
    const { progress, planHash, planText } = entry;
    const text = renderProgress({ progress, planHash, planText, revert: 'git revert x', activeHours: 72 });
    assert.match(text, '| installed | 11 | 91.7 % of offered |');
    assert.match(text, '**Devices:** 11 ok · 1 failed (`storage` 1)');
    await ledger.save(entry);
    assert.equal(await ledger.get(REVISION), entry, 'kept in the new shape');
  }));

test('an unknown revision is undefined', () =>
  withStore(async store => {
    const ledger = makeLedger({ store: store.keyValues, outbox: store.outbox, nowMs: () => NOW_MS });
    assert.is(await ledger.get(REVISION), undefined);
  }));

test.run();
