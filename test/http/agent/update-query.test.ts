import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { makeUpdateQueryReader, readUpdateQuery } from '../../../controller/http/agent/update-query.ts';

test('a repeated query is parsed the same way, and a different one is never taken for it', () => {
  const read = makeUpdateQueryReader();
  const queries = ['version_code=41', 'version_code=41&sdk=33', 'version_code=41&sdk=34&build_id=b41'];
  for (const query of [...queries, ...queries]) assert.equal(read(query), readUpdateQuery(query));
  assert.throws(() => {
    (read('version_code=41') as { versionCode: number }).versionCode = 42;
  });
});

test('a wrong query is refused each time it comes', () => {
  const read = makeUpdateQueryReader();
  for (let i = 0; i < 3; i += 1) assert.throws(() => read('version_code=41&version_code=41'), /given twice/);
});

test('queries beyond the size of the cache are parsed too', () => {
  const read = makeUpdateQueryReader();
  for (let round = 0; round < 2; round += 1)
    for (let code = 0; code < 3000; code += 1) assert.is(read(`version_code=${code}`).versionCode, code);
});

test('parsed queries are cached by their text, in a bounded cache', () => {
  const read = makeUpdateQueryReader();
  const first = read('version_code=1');
  assert.is(read('version_code=1'), first);
  for (let code = 2; code < 1100; code += 1) read(`version_code=${code}`);
  const again = read('version_code=1');
  assert.is.not(again, first);
  assert.equal(again, first);
});

test.run();
