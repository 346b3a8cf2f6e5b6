import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Taker } from '../../../controller/domain/gate/takers.ts';
import type { DeviceId } from '../../../controller/domain/ids.ts';
import { HOUR_MS, NOW_MS } from '../../support/state.ts';
import { count, device, inFirst, inSecond, nth, outside, snapshot, taker } from '../../support/takers.ts';

test('a device that took the build is counted by what it runs, else by its newest final outcome', () => {
  const [a, b, c, d] = [0, 1, 2, 3].map(i => nth(inSecond, i)) as [string, string, string, string];
  const { step, cohort } = count(
    [device(a, 42), device(b), device(c), device(d)],
    [
      taker(a, { final: 'install_failed' }),
      taker(b, { final: 'install_failed' }),
      taker(c, { final: 'sha256_mismatch' }),
      taker(d, { final: 'storage', newest: { outcome: 'fail', reason: 'storage' } }),
    ],
  );
  assert.equal(step, { taken: 4, ok: 1, fail: 1, verifyFail: 1, followed: 4, open: 0, deferred: 0 });
  assert.is(cohort.takenLongAgo, 4);
  assert.is(cohort.silent, 0);
});

test('a device that was exposed by an earlier step counts for the cohort and not for the step', () => {
  const first = nth(inFirst, 0);
  const { step, cohort } = count([device(first, 42)], [taker(first)]);
  assert.is(step.taken, 0);
  assert.is(cohort.ok, 1);
});

test('a report from a device that was never offered the build is told and is no evidence', () => {
  const stranger = nth(outside, 0);
  const { cohort, canary } = count(
    [device(stranger)],
    [
      taker(stranger, {
        takenAtMs: undefined,
        final: 'install_failed',
        newest: { outcome: 'fail', reason: 'install_failed' },
      }),
    ],
  );
  assert.is(cohort.taken + cohort.fail + canary.taken, 0);
});

test('who can take it: seen lately, offered it, and not deferring', () => {
  const [open, deferred, gone] = [0, 1, 2].map(i => nth(inSecond, i)) as [string, string, string];
  const { step, neutral } = count(
    [device(open), device(deferred), device(gone, 41, 19)],
    [taker(deferred, { takenAtMs: undefined, newest: { outcome: 'deferred', reason: 'wifi' } })],
  );
  assert.is(step.open, 1);
  assert.is(step.deferred, 1);
  assert.equal(neutral, { wifi: 1 });
});

test('silence ages while the controller is up, not while it was down', () => {
  const quiet = nth(inSecond, 0);
  assert.is(count([device(quiet, 41, 20)], [taker(quiet)]).cohort.silent, 1);
  const { takenLongAgo, silent } = count([device(quiet, 41, 20)], [taker(quiet)], 10).cohort;
  assert.is(takenLongAgo + silent, 0);
});

test('the control are devices outside that run last_safe and were alive as the ramp began', () => {
  const devices = [
    device(nth(outside, 0)),
    device(nth(outside, 1), 41, 20),
    device(nth(outside, 2), 41, 60),
    device(nth(outside, 3), 40),
    device(nth(inSecond, 0)),
  ];
  const taken = taker(nth(inSecond, 1));
  assert.equal(count(devices, [taken]).control, { devices: 2, silent: 1 });
});

test('a network that is down is seen before the first device took the build', () => {
  const dark = outside.slice(0, 100).map(id => device(id, 41, 20));
  const { control, starved } = count(dark, []);
  assert.is(control.devices, 100);
  assert.ok(starved);
  assert.not(
    count(
      outside.slice(0, 100).map(id => device(id)),
      [],
    ).starved,
  );
});

test('a canary that took the build long before the ramp moves nothing: the control begins with the fleet', () => {
  const [canary, early] = [nth(inSecond, 0), nth(inSecond, 1)];
  const quiet = outside.slice(0, 30).map(id => device(id, 41, 100));
  const took = (id: DeviceId): Taker => taker(id, { takenAtMs: NOW_MS - 200 * HOUR_MS });
  const withCanary = { ...snapshot, canaryDevices: new Set([canary]) };
  const controlOf = (takers: readonly Taker[]): number => {
    const all = takers.map(t => device(t.deviceId, 42));
    return count([...quiet, ...all], takers, 1_000, withCanary).control.devices;
  };
  assert.is(controlOf([took(canary)]), 0);
  assert.is(controlOf([took(canary), took(early)]), 30, 'a device of the fleet does');
});

test('canaries that took the build are counted apart from the fleet, by how it went', () => {
  const [ok, failed, wrong, pending, none] = [0, 1, 2, 3, 4].map(i => nth(inSecond, i)) as [
    string,
    string,
    string,
    string,
    string,
  ];
  const all = [ok, failed, wrong, pending, none];
  const { canary, cohort } = count(
    all.map(id => device(id, id === ok ? 42 : 41)),
    [
      taker(ok),
      taker(failed, { final: 'install_failed' }),
      taker(wrong, { final: 'sha256_mismatch' }),
      taker(pending),
      taker(none, { takenAtMs: undefined, final: 'install_failed' }),
    ],
    1_000,
    { ...snapshot, canaryDevices: new Set(all) },
  );
  assert.equal(canary, { taken: 4, fail: 1, verifyFail: 1 });
  assert.is(cohort.taken, 0);
});

test('a device of an earlier step that can still take it is open for the cohort alone', () => {
  const { step, cohort } = count([device(nth(inFirst, 0)), device(nth(inSecond, 0))], []);
  assert.equal([step.open, cohort.open], [1, 2]);
});

test('a device is silent, and cannot take the build, from the moment that silence_after is over', () => {
  const quiet = nth(inSecond, 0);
  assert.is(count([device(quiet, 41, 18)], [taker(quiet)]).cohort.silent, 1);
  assert.is(count([device(quiet, 41, 17.9)], [taker(quiet)]).cohort.silent, 0);
  assert.is(count([device(quiet, 41, 18)], []).step.open, 0);
  assert.is(count([device(quiet, 41, 17.9)], []).step.open, 1);
});

test('before the first step whoever took the build counts as newly exposed', () => {
  const first = nth(inFirst, 0);
  const { step } = count([device(first, 42)], [taker(first)], 1_000, { ...snapshot, progress: undefined });
  assert.is(step.taken, 1);
});

test('a fleet of 200,000 takers is counted', () => {
  const takers = Array.from({ length: 200_000 }, (_, i) => taker(`t${i}`));
  assert.is(count([device('t0', 42)], takers).cohort.taken, 1);
});

test.run();
