/** A build compiles the schemas of bodies beforehand: what it accepts and refuses is what the document says. */
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  BODY_SCHEMAS,
  type bodyValidator as BodyValidator,
  bodyValidator,
} from '../../controller/http/body-schemas.ts';
import { precompiled } from '../../scripts/precompile.ts';
import { withFolder } from '../support/folder.ts';
import { openapi } from '../support/openapi.ts';

const ODD: readonly unknown[] = [null, true, -1, 41, 1.5, '', 'b42', 'x'.repeat(5_000), [], ['qa'], {}, [{}]];
const WHOLE = {
  ActionResult: {
    request_id: '0d5a4f0e-7f0c-4f6e-9a43-6f2b8f1f0001',
    build_id: 'b42',
    outcome: 'ok',
    reason: 'installed',
    version_code: 42,
  },
  EnrolRequest: { device_id: 'kiosk-7', tags: ['qa'] },
  AdminTokenRequest: { name: 'ci', scopes: ['read'], expires_at: '2027-01-01T00:00:00Z' },
};

/** `whole` with one mistake each, and values that are not objects. */
function* bodiesOf(properties: readonly string[], whole: object): Generator<unknown> {
  yield* ODD;
  yield whole;
  yield { ...whole, surprise: 1 };
  for (const name of properties) {
    yield Object.fromEntries(Object.entries(whole).filter(([key]) => key !== name));
    for (const value of ODD) yield { ...whole, [name]: value };
  }
}

test('the compiled validators judge every body as the schemas do', () =>
  withFolder(async folder => {
    const outfile = path.join(folder, 'body-schemas.cjs');
    await build({
      entryPoints: ['controller/http/body-schemas.ts'],
      outfile,
      bundle: true,
      platform: 'node',
      plugins: [precompiled],
    });
    const compiled = (await import(pathToFileURL(outfile).href)) as { bodyValidator: typeof BodyValidator };
    const seen = { accepted: 0, refused: 0 };
    for (const name of BODY_SCHEMAS) {
      const [expected, found] = [bodyValidator(name), compiled.bodyValidator(name)];
      const schema = openapi.components.schemas[name] as { properties?: object };
      const whole = (WHOLE as Readonly<Record<string, object>>)[name] ?? {};
      for (const body of bodiesOf(Object.keys(schema.properties ?? {}), whole)) {
        const isValid = expected(body);
        assert.is(found(body), isValid, `${name} ${JSON.stringify(body)?.slice(0, 80)}`);
        assert.equal(found.errors, expected.errors);
        seen[isValid ? 'accepted' : 'refused'] += 1;
      }
    }
    assert.ok(seen.accepted > 20 && seen.refused > 500, JSON.stringify(seen));
  }));

test.run();
