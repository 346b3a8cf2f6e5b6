/** The comment for a revision that is not applied: the problems with their places, and what to do. */
import type { Entry, ShownProblem } from '../ledger.ts';
import { folded, literal, paragraphs, shortSha } from './markdown.ts';

const MOST_CHARS = 14_000;

function problemLine({ severity, code, file, line, column, message, hint }: ShownProblem): string {
  const place = file === '' ? '' : ` ${literal(`${file}:${line}:${column}`)}`;
  const more = hint === undefined ? '' : `\n  <br>↳ ${literal(hint, 300)}`;
  return `- ${severity === 'error' ? '❌' : '⚠️'} **${code}**${place} ${literal(message, 300)}${more}`;
}

/** A list of problems, errors first, as many as fit; free text is shown literally. */
export function renderProblems(problems: readonly ShownProblem[]): string {
  const sorted = [...problems].sort(
    (a, b) => Number(a.severity === 'warning') - Number(b.severity === 'warning'),
  );
  const lines: string[] = [];
  let used = 0;
  for (const text of sorted.map(problemLine)) {
    if (used + text.length > MOST_CHARS) break;
    used += text.length + 1;
    lines.push(text);
  }
  const left = sorted.length - lines.length;
  return [...lines, ...(left > 0 ? [`- … and ${left} more; \`ota validate\` lists them all`] : [])].join(
    '\n',
  );
}

export function renderRejected({ kind, revision, problems, progress, planHash, planText }: Entry): string {
  const by = progress.by === undefined ? undefined : shortSha(progress.by);
  if (kind === 'skipped')
    return paragraphs(
      '### Not applied by itself · ⚫ superseded',
      `${by ?? 'A later revision'} was merged before this one was read and is in force now.`,
      `<sub>revision ${shortSha(revision)}</sub>`,
    );
  const held = problems.some(p => p.code === 'plan_not_approved');
  return paragraphs(
    `### Not applied · 🔴 ${held ? 'held' : 'rejected'}${by === undefined ? '' : `, superseded by ${by}`}`,
    by === undefined
      ? 'Nothing changed for any device: the last good revision stays in force.'
      : 'It never took effect.',
    renderProblems(problems),
    held && by === undefined
      ? 'Approve this pull request again after reading the plan below, and it is applied. Or revert it.'
      : undefined,
    planText === ''
      ? undefined
      : folded(`The plan that is held · <code>${planHash.slice(0, 12)}</code>`, planText),
    `<sub>revision ${shortSha(revision)}${planHash === '' ? '' : ` · plan ${shortSha(planHash)}`}</sub>`,
  );
}
