/** Problems for people, for scripts, for GitHub's workflow commands and as SARIF 2.1.0. Pure. */
import type { Problem } from '../domain/problem.ts';

/** A problem with `file` relative to the repository's root, or to the working folder outside Git. */
export type Placed = Omit<Problem, 'code'> & { readonly code: string };

export const FORMATS = ['text', 'json', 'github', 'sarif'] as const;
export type Format = (typeof FORMATS)[number];

export const errorsIn = (problems: readonly Pick<Problem, 'severity'>[]): number =>
  problems.filter(p => p.severity === 'error').length;

const plural = (n: number, one: string): string => `${n} ${one}${n === 1 ? '' : 's'}`;

export const countText = (problems: readonly Pick<Problem, 'severity'>[]): string => {
  const errors = errorsIn(problems);
  return `${plural(errors, 'error')}, ${plural(problems.length - errors, 'warning')}`;
};

/**
 * Text from a file may contain control characters that repaint a terminal, reorder text, or fake a line (in CI a whole
 * workflow command). They are shown as escapes. {@link visible} keeps our own line breaks.
 */
export const visible = (text: string): string =>
  text.replace(/(?![\t\n])[\p{Cc}\p{Bidi_C}\u2028\u2029]/gu, escaped);
export const visibleLine = (text: string): string =>
  text.replace(/[\p{Cc}\p{Bidi_C}\u2028\u2029]/gu, escaped);

const escaped = (character: string): string =>
  `\\u${(character.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`;

interface Paint {
  readonly red: (text: string) => string;
  readonly yellow: (text: string) => string;
  readonly bold: (text: string) => string;
  readonly dim: (text: string) => string;
}

/** A problem of the whole revision, not of a file. */
const isWhole = ({ file }: Placed): boolean => file === '';

/** `releases/rollout.yaml:4:10: error unknown_build: message`, the hint on a line of its own. */
export function textOf(problem: Placed, colours: Paint): string {
  const { file, line, column, severity, code, message, hint } = problem;
  const kind = severity === 'error' ? colours.red('error') : colours.yellow('warning');
  const where = isWhole(problem) ? '' : `${colours.bold(visibleLine(`${file}:${line}:${column}`))}: `;
  const first = `${where}${kind} ${code}: ${visibleLine(message)}\n`;
  return hint === undefined ? first : `${first}  ${colours.dim(`hint: ${visibleLine(hint)}`)}\n`;
}

/** Escapes for GitHub's workflow commands: % CR LF in data, and also `:` and `,` in property values. */
const escapeData = (text: string): string =>
  text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
const escapeProperty = (text: string): string =>
  escapeData(text).replaceAll(':', '%3A').replaceAll(',', '%2C');

export function githubOf(problem: Placed): string {
  const { file, line, column, severity, code, message, hint } = problem;
  const at = isWhole(problem) ? '' : `file=${escapeProperty(file)},line=${line},col=${column},`;
  const place = `${at}title=${escapeProperty(code)}`;
  return `::${severity} ${place}::${escapeData(hint === undefined ? message : `${message} (${hint})`)}\n`;
}

/** A whole SARIF log of one run; paths are URIs relative to the repository. */
export function sarifOf(problems: readonly Placed[], version: string): unknown {
  const codes = [...new Set(problems.map(p => p.code))].sort();
  return {
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: {
          driver: {
            name: 'ota',
            version,
            rules: codes.map(id => ({ id, shortDescription: { text: id.replaceAll('_', ' ') } })),
          },
        },
        columnKind: 'utf16CodeUnits',
        results: problems.map(p => ({
          ruleId: p.code,
          ruleIndex: codes.indexOf(p.code),
          level: p.severity,
          message: { text: p.hint === undefined ? p.message : `${p.message} (${p.hint})` },
          locations: isWhole(p)
            ? []
            : [
                {
                  physicalLocation: {
                    artifactLocation: {
                      uri: p.file.split('/').map(encodeURIComponent).join('/'),
                      uriBaseId: '%SRCROOT%',
                    },
                    region: { startLine: p.line, startColumn: p.column },
                  },
                },
              ],
        })),
      },
    ],
  };
}
