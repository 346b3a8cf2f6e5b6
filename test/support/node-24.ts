/** The second Node that the program must work on: TEST_NODE_24 names its program, which `.ci/node-24` fetches. */
import { spawnSync } from 'node:child_process';
import { inGroups } from './groups.ts';

/** Run once more on it: what of the language and the standard library these touch, all else touches. */
const ON_NODE_24 = ['test/domain/', 'test/store/', 'test/http/', 'test/journeys/device-1-poll.test.ts'];

/** How many files share a process. */
const TOGETHER = 60;

/** The program; undefined without one. A TEST_NODE_24 that names none is an error: whoever sets it wants no skip. */
export function node24(): string | undefined {
  const program = process.env.TEST_NODE_24;
  if (program === undefined || program === '') return undefined;
  const { stdout, error } = spawnSync(program, ['--version'], { encoding: 'utf8' });
  if (error !== undefined || !stdout.startsWith('v24.'))
    throw new Error(
      `TEST_NODE_24 names no Node 24: ${program} (${error?.message ?? `it is ${stdout.trim()}`})`,
    );
  return program;
}

/** Those of `files` that run on it, in groups for one process each. */
export function filesOnNode24(files: readonly string[]): string[][] {
  return ON_NODE_24.flatMap(prefix =>
    inGroups(
      files.filter(file => file.startsWith(prefix)),
      TOGETHER,
    ),
  );
}
