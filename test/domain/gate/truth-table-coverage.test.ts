/**
 * Checks that each of the 40 rows of the truth table has a test. Rows that a pure judgement cannot decide need progress,
 * Git, the store or the process; the list names their tests, which must exist. truth-table.test.ts and
 * truth-table-silence.test.ts judge the other rows.
 */
import { readFileSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';

const root = new URL('../../../', import.meta.url);
const read = (file: string): string => readFileSync(new URL(file, root), 'utf8');

const OTHER_TESTS: readonly (readonly [row: number, file: string, title: string])[] = [
  [14, 'test/domain/gate/takers.test.ts', 'never offered the build is told and is no evidence'],
  [14, 'test/journeys/ramp-2-gate.test.ts', 'a device that was never served the build halts nothing'],
  [20, 'test/cli/simulation-run.test.ts', 'a step at 50 % that bricks all who take it is halted by silence'],
  [22, 'test/cli/simulation-run.test.ts', 'a lab of canaries that is switched off on Friday'],
  [24, 'test/journeys/ramp-1-late.test.ts', 'a controller that was down for a day stays in its step'],
  [24, 'test/cli/simulation-run.test.ts', 'while the controller is away nothing is judged'],
  [25, 'test/domain/ramp/look.test.ts', 'however much was served, one look enters one step'],
  [26, 'test/watch/exposure.test.ts', 'a step keeps the time it was served over a restart'],
  [26, 'test/watch/exposure.test.ts', 'a step whose row is lost in a crash adds no effect and no report'],
  [28, 'test/journeys/ramp-3-brake-pull.test.ts', 'GitHub down at the breach: halted now'],
  [
    29,
    'test/journeys/ramp-3-brake-pull.test.ts',
    'halted: neither a README, nor an edit of the gate, nor a percent that was reviewed before lifts it',
  ],
  [
    30,
    'test/journeys/ramp-2-gate.test.ts',
    'a halt that Git declares ends with the commit that widens after it',
  ],
  [30, 'test/journeys/ramp-3-brake-pull.test.ts', 'opens one pull request; merged, then widened, it ends'],
  [
    31,
    'test/journeys/ramp-3-brake-pull.test.ts',
    'halted, rolled back, and the rollback reverted: last_safe to all, then step 1, halted on the old counts',
  ],
  [32, 'test/journeys/ramp-1-late.test.ts', 'a rollback after ten minutes at 100 % that is reverted'],
  [33, 'test/journeys/ramp-1-late.test.ts', 'reverted and promoted again between two polls'],
  [34, 'test/domain/ramp/progress.test.ts', "['another build', ramped()"],
  [
    36,
    'test/domain/ramp/progress.test.ts',
    '50 edited to 25 is 25 at once, and 50 again comes one step at a time',
  ],
  [
    37,
    'test/journeys/ramp-1-late.test.ts',
    'a new controller on an old repository begins the ramp at step 1',
  ],
  [
    39,
    'test/journeys/ramp-3-brake-pull.test.ts',
    'a merge queue that widens while the verdict turns: plan_not_approved',
  ],
  [40, 'test/journeys/ramp-2-gate.test.ts', 'a device that is deleted leaves its word'],
];

/** No test shows these yet. A row leaves this list with the test that shows it. */
const OPEN: readonly number[] = [];

for (const [row, file, title] of OTHER_TESTS)
  test(`row ${row} is shown by ${file}`, () => {
    assert.ok(read(file).includes(title), `${file} has no test "${title}"`);
  });

test('each of the 40 rows has a test here or in another file, or is listed as open', () => {
  const judged = ['truth-table', 'truth-table-silence'].flatMap(name => [
    ...read(`test/domain/gate/${name}.test.ts`).matchAll(/^\s*(?:\{ )?row: (\d+),/gm),
  ]);
  const shown = new Set([...judged.map(([, row]) => Number(row)), ...OTHER_TESTS.map(([row]) => row)]);
  const all = Array.from({ length: 40 }, (_, i) => i + 1);
  assert.equal(
    all.filter(row => !shown.has(row)),
    OPEN,
  );
});

test.run();
