/** The state table as `schemas/vectors/agent-states.json` holds it: one line a part of a row, so that changes are seen. */
import { STATE_ROWS } from '../../../../agent/conform/agent/state-rows.ts';
import { defaultsJson, FRESH_UUID, NOW_MS } from './json.ts';
import { outcome, type Row } from './play.ts';
import { ROWS } from './rows.ts';

const part = (name: string, value: unknown): string =>
  `      ${JSON.stringify(name)}: ${JSON.stringify(value)}`;

function rowText(row: Row): string {
  const expect = outcome(row) as Readonly<Record<string, unknown>>;
  const { effects, ...changes } = expect;
  const lines = (effects as readonly unknown[]).map(effect => `          ${JSON.stringify(effect)}`);
  const list = lines.length === 0 ? '[]' : `[\n${lines.join(',\n')}\n        ]`;
  const changed = Object.entries(changes).map(
    ([name, value]) => `        ${JSON.stringify(name)}: ${JSON.stringify(value)},\n`,
  );
  return [
    '    {',
    [
      part('name', row.name),
      part('state', row.state),
      part('fact', row.fact),
      `      "expect": {\n${changed.join('')}        "effects": ${list}\n      }`,
    ].join(',\n'),
    '    }',
  ].join('\n');
}

export const stateTable = (): string =>
  [
    '{',
    '  "format": "nexmdm-ota vectors v1",',
    '  "kind": "agent_states",',
    `  "now_ms": ${NOW_MS},`,
    `  "fresh_uuid": ${JSON.stringify(FRESH_UUID)},`,
    `  "defaults": ${JSON.stringify(defaultsJson(), null, 2).replaceAll('\n', '\n  ')},`,
    `  "rows": [\n${ROWS.map(rowText).join(',\n')}\n  ],`,
    `  "black_box": [\n${STATE_ROWS.map(row => `    ${JSON.stringify(row)}`).join(',\n')}\n  ]`,
    '}',
    '',
  ].join('\n');
