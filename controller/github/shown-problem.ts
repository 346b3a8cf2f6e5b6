/** The parts of a problem that a pull request may show: none that could name a device. */
import type { Problem } from '../domain/problem.ts';
import type { ShownProblem } from './ledger.ts';

/** These problems quote their text, which may be a list of devices. */
const QUOTES = /^(yaml_|secret_found)/;

const namesDevices = ({ code, file, path }: Problem): boolean =>
  file.startsWith('cohorts/') || path.startsWith('canary') || QUOTES.test(code);

export function shownProblem(problem: Problem): ShownProblem {
  const { severity, code, file, line, column } = problem;
  const place = { severity, code, file, line, column };
  return namesDevices(problem)
    ? { ...place, message: 'see this place in the file', hint: undefined }
    : { ...place, message: problem.message, hint: problem.hint };
}
