/** Range and If-Range: RFC 9110 §14, the examples of the RFC and the corners. */
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { rangeOf } from '../../../controller/http/agent/range.ts';

const ETAG = '"abc"';
const of = (range: string | undefined, ifRange?: string, size = 10_000) => {
  const verdict = rangeOf(range, ifRange, ETAG, size);
  return verdict.kind === 'part' ? [verdict.start, verdict.end] : verdict.kind;
};

test('one range is cut to what there is', () => {
  assert.equal(of('bytes=0-499'), [0, 499]);
  assert.equal(of('bytes=500-999'), [500, 999]);
  assert.equal(of('bytes=-500'), [9500, 9999]);
  assert.equal(of('bytes=9500-'), [9500, 9999]);
  assert.equal(of('bytes=0-0'), [0, 0]);
  assert.equal(of('bytes=-1'), [9999, 9999]);
  assert.equal(of('bytes=9999-99999999'), [9999, 9999]);
  assert.equal(of('bytes=-20000'), [0, 9999]);
  assert.equal(of('BYTES= 5 - 6 '), [5, 6]);
});

test('a Range beyond the end is unsatisfiable', () => {
  for (const range of ['bytes=10000-', 'bytes=10000-10001', 'bytes=-0', 'bytes=999999999999-'])
    assert.is(of(range), 'unsatisfiable', range);
});

test('anything but a single byte range is ignored', () => {
  for (const range of [
    undefined,
    '',
    'bytes',
    'bytes=',
    'bytes=-',
    'bytes=a-b',
    'bytes=5-4',
    'bytes=0-1,5-6',
    'items=0-5',
    'bytes=0x1-5',
    'bytes=1-2-3',
    'bytes=9999999999999999999999-',
  ])
    assert.is(of(range), 'whole', range);
});

test('If-Range with anything but this ETag asks for the whole', () => {
  assert.equal(of('bytes=5-', '"abc"'), [5, 9999]);
  for (const other of ['"abd"', 'W/"abc"', 'Mon, 01 Jun 2026 12:00:00 GMT', '*', ''])
    assert.is(of('bytes=5-', other), 'whole', other);
});

test('a part always lies within the body', () => {
  fc.assert(
    fc.property(fc.string(), fc.nat(), fc.nat(), fc.integer({ min: 1, max: 1e9 }), (text, a, b, size) => {
      for (const range of [text, `bytes=${text}`, `bytes=${a}-${b}`, `bytes=-${a}`, `bytes=${a}-`]) {
        const verdict = rangeOf(range, undefined, ETAG, size);
        if (verdict.kind === 'part')
          assert.ok(0 <= verdict.start && verdict.start <= verdict.end && verdict.end < size);
      }
    }),
  );
});

test.run();
