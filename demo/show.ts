/** The output while the demo runs: a bar on a terminal, one line a step in a pipe, nothing with --json. */
import { SingleBar } from 'cli-progress';
import type { Figure } from './figures.ts';

export interface Show {
  step(text: string): void;
  /** Where to watch it, and what to sign in with. */
  page(url: string, token: string): void;
  progress(done: number, total: number): void;
  /** A figure as soon as it is known. */
  found(figure: Figure): void;
  /** Ends the bar, if one is drawn. */
  settle(): void;
}

export function makeShow(mode: 'terminal' | 'pipe' | 'silent'): Show {
  if (mode === 'silent')
    return {
      step: () => undefined,
      page: () => undefined,
      progress: () => undefined,
      found: () => undefined,
      settle: () => undefined,
    };
  let bar: SingleBar | undefined;
  const settle = (): void => {
    bar?.stop();
    bar = undefined;
  };
  return {
    step: text => {
      settle();
      console.log(mode === 'terminal' ? `\u001b[1m▸ ${text}\u001b[0m` : `> ${text}`);
    },
    page: (url, token) => console.log(`  watch it at ${url}/ and sign in with ${token}`),
    progress: (done, total) => {
      if (mode !== 'terminal') return;
      if (bar === undefined) {
        bar = new SingleBar({
          format: '  {bar} {value}/{total} devices have polled',
          clearOnComplete: true,
          hideCursor: true,
        });
        bar.start(total, 0);
      }
      bar.update(done);
      if (done === total) settle();
    },
    found: ({ name, measured, ok, note }) => {
      // The table at the end has all figures; before that the important ones are enough.
      if (ok && note === '') return;
      settle();
      const mark = ok ? '\u001b[32m✓\u001b[0m' : '\u001b[31m✗\u001b[0m';
      const line = `${name.trim()}: ${measured}${note === '' ? '' : `, ${note}`}`;
      console.log(mode === 'terminal' ? `  ${mark} ${line}` : `  ${ok ? 'ok ' : 'OFF'} ${line}`);
    },
    settle,
  };
}
