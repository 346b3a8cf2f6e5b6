/** The lines around a problem in a file. Pure. */
import type { Problem } from './problem.ts';

export interface Excerpt {
  /** Number of the first line, from 1. */
  readonly from: number;
  readonly lines: readonly string[];
}

const AROUND = 2;
const MAX_LINE = 200;

export function excerptOf(text: string, line: number): Excerpt | undefined {
  const all = text.replace(/\r?\n$/, '').split(/\r?\n/);
  if (line < 1 || line > all.length) return undefined;
  const from = Math.max(1, line - AROUND);
  const lines = all.slice(from - 1, line + AROUND).map(l => l.slice(0, MAX_LINE));
  return { from, lines };
}

/** Adds the lines to each problem. No lines are shown of a file in which a secret was found. */
export function withExcerpts<P extends Pick<Problem, 'code' | 'file' | 'line'>>(
  problems: readonly P[],
  textOf: (file: string) => string | undefined,
): (P & { readonly excerpt: Excerpt | undefined })[] {
  const secret = new Set(problems.filter(p => p.code === 'secret_found').map(p => p.file));
  return problems.map(problem => {
    const text = secret.has(problem.file) ? undefined : textOf(problem.file);
    return { ...problem, excerpt: text === undefined ? undefined : excerptOf(text, problem.line) };
  });
}
