/** Files made to keep the parser, and with it the controller, busy: each ends in a bounded number of problems. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { MAX_FILE_BYTES } from '../../controller/domain/layout.ts';
import { parseState } from '../../controller/yaml/parse.ts';
import { releaseFiles, sourceFiles } from '../support/releases.ts';
import { NOW_MS } from '../support/state.ts';

const fill = (piece: (n: number) => string): string => {
  const pieces: string[] = [];
  for (let n = 0, size = 0; ; n++) {
    const text = piece(n);
    size += text.length;
    if (size > MAX_FILE_BYTES / 4) return pieces.join('');
    pieces.push(text);
  }
};

for (const [name, text] of [
  ['unknown keys', fill(n => `k${n}:\n`)],
  ['one key over and over', fill(() => 'a:\n')],
  ['aliases', `a: &a x\nb: [${fill(() => '*a,').slice(0, -20)}]\n`],
  ['anchors', fill(n => `k${n}: &a x\n`)],
  ['tags', fill(() => '- !x y\n')],
  ['bad list entries', `canary:\n  devices:\n${fill(() => '   - a b\n').slice(0, -40)}`],
  ['documents', fill(() => '---\n')],
  ['quotes that never end', fill(() => '"')],
  ['brackets', fill(() => '[')],
  ['braces', fill(() => '{a: ')],
  ['dashes', fill(() => '- ')],
  ['blanks', fill(() => ' ')],
  ['comments', fill(() => '#\n')],
  ['starts of a JSON Web Token', fill(() => '-eyJ')],
  ['halves of a JSON Web Token', fill(() => 'eyJaaaaaaaa.')],
  ['starts of a device token', fill(() => 'v1.a.')],
  ['starts of a service account', fill(() => '"private_key_id" ')],
  ['starts of a private key', fill(() => '-----BEGIN A ')],
] as const)
  test(`a file full of ${name} ends in a few problems`, () => {
    const files = { ...releaseFiles(), 'rollout.yaml': text };
    const { state, problems } = parseState({ files: sourceFiles(files) }, undefined, { nowMs: NOW_MS });
    assert.is(state, undefined);
    assert.ok(problems.length > 0 && problems.length <= 100, `${problems.length} problems`);
  });

test.run();
