/** Log lines on their way out: whole, in order, bounded, and never a reason to stop. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { boundedOutput, type Sink } from '../../controller/observe/output.ts';

/** A sink that is asked by hand; `answer` lets the write that waits take that many bytes, or fail. */
function sinkByHand() {
  let written = '';
  let asked: { bytes: Buffer; done: Parameters<Sink>[1] } | undefined;
  const sink: Sink = (bytes, done) => {
    if (asked !== undefined) throw new Error('assertion: one write at a time');
    asked = { bytes, done };
  };
  return {
    sink,
    written: () => written,
    isAsked: () => asked !== undefined,
    answer: (result: number | Error) => {
      if (asked === undefined) throw new Error('assertion: nothing is being written');
      const { bytes, done } = asked;
      asked = undefined;
      if (typeof result !== 'number') return done(result, 0);
      const taken = Math.min(result, bytes.length);
      written += bytes.subarray(0, taken).toString();
      done(null, taken);
    },
  };
}

const noSpace = Object.assign(new Error('no space left'), { code: 'ENOSPC' });

function scene(capacity?: number) {
  const hand = sinkByHand();
  let dropped = 0;
  const output = boundedOutput({
    sink: hand.sink,
    onDropped: lines => {
      dropped += lines;
    },
    gatherMs: 1,
    ...(capacity === undefined ? {} : { capacity }),
  });
  return { ...hand, output, dropped: () => dropped };
}

test('lines are written in order, and a partly written line is finished before the next', async () => {
  const { output, answer, written } = scene();
  output.write('first\n');
  output.write('second\n');
  const flushed = output.flush(60_000);
  answer(3);
  output.write('third\n');
  answer(100);
  answer(100);
  await flushed;
  assert.is(written(), 'first\nsecond\nthird\n');
});

test('a full disk: lines wait, those beyond the buffer are dropped and counted, and it goes on when there is room', async () => {
  const { output, answer, written, dropped, isAsked } = scene(30);
  for (let n = 0; n < 5; n++) output.write(`line ${n}...\n`);
  assert.is(dropped(), 2);
  const flushed = output.flush(60_000);
  answer(noSpace);
  // The next try comes by itself.
  while (!isAsked()) await new Promise(resolve => setTimeout(resolve, 1));
  answer(100);
  await flushed;
  assert.is(written(), 'line 0...\nline 1...\nline 2...\n');
  output.write('room again\n');
  const again = output.flush(60_000);
  answer(100);
  await again;
  assert.match(written(), /room again\n$/);
  assert.is(dropped(), 2);
});

test('a stuck reader delays a flush no longer than its limit', async () => {
  const { output, isAsked, written } = scene();
  output.write('x\n');
  await output.flush(5);
  assert.ok(isAsked());
  assert.is(written(), '');
});

test('a flush without lines does nothing', async () => {
  const { output, isAsked } = scene();
  await output.flush(60_000);
  assert.not.ok(isAsked());
});

test('at exit the remaining lines are returned once, without the line that is being written', () => {
  const { output } = scene();
  output.write('a\n');
  void output.flush(1);
  output.write('b\n');
  assert.is(output.takeRest().toString(), 'b\n');
  assert.is(output.takeRest().toString(), '');
});

test.run();
