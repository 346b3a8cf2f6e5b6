/** Jobs on a tree as plain data, so that this process or another one can run them. */
import type { Finding, Problem } from '../domain/problem.ts';
import type { Rollout } from '../domain/release.ts';
import type { RuleTimes } from '../domain/rules/times.ts';
import type { Standing } from '../domain/standing.ts';
import type { SourceFile } from '../ports/index.ts';
import { type ParsedState, parseState, parseTree, placeFindings } from './parse.ts';

export type ParseJob =
  | {
      readonly ask: 'state';
      readonly files: readonly SourceFile[];
      readonly base: Standing | undefined;
      readonly times: RuleTimes;
    }
  | { readonly ask: 'rollout'; readonly files: readonly SourceFile[] }
  | { readonly ask: 'places'; readonly files: readonly SourceFile[]; readonly findings: readonly Finding[] };

export interface ParseAnswer {
  readonly state: ParsedState;
  /** Undefined if there is any error. */
  readonly rollout: Rollout | undefined;
  readonly places: Problem[];
}

export function runJob(job: ParseJob): ParseAnswer[ParseJob['ask']] {
  switch (job.ask) {
    case 'state':
      return parseState({ files: job.files }, job.base, job.times);
    case 'rollout':
      return parseTree(job.files).state?.rollout;
    case 'places':
      return placeFindings(job.files, job.findings);
  }
}
