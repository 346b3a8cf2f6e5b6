/** Checks of one file that a schema cannot express. The data has already passed its schema. */
import type { Kind } from '../domain/layout.ts';
import type { ProblemCode } from '../domain/problem.ts';
import type { DataPath } from './place.ts';
import type { WireBuild, WireCohort, WirePolicy } from './wire.ts';

interface SingleProblem {
  readonly code: ProblemCode;
  readonly path: DataPath;
  /** `key` if the key is wrong, `value` if its value is wrong. */
  readonly at: 'key' | 'value';
  readonly message: string;
  readonly hint?: string | undefined;
}

const MAX_COHORT_ENTRIES = 10_000;

/** `name` is the id in the file name. */
export function checkSingle(kind: Kind, name: string, data: unknown): SingleProblem[] {
  switch (kind) {
    case 'Rollout':
      return [];
    case 'Build':
      return [...checkBuild(name, data as WireBuild)];
    case 'Cohort':
      return [...checkCohort(name, data as WireCohort)];
    case 'Policy':
      return [...checkWindows(data as WirePolicy)];
  }
}

const mismatch = (path: string, folder: string, name: string): SingleProblem => ({
  code: 'file_name_mismatch',
  path: [path],
  at: 'value',
  message: `${path} must be the same as the name of the file`,
  hint: `write ${path}: ${name}, or rename the file within ${folder}/`,
});

function* checkBuild(name: string, build: WireBuild): Generator<SingleProblem> {
  if (build.build_id !== name) yield mismatch('build_id', 'builds', name);
  const seen = new Set<number>();
  for (const [index, { min_sdk }] of (build.signers ?? []).entries()) {
    if (seen.has(min_sdk)) {
      const path = ['signers', index, 'min_sdk'];
      yield {
        code: 'invalid_value',
        path,
        at: 'value',
        message: `two signers have min_sdk ${min_sdk}`,
        hint: 'keep one signer for each min_sdk',
      };
    }
    seen.add(min_sdk);
  }
}

function* checkCohort(name: string, cohort: WireCohort): Generator<SingleProblem> {
  if (cohort.name !== name) yield mismatch('name', 'cohorts', name);
  if ((cohort.tags?.length ?? 0) + (cohort.devices?.length ?? 0) > MAX_COHORT_ENTRIES)
    yield {
      code: 'invalid_value',
      path: ['devices'],
      at: 'key',
      message: `a cohort may hold at most ${MAX_COHORT_ENTRIES} tags and devices`,
      hint: 'give the devices a tag and name the tag',
    };
}

function* checkWindows({ freeze_windows = [] }: WirePolicy): Generator<SingleProblem> {
  for (const [index, { from = '00:00', to = '24:00' }] of freeze_windows.entries())
    if (from >= to)
      yield {
        code: 'invalid_value',
        path: ['freeze_windows', index, 'to'],
        at: 'value',
        message: `a window must end after it begins, but this one runs from ${from} to ${to}`,
        hint: 'split a window across midnight in two: one to 24:00, one from 00:00',
      };
}
