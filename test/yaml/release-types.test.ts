import { readFileSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { releaseTypes } from '../../scripts/release-types.ts';

test('the types of the release files are those that the schemas give', async () => {
  const committed = readFileSync(new URL('../../schemas/release.d.ts', import.meta.url), 'utf8');
  assert.is(committed, await releaseTypes(), 'run node --import tsx scripts/release-types.ts');
});

test.run();
