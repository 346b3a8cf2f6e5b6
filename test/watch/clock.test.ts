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
    assert.equal(events, [{ type: 'ota.clock.jump', byMs: jump }]);
    pass(0, -jump);
    assert.is(clock.nowMs(), at.wall);
    assert.is(events.at(-1)?.type, 'ota.clock.ok');
  });

test.run();
