/** The codes are a contract: each has a hint, a line in the docs, and a test in which an APK earns it. */
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { HINTS } from '../../controller/apk/index.ts';

const folder = new URL('./', import.meta.url);
const page = readFileSync(new URL('../../docs/apk-verification.md', import.meta.url), 'utf8');
const tests = readdirSync(folder)
  .filter(name => name.endsWith('.test.ts') && name !== 'codes.test.ts')
  .map(name => readFileSync(new URL(name, folder), 'utf8'))
  .join('\n');

for (const [code, hint] of Object.entries(HINTS)) {
  test(code, () => {
    assert.match(code, /^[a-z0-9]+(_[a-z0-9]+)*$/);
    assert.match(hint, /^[A-Z].*[.?]$/);
    assert.ok(tests.includes(`'${code}'`), `no test expects ${code}`);
    assert.ok(page.includes(`| \`${code}\` |`), `the page on verification does not list ${code}`);
  });
}

test.run();
