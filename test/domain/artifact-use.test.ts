import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ARTIFACT_USES, artifactsNamedIn, usesText } from '../../controller/domain/artifact-use.ts';
import { openapi } from '../support/openapi.ts';

const A = 'a'.repeat(64);
const B = 'b'.repeat(64);
const file = (path: string, text: string) => ({ path, content: Buffer.from(text) });

test('build files name their APKs, also when they or their neighbours are invalid', () => {
  assert.equal(
    artifactsNamedIn([
      file('builds/b42.yaml', `build_id: b42\nsha256: ${B}\nversion_code: [broken\n`),
      file('builds/b41.yaml', `sha256: "${A}"\n`),
      file('builds/b40.yaml', `# sha256: ${'c'.repeat(64)}\nsha256: short\n`),
      file('rollout.yaml', `sha256: ${'d'.repeat(64)}\n`),
      file('builds/notes.txt', `sha256: ${'e'.repeat(64)}\n`),
      { path: 'builds/b39.yaml' },
    ]),
    [A, B],
  );
});

test('uses are written in words, and the document lists their kinds', () => {
  assert.is(
    usesText([
      { kind: 'last_safe', name: 'b41' },
      { kind: 'attempted', name: 'c'.repeat(40) },
      { kind: 'proposed', name: '#12' },
    ]),
    'b41 (last safe), named by revision cccccccccccc, proposed by #12',
  );
  const { properties } = openapi.components.schemas.ArtifactUse as {
    properties: { kind: { enum: string[] } };
  };
  assert.equal(properties.kind.enum, [...ARTIFACT_USES]);
});

test.run();
