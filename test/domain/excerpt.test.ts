import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { excerptOf, withExcerpts } from '../../controller/domain/excerpt.ts';

const TEXT = 'one\ntwo\r\nthree\nfour\nfive\nsix';

test('two lines around, as far as there are any', () => {
  assert.equal(excerptOf(TEXT, 3), { from: 1, lines: ['one', 'two', 'three', 'four', 'five'] });
  assert.equal(excerptOf(TEXT, 1), { from: 1, lines: ['one', 'two', 'three'] });
  assert.equal(excerptOf(TEXT, 6), { from: 4, lines: ['four', 'five', 'six'] });
  assert.equal(excerptOf(`${TEXT}\n`, 6)?.lines.at(-1), 'six', 'what ends the last line begins no other');
  assert.is(excerptOf(TEXT, 0), undefined);
  assert.is(excerptOf(TEXT, 7), undefined);
});

test('a long line is cut', () => {
  assert.is(excerptOf('x'.repeat(1_000), 1)?.lines[0]?.length, 200);
});

test('no line is shown of a file that holds a secret', () => {
  const problems = [
    { code: 'secret_found', file: 'rollout.yaml', line: 2 },
    { code: 'unknown_key', file: 'rollout.yaml', line: 3 },
    { code: 'unknown_key', file: 'policy.yaml', line: 1 },
    { code: 'history_rewritten', file: '', line: 1 },
  ] as const;
  const shown = withExcerpts(problems, file => (file === '' ? undefined : TEXT));
  assert.equal(
    shown.map(p => p.excerpt?.from),
    [undefined, undefined, 1, undefined],
  );
});

test.run();
