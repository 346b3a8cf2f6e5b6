import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Event } from '../../controller/domain/event.ts';
import { guardClock } from '../../controller/watch/clock.ts';

const MINUTE = 60_000;

function clocks() {
  const at = { wall: Date.UTC(2026, 10, 30), monotonic: 1_000 };
  const events: Event[] = [];
  const clock = guardClock(
    () => at.wall,
    () => at.monotonic,
    e => events.push(e),
  );
  const pass = (ms: number, wallMs = ms) => {
    at.monotonic += ms;
    at.wall += wallMs;
  };
  return { at, clock, events, pass };
}

test('time passes, and small corrections are followed', () => {
  const { at, clock, pass, events } = clocks();
  pass(10 * MINUTE);
  assert.is(clock.nowMs(), at.wall);
  pass(MINUTE, MINUTE - 4 * MINUTE);
  assert.is(clock.nowMs(), at.wall);
  assert.is(clock.held, false);
  assert.equal(events, []);
});

for (const [name, jump] of [
  ['ahead by a year', 365 * 24 * 60 * MINUTE],
  ['back by six minutes', -6 * MINUTE],
] as const)
  test(`a wall clock that jumps ${name} holds time where it stood and says so once`, () => {
    const { at, clock, pass, events } = clocks();
    pass(MINUTE);
    const before = clock.nowMs();
    pass(0, jump);
    assert.is(clock.nowMs(), before);
    pass(30 * MINUTE);
    assert.is(clock.nowMs(), before);
    assert.is(clock.held, true);
    assert.equal(
      events.map(e => e.type === 'ota.clock.jump' && e.byMs),
      [jump],
    );
    pass(0, -jump);
    assert.is(clock.nowMs(), at.wall);
    assert.is(events.at(-1)?.type, 'ota.clock.ok');
  });

const DAY = 24 * 60 * MINUTE;

for (const [name, awayMs] of [
  ['400 days after the store last knew the time', 400 * DAY],
  ['just over 7 days after', 7 * DAY + 1],
  ['in 1970, before the store knew anything', -20_000 * DAY],
] as const)
  test(`a start ${name}: time stands at that moment and says how to go on`, () => {
    const { at, clock, events, pass } = clocks();
    const last = at.wall - awayMs;
    clock.resume(last);
    assert.is(clock.held, true);
    pass(30 * MINUTE);
    assert.is(clock.nowMs(), last);
    const [told] = events;
    assert.ok(told?.type === 'ota.clock.start');
    assert.equal([told.lastMs, told.byMs], [last, awayMs]);
    assert.match(told.message, /ota clock confirm/);
    assert.is(clock.confirm(), true);
    assert.is(clock.nowMs(), at.wall);
    assert.equal(events.at(-1), { type: 'ota.clock.ok', by: 'operator' });
    assert.is(clock.confirm(), false, 'a second time there is nothing to confirm');
  });

test('a start within 7 days of the last known moment, or with no such moment, is trusted', () => {
  for (const awayMs of [0, 7 * DAY, -4 * MINUTE]) {
    const { at, clock, events } = clocks();
    clock.resume(at.wall - awayMs);
    assert.is(clock.nowMs(), at.wall);
    assert.equal(events, []);
  }
  const { at, clock } = clocks();
  clock.resume(undefined);
  assert.is(clock.nowMs(), at.wall);
});

test('a wrong clock that is set right after the start is trusted again by itself', () => {
  const { at, clock, pass, events } = clocks();
  clock.resume(at.wall - 400 * DAY);
  pass(MINUTE, MINUTE - 399 * DAY);
  assert.is(clock.nowMs(), at.wall);
  assert.equal(events.at(-1), { type: 'ota.clock.ok', by: 'clock' });
  pass(MINUTE);
  assert.is(clock.nowMs(), at.wall, 'and time goes on from there');
});

test('another clock that agrees ends a hold; one that does not, or that nobody needs, changes nothing', () => {
  const { at, clock, events } = clocks();
  clock.witness(at.wall - DAY);
  assert.is(clock.held, false);
  clock.resume(at.wall - 8 * DAY);
  clock.witness(at.wall - 6 * MINUTE);
  clock.witness(at.wall + 6 * MINUTE);
  assert.is(clock.held, true);
  clock.witness(at.wall - 4 * MINUTE);
  assert.is(clock.held, false);
  assert.equal(events.at(-1), { type: 'ota.clock.ok', by: 'witness' });
});

test.run();
