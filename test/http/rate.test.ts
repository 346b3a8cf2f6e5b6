import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { makeRateLimit, makeSlotLimit } from '../../controller/http/rate.ts';

function limited(perMinute: number, maxKeys?: number) {
  const world = { nowMs: 1_000_000 };
  const limit = makeRateLimit({
    perMinute,
    monotonicMs: () => world.nowMs,
    ...(maxKeys === undefined ? {} : { maxKeys }),
  });
  return { world, limit };
}

test('a minute grants its burst, then says how long to wait, then one for each share of time', () => {
  const { world, limit } = limited(3);
  assert.equal([limit.take('a'), limit.take('a'), limit.take('a')], [0, 0, 0]);
  assert.is(limit.take('a'), 20);
  assert.is(limit.take('b'), 0);
  world.nowMs += 20_000;
  assert.equal([limit.take('a'), limit.take('a')], [0, 20]);
});

test('the last half of the keys is remembered; a forgotten key starts from zero and is not locked out', () => {
  const { limit } = limited(1, 100);
  assert.is(limit.take('a'), 0);
  for (let i = 0; i < 49; i += 1) limit.take(`early-${i}`);
  assert.is(limit.take('a'), 60);
  for (let i = 0; i < 200; i += 1) limit.take(`late-${i}`);
  assert.is(limit.take('a'), 0);
});

test('a key that keeps asking is not forgotten among many others', () => {
  const { limit } = limited(10, 100);
  let granted = 0;
  for (let i = 0; i < 400; i += 1) {
    limit.take(`other-${i}`);
    if (i % 10 === 0 && limit.take('a') === 0) granted += 1;
  }
  assert.is(granted, 10);
});

test('devices are limited by their slots as keys are, each by itself, however many there are', () => {
  const world = { nowMs: 1_000_000 };
  const bySlot = makeSlotLimit({ perMinute: 3, monotonicMs: () => world.nowMs });
  const byKey = makeRateLimit({ perMinute: 3, monotonicMs: () => world.nowMs });
  for (let i = 0; i < 60; i += 1) {
    for (const slot of [0, 1, 7_000])
      assert.is(bySlot.take(slot), byKey.take(String(slot)), `${slot} at ${i}`);
    world.nowMs += i * 997;
  }
  assert.equal([bySlot.take(1_000_000), bySlot.take(7_001), bySlot.take(999_999)], [0, 0, 0]);
});

test('what a slot has used is still known when a device far beyond it has asked', () => {
  const bySlot = makeSlotLimit({ perMinute: 1, monotonicMs: () => 1_000 });
  assert.is(bySlot.take(5), 0);
  assert.is(bySlot.take(1_000_000), 0);
  assert.equal([bySlot.take(5), bySlot.take(1_000_000)], [60, 60]);
});

test.run();
