import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { makeTurn } from '../../../controller/http/agent/turn.ts';

function turns(most = 3, send: (answer: string) => void = () => undefined) {
  const said: string[] = [];
  const ends: (() => void)[] = [];
  const take = makeTurn<string>({
    send: answer => {
      send(answer);
      said.push(`send ${answer}`);
    },
    record: answer => void said.push(`record ${answer}`),
    failed: (answer, error) => void said.push(`failed ${answer}: ${(error as Error).message}`),
    most,
    atEnd: run => void ends.push(run),
  });
  return { said, ends, take, end: () => ends.shift()?.() };
}

test('answers of one turn are sent at its end, in their order, and recorded after all were sent', () => {
  const { said, take, end } = turns();
  take('a');
  take('b');
  assert.equal(said, []);
  end();
  assert.equal(said, ['send a', 'send b', 'record a', 'record b']);
});

test('a turn arranges its end once, and the next turn arranges its own', () => {
  const { said, ends, take, end } = turns();
  take('a');
  take('b');
  assert.is(ends.length, 1);
  end();
  take('c');
  assert.is(ends.length, 1);
  end();
  assert.equal(said.slice(-2), ['send c', 'record c']);
});

test('so many answers that the first would wait too long are sent at once', () => {
  const { said, ends, take, end } = turns(2);
  take('a');
  take('b');
  assert.equal(said, ['send a', 'send b', 'record a', 'record b']);
  take('c');
  assert.is(said.length, 4);
  while (ends.length > 0) end();
  assert.equal(said.slice(4), ['send c', 'record c']);
});

test('one answer that cannot be sent loses none of the others', () => {
  const { said, take, end } = turns(9, answer => {
    if (answer === 'b') throw new Error('socket is gone');
  });
  for (const answer of ['a', 'b', 'c']) take(answer);
  end();
  assert.equal(said, ['send a', 'failed b: socket is gone', 'send c', 'record a', 'record b', 'record c']);
});

test('an answer that comes while others are sent waits for the next end', () => {
  const turn = turns(9, answer => {
    if (answer === 'a') turn.take('late');
  });
  turn.take('a');
  turn.end();
  assert.equal(turn.said, ['send a', 'record a']);
  turn.end();
  assert.equal(turn.said.slice(2), ['send late', 'record late']);
});

test.run();
