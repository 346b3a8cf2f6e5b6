/** A problem with its place and the lines around it. The wrong line is marked, with the message below it. */
import type { ShownProblem } from '../../ports/index.ts';
import { type Html, html } from '../html.ts';

export function problemView(problem: ShownProblem): Html {
  const { file, line, column, code, message, hint, excerpt, severity } = problem;
  const where =
    file === ''
      ? 'the whole revision'
      : `releases/${file}${line > 0 ? `, line ${line}, column ${column}` : ''}`;
  const said = html`<li class="at"><span></span><span>${excerpt !== undefined && `${' '.repeat(Math.max(0, column - 1))}^ `}${code}: ${message}</span></li>${hint !== undefined && html`<li class="hint"><span></span><span>${hint}</span></li>`}`;
  return html`<figure class="code${severity === 'warning' ? ' mild' : ''}"><figcaption class="file">${where}</figcaption><ol>${
    excerpt === undefined
      ? said
      : excerpt.lines.map((text, at) => {
          const number = excerpt.from + at;
          const here = number === line;
          return html`<li${here && html` class="bad"`}><span>${number}</span><span>${here ? marked(text, column) : text}</span></li>${here && said}`;
        })
  }</ol></figure>`;
}

/** Underlines the word at the column: a key, a value, or the rest of the line. */
function marked(text: string, column: number): Html {
  const from = Math.max(0, column - 1);
  const word = /^[^\s:,{}[\]]+/.exec(text.slice(from))?.[0] ?? text.slice(from, from + 1);
  return html`${text.slice(0, from)}<u>${word}</u>${text.slice(from + word.length)}`;
}
