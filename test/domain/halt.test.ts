import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { conditionsOf } from '../../controller/domain/conditions.ts';
import { decide, effectivePercent, type Snapshot, targetFor } from '../../controller/domain/decision.ts';
import { DEFAULT_GATE } from '../../controller/domain/gate/gate.ts';
import { haltsAfter } from '../../controller/domain/halt.ts';
import { newRamp } from '../../controller/domain/ramp/progress.ts';
import { aHalt, aRamp, aRollout, aSnapshot, aState, NOW_MS } from '../support/state.ts';

const percent = (of: number) => ({ exposure: { kind: 'percent', percent: of } as const });
const LAB = { canary: { tags: ['lab'], devices: [], cohorts: [] } };

test('what a commit leaves of a halt', () => {
  const cases = [
    ['gate', false, percent(0), 'declared'],
    ['gate', true, percent(0), 'declared'],
    ['gate', false, percent(50), 'stands'],
    ['gate', true, percent(50), 'ended'],
    ['gate', true, { rollback: true }, 'declared'],
    ['hand', false, percent(0), 'ended'],
    ['hand', false, { rollback: true, ...LAB }, 'ended'],
    ['hand', false, { ...percent(0), ...LAB }, 'declared'],
    ['hand', true, { ...percent(50), ...LAB }, 'ended'],
    ['hand', false, percent(50), 'stands'],
    ['lost', false, percent(50), 'stands'],
    ['lost', true, percent(50), 'ended'],
  ] as const;
  for (const [kind, declared, rollout, left] of cases) {
    const halt = aHalt({ kind, declared });
    const [after] = haltsAfter(aRollout(rollout), [halt]);
    const found = after === undefined ? 'ended' : after.declared ? 'declared' : 'stands';
    assert.is(found, left, JSON.stringify([kind, declared, rollout]));
  }
});

function gatedAt(readAtMs: number | undefined, gate = true): Snapshot {
  const exposure = aRamp(undefined, [50, 4], [100]);
  if (exposure.kind !== 'ramp') throw new Error('a ramp');
  const ramp = { ...exposure.ramp, gate: gate ? DEFAULT_GATE : undefined };
  const progress = { ...newRamp(ramp, NOW_MS), step: 1 };
  const rollout = { exposure: { kind: 'ramp', ramp } as const };
  return { ...aSnapshot(aState({ rollout }), { progress }), progressReadAtMs: readAtMs };
}
const device = { deviceId: 'kiosk-1', tags: [], versionCode: 41 };

test('a gate without a look for more than a minute offers its build to nobody, until the next look', () => {
  const offered = (snapshot: Snapshot, nowMs: number): string => {
    const decision = decide(snapshot, device, nowMs);
    return decision.kind === 'offer' ? decision.build.buildId : decision.reason;
  };
  const read = gatedAt(NOW_MS);
  assert.is(offered(read, NOW_MS + 60_000), 'b42');
  assert.is(offered(read, NOW_MS + 60_001), 'progress_unread');
  assert.is(effectivePercent(read, NOW_MS + 60_001), 0);
  const target = targetFor(read, device, NOW_MS + 60_001);
  assert.is(target.kind === 'target' && target.build.buildId, 'b41', 'a running download is cut');
  assert.equal(
    conditionsOf(read, NOW_MS + 60_001).map(c => c.code),
    ['progress_unread'],
  );
  assert.is(offered({ ...read, progressReadAtMs: NOW_MS + 60_002 }, NOW_MS + 60_003), 'b42');
  assert.is(offered({ ...read, canaryDevices: new Set(['kiosk-1']) }, NOW_MS + 60_001), 'progress_unread');
  assert.is(offered(gatedAt(NOW_MS, false), NOW_MS + 60_001), 'b42', 'without a gate nothing is judged');
  assert.is(offered(gatedAt(undefined), NOW_MS + 60_001), 'b42', 'nor where nobody judges');
});

test('conditions: ahead of Git until rollout.yaml says as much, and what to do', () => {
  const snapshot = { ...gatedAt(NOW_MS), halts: [aHalt({ pullUrl: 'https://github.test/pull/7' })] };
  assert.equal(conditionsOf(snapshot, NOW_MS), [
    {
      code: 'ahead_of_git',
      message:
        'b42 is stopped, and rollout.yaml does not say so yet: merge https://github.test/pull/7, or lift it with ota resume',
    },
  ]);
  const closed = { ...snapshot, rollout: aRollout(percent(0)) };
  assert.equal(conditionsOf(closed, NOW_MS), []);
  assert.is(conditionsOf({ ...snapshot, halts: [aHalt({ kind: 'lost' })] }, NOW_MS)[0]?.code, 'past_unknown');
});

test.run();
