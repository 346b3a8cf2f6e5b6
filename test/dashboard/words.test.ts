import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  bytes,
  clockOf,
  count,
  counted,
  moment,
  percents,
  share,
  since,
  span,
} from '../../controller/dashboard/words.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../controller/domain/duration.ts';

/** No-break spaces as they look. */
const plain = (text: string): string => text.replaceAll('\u00a0', ' ');
const NOW = Date.UTC(2026, 11, 3, 10, 50);

test('numbers are grouped, and one is one', () => {
  assert.equal([0, 999, 1_310, 1_204_000].map(count), ['0', '999', '1,310', '1,204,000']);
  assert.is(plain(counted(1, 'device')), '1 device');
  assert.is(plain(counted(1_204, 'device')), '1,204 devices');
});

test('a share never rounds to all or to nothing', () => {
  const cases: [number, number, string][] = [
    [0, 0, '0 %'],
    [0, 9, '0 %'],
    [1, 100_000, 'under 0.1 %'],
    [126, 1_204, '10.5 %'],
    [1, 127, '0.79 %'],
    [99_999, 100_000, '99.9 %'],
    [5, 5, '100 %'],
  ];
  for (const [n, of, text] of cases) assert.is(plain(share(n, of)), text);
  assert.is(plain(percents(2.5)), '2.5 %');
});

test('a span is told in its two largest units', () => {
  const cases: [number, string][] = [
    [0, '0 s'],
    [59_999, '59 s'],
    [45 * MINUTE_MS, '45 min'],
    [3 * HOUR_MS + 10 * MINUTE_MS, '3 h 10 min'],
    [24 * HOUR_MS, '24 h'],
    [2 * DAY_MS + 18 * HOUR_MS, '2 d 18 h'],
    [264 * DAY_MS + HOUR_MS, '264 d'],
  ];
  for (const [ms, text] of cases) assert.is(plain(span(ms)), text);
  assert.is(plain(since(NOW - HOUR_MS, NOW)), '1 h ago');
  assert.is(plain(since(NOW + HOUR_MS, NOW)), 'in 1 h');
});

test('times are in UTC; the date is left out only for today, the year only for this one', () => {
  assert.is(clockOf(NOW, NOW), '10:50');
  assert.is(clockOf(NOW - DAY_MS, NOW), 'Wed 2 Dec 10:50');
  assert.is(clockOf(Date.UTC(2025, 0, 9, 8), NOW), 'Thu 9 Jan 2025 08:00');
  assert.is(plain(moment(NOW, NOW).text), '<time datetime="2026-12-03T10:50:00.000Z">10:50 UTC</time>');
});

test('bytes are in decimal units', () => {
  assert.equal(
    [0, 999, 41_873_920].map(n => plain(bytes(n))),
    ['0 B', '999 B', '41.9 MB'],
  );
});

test.run();
