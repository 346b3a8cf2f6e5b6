import { createColors } from 'picocolors';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  githubOf,
  type Placed,
  sarifOf,
  textOf,
  visible,
  visibleLine,
} from '../../controller/cli/problem-formats.ts';

const problem: Placed = {
  severity: 'error',
  code: 'unknown_key',
  file: 'releases/rollout.yaml',
  line: 4,
  column: 7,
  path: 'canray',
  message: 'unknown key "canray"',
  hint: 'did you mean canary?',
};

test('text names file:line:column, severity, code, message and hint', () => {
  assert.is(
    textOf(problem, createColors(false)),
    'releases/rollout.yaml:4:7: error unknown_key: unknown key "canray"\n  hint: did you mean canary?\n',
  );
});

test('a problem of the whole revision names no file', () => {
  const whole: Placed = { ...problem, file: '', line: 1, column: 1, code: 'history_rewritten', message: 'm' };
  assert.is(textOf(whole, createColors(false)), 'error history_rewritten: m\n  hint: did you mean canary?\n');
  assert.is(githubOf(whole), '::error title=history_rewritten::m (did you mean canary?)\n');
  const log = sarifOf([whole], '1') as { runs: { results: { locations: unknown[] }[] }[] };
  assert.equal(log.runs[0]?.results[0]?.locations, []);
});

test('a workflow command escapes what GitHub takes as syntax', () => {
  const odd: Placed = {
    ...problem,
    severity: 'warning',
    file: 'a,b:c%.yaml',
    message: '100 %\r\n::error::no',
    hint: undefined,
  };
  assert.is(
    githubOf(odd),
    '::warning file=a%2Cb%3Ac%25.yaml,line=4,col=7,title=unknown_key::100 %25%0D%0A::error::no\n',
  );
  assert.is(
    githubOf(problem),
    '::error file=releases/rollout.yaml,line=4,col=7,title=unknown_key::unknown key "canray" (did you mean canary?)\n',
  );
});

test('text from a file can neither repaint a terminal nor begin a line of its own', () => {
  const hostile: Placed = { ...problem, message: 'key "\u001b[2J\n::stop-commands::x\u202e"', hint: 'a\rb' };
  assert.is(textOf(hostile, createColors(false)).split('\n').length, 3);
  assert.is(visibleLine('a\u001b[2J\nb\u202e\u2028'), 'a\\u001b[2J\\u000ab\\u202e\\u2028');
  assert.is(visible('two\n  lines\u0007'), 'two\n  lines\\u0007');
});

test('SARIF 2.1.0 has rules, levels, regions and URIs', () => {
  const spaced: Placed = {
    ...problem,
    severity: 'warning',
    code: 'cohort_unused',
    file: 'releases/my cohort#1.yaml',
    hint: undefined,
  };
  assert.equal(sarifOf([problem, spaced], '1.2.3'), {
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: {
          driver: {
            name: 'ota',
            version: '1.2.3',
            rules: [
              { id: 'cohort_unused', shortDescription: { text: 'cohort unused' } },
              { id: 'unknown_key', shortDescription: { text: 'unknown key' } },
            ],
          },
        },
        columnKind: 'utf16CodeUnits',
        results: [
          {
            ruleId: 'unknown_key',
            ruleIndex: 1,
            level: 'error',
            message: { text: 'unknown key "canray" (did you mean canary?)' },
            locations: [
              {
                physicalLocation: {
                  artifactLocation: { uri: 'releases/rollout.yaml', uriBaseId: '%SRCROOT%' },
                  region: { startLine: 4, startColumn: 7 },
                },
              },
            ],
          },
          {
            ruleId: 'cohort_unused',
            ruleIndex: 0,
            level: 'warning',
            message: { text: 'unknown key "canray"' },
            locations: [
              {
                physicalLocation: {
                  artifactLocation: { uri: 'releases/my%20cohort%231.yaml', uriBaseId: '%SRCROOT%' },
                  region: { startLine: 4, startColumn: 7 },
                },
              },
            ],
          },
        ],
      },
    ],
  });
});

test.run();
