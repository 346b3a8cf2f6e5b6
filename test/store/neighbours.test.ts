import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { neighbours } from '../../controller/store/neighbours.ts';

const itself = (key: string): string => key;

test('every row is in one group, and no group reaches into the next', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.string({ maxLength: 6 }), { maxLength: 300 }),
      fc.integer({ min: 1, max: 50 }),
      (keys, size) => {
        const groups = neighbours(keys, size, itself);
        assert.equal(groups.flat().sort(), [...keys].sort());
        for (const [i, group] of groups.entries()) {
          assert.ok(group.length > 0);
          for (const next of groups.slice(i + 1, i + 2))
            for (const key of group) assert.ok(next.every(other => key < other));
        }
      },
    ),
  );
});

test('groups have about the wanted size, whatever the ids look like', () => {
  const numbered = Array.from({ length: 16_000 }, (_, i) => `device-${(i * 7919) % 16_000}`);
  for (const size of [1_000, 2_000]) {
    const groups = neighbours(numbered, size, itself);
    assert.is(groups.length, 16_000 / size);
    for (const { length } of groups) assert.ok(length > size / 2 && length < size * 2, `${length}`);
  }
});

test('few rows are one group, none are none', () => {
  assert.equal(neighbours(['b', 'a'], 2, itself), [['b', 'a']]);
  assert.equal(neighbours([], 2, itself), []);
});

test.run();
