/** Whether one file passed: strictly, and with the reason where it did not. */

export interface FileResult {
  readonly file: string;
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  readonly why: string | undefined;
  readonly output: string;
  readonly ms: number;
}

export interface Run {
  readonly output: string;
  readonly exit: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly timedOut: boolean;
  readonly ms: number;
}

export interface Judged extends Pick<Run, 'output' | 'exit' | 'timedOut' | 'ms'> {
  /** Why its process ended before the file did. */
  readonly ended?: string | undefined;
}

export interface Counts {
  readonly total: number;
  readonly passed: number;
  readonly skipped: number;
  /** Only of files that share a process. */
  readonly ms?: number;
}

export const count = (output: string, label: string): number =>
  [...output.matchAll(new RegExp(`^\\s*${label}:\\s+(\\d+)`, 'gm'))].reduce(
    (sum, m) => sum + Number(m[1]),
    0,
  );

export function judge(file: string, run: Judged, counts: Counts): FileResult {
  const { total, passed, skipped } = counts;
  // uvu's total does not include what was skipped.
  const failed = Math.max(0, total - passed);
  const result = { file, passed, skipped, output: run.output, ms: run.ms };
  if (run.timedOut) return { ...result, failed: failed + 1, why: `killed after ${run.ms.toFixed(0)} ms` };
  if (run.ended !== undefined) return { ...result, failed: failed + 1, why: run.ended };
  if (total === 0)
    return { ...result, failed: failed + 1, why: 'ran no test (is test.run() missing, or test.skip alone?)' };
  if (failed > 0) return { ...result, failed, why: 'not every test passed' };
  if (run.exit !== 0) return { ...result, failed: 1, why: `exit code ${run.exit}` };
  return { ...result, failed, why: undefined };
}
