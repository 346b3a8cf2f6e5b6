import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  fullJitterMs,
  parsePollInterval,
  parseRetryAfter,
  pollDelayMs,
  pollPaceOf,
  retryAfterDelayMs,
} from '../../agent/backoff.ts';
import { ServerTime, virtualClock } from '../../agent/clock.ts';
import {
  addFailure,
  clearFailures,
  MAX_PENALTY_MS,
  type Penalty,
  penaltyLeftMs,
} from '../../agent/penalty.ts';
import { seededRandom, uuidFrom } from '../../agent/random.ts';
import { HOUR_MS } from '../../controller/domain/duration.ts';
import { isRequestId } from '../../controller/domain/ids.ts';

const START = Date.UTC(2026, 0, 1);

test('the controller’s time is the last Date plus monotonic time, and no jump of the wall clock moves it', () => {
  const clock = virtualClock(START - 365 * 24 * HOUR_MS);
  const time = new ServerTime(clock, 0);
  assert.is(time.nowMs(), clock.wallMs());
  time.hear(new Date(START).toUTCString());
  clock.advance(5_000);
  clock.jump(99 * HOUR_MS);
  assert.is(time.nowMs(), START + 5_000);
});

test('whole seconds of Date never make time step back', () => {
  const clock = virtualClock(START);
  const time = new ServerTime(clock, 0);
  time.hear(new Date(START).toUTCString());
  clock.advance(900);
  time.hear(new Date(START).toUTCString());
  assert.is(time.nowMs(), START + 900);
  clock.advance(5_000);
  time.hear(new Date(START + 60_000).toUTCString());
  assert.is(time.nowMs(), START + 60_000, 'a real difference is taken');
  time.hear('no date');
  assert.is(time.nowMs(), START + 60_000);
});

test('before the first answer the correction of earlier runs counts', () => {
  const clock = virtualClock(START);
  assert.is(new ServerTime(clock, -HOUR_MS).nowMs(), START - HOUR_MS);
});

test('a pause survives small corrections of the clock, but not a jump of a year', () => {
  let penalties: Penalty[] = [];
  for (let n = 0; n < 3; n++) penalties = addFailure(penalties, 'b42', START);
  assert.is(penaltyLeftMs(penalties, 'b42', START - 900), 6 * HOUR_MS);
  assert.is(penaltyLeftMs(penalties, 'b42', START + HOUR_MS), 5 * HOUR_MS);
  assert.is(penaltyLeftMs(penalties, 'b42', START - 365 * 24 * HOUR_MS), 0);
  assert.is(penaltyLeftMs(penalties, 'b43', START), 0);
  assert.equal(clearFailures(penalties, 'b42'), []);
  for (let n = 0; n < 50; n++) penalties = addFailure(penalties, 'b42', START);
  assert.is(penaltyLeftMs(penalties, 'b42', START), MAX_PENALTY_MS);
});

test('waits: full jitter within its cap, Retry-After in seconds or as a date, poll pace within its bounds', () => {
  for (let tries = 1; tries < 40; tries++) {
    assert.ok(fullJitterMs(tries, 5_000, 300_000, 0.999) <= 300_000);
    assert.is(fullJitterMs(tries, 5_000, 300_000, 0), 1_000);
  }
  assert.is(parseRetryAfter('120', START), 120_000);
  assert.is(parseRetryAfter(new Date(START + 60_000).toUTCString(), START), 60_000);
  assert.is(parseRetryAfter('soon', START), undefined);
  assert.is(retryAfterDelayMs(10 * 24 * HOUR_MS, 0), HOUR_MS);
  assert.equal(parsePollInterval('21600;jitter=600'), { intervalMs: 21_600_000, jitterMs: 600_000 });
  assert.equal(parsePollInterval('21600'), { intervalMs: 21_600_000, jitterMs: 2_160_000 });
  assert.is(parsePollInterval('often'), undefined);
  assert.is(pollDelayMs(pollPaceOf(1), 0), 60_000);
  assert.is(pollPaceOf(10 ** 12).intervalMs, 24 * HOUR_MS);
});

test('the same seed gives the same dice, and ids that the contract takes', () => {
  const [a, b] = [seededRandom(7), seededRandom(7)];
  const ids = Array.from({ length: 100 }, () => uuidFrom(a));
  assert.equal(
    ids,
    Array.from({ length: 100 }, () => uuidFrom(b)),
  );
  assert.ok(ids.every(isRequestId));
  assert.is(new Set(ids).size, 100);
});

test.run();
