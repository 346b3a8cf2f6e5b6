/** Results of checks as JUnit XML, which every CI can show. */

export interface Verdict {
  readonly name: string;
  readonly clause: string;
  readonly result: 'ok' | 'failed' | 'skipped';
  readonly detail: string | undefined;
  readonly warnings: readonly string[];
  readonly ms: number;
}

/** Escapes foreign text for XML 1.0 and drops characters that XML forbids. */
const text = (given: string): string =>
  given
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what XML forbids.
    .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|[\ud800-\udfff]/gu, '\ufffd')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll('\n', '&#10;');

const seconds = (ms: number): string => (ms / 1000).toFixed(3);

function testCase(suite: string, { name, clause, result, detail, warnings, ms }: Verdict): string {
  const inside = [
    ...(result === 'failed'
      ? [`<failure message="${text(detail ?? 'failed')}">${text(clause)}</failure>`]
      : []),
    ...(result === 'skipped' ? [`<skipped message="${text(detail ?? '')}"/>`] : []),
    ...(warnings.length === 0
      ? []
      : [`<system-out>${text(`warning: ${warnings.join('\nwarning: ')}`)}</system-out>`]),
  ];
  const open = `    <testcase classname="${text(suite)}" name="${text(name)}" time="${seconds(ms)}"`;
  return inside.length === 0 ? `${open}/>` : `${open}>${inside.join('')}</testcase>`;
}

/** One suite. `suite` is its name: `agent` or `controller`. */
export function junitXml(suite: string, verdicts: readonly Verdict[]): string {
  const count = (result: Verdict['result']) => verdicts.filter(verdict => verdict.result === result).length;
  const totalMs = verdicts.reduce((sum, { ms }) => sum + ms, 0);
  const name = `nexmdm-ota conform ${suite}`;
  const counts = `tests="${verdicts.length}" failures="${count('failed')}" skipped="${count('skipped')}"`;
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites ${counts} time="${seconds(totalMs)}">`,
    `  <testsuite name="${name}" ${counts} errors="0" time="${seconds(totalMs)}">`,
    ...verdicts.map(verdict => testCase(name, verdict)),
    '  </testsuite>',
    '</testsuites>',
    '',
  ].join('\n');
}
