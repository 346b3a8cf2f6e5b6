import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { makeRecent } from '../../../controller/http/agent/recent.ts';

test('a key is known once it was seen, and so are at least the last half of all keys', () => {
  const recent = makeRecent(100);
  assert.equal([recent.sawBefore('a'), recent.sawBefore('a'), recent.sawBefore('b')], [false, true, false]);
  for (let i = 0; i < 48; i += 1) recent.sawBefore(`early-${i}`);
  // In the older generation now, and brought into the newer one by being asked.
  assert.is(recent.sawBefore('a'), true);
  for (let i = 0; i < 49; i += 1) recent.sawBefore(`late-${i}`);
  assert.is(recent.sawBefore('a'), true);
  assert.is(recent.sawBefore('b'), false, 'forgotten with the oldest');
});

test.run();
