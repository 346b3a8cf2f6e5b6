import { readFileSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { bounds, rollouts } from '../../scripts/gate-pictures/pictures.ts';

for (const [name, drawn] of [
  ['gate-rollouts', rollouts],
  ['gate-bounds', bounds],
] as const)
  test(`docs/images/${name}.svg is what the gate does now (scripts/gate-pictures.ts draws it)`, () => {
    const file = new URL(`../../docs/images/${name}.svg`, import.meta.url);
    assert.is(readFileSync(file, 'utf8'), drawn());
  });

test.run();
