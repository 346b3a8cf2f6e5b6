import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { parse } from 'yaml';
import { editRollout } from '../../controller/yaml/edit.ts';

const text = `# yaml-language-server: $schema=../schemas/rollout.schema.json
apiVersion: ota.nexmdm/v1
kind: Rollout
# the pointer
current: b42                  # the build being promoted
last_safe: "b41"              # for everyone else
rollout_percent: 10           # 0–100
cohort_seed: ''
canary: {tags: [qa],   devices: [ kiosk-7 ]}

rollback: true
reason: >-
  two lines
  of text
wifi_only: true   # keep
`;

test('a changed value leaves comments, their columns, quotes and every other line as they were', () => {
  const edited = editRollout(text, {
    current: 'b1234',
    last_safe: 'b42',
    rollout_percent: 2.5,
    cohort_seed: 'b1234-0',
  });
  const was = text.split('\n');
  const is = edited.split('\n');
  assert.is(is[4], 'current: b1234                # the build being promoted');
  assert.is(is[5], 'last_safe: "b42"              # for everyone else');
  assert.is(is[6], 'rollout_percent: 2.5          # 0–100');
  assert.is(is[7], "cohort_seed: 'b1234-0'");
  assert.equal([...is.slice(0, 4), ...is.slice(8)], [...was.slice(0, 4), ...was.slice(8)]);
});

test('a key is taken away with the comment beside it, and only that', () => {
  const edited = editRollout(text, { reason: undefined, rollout_percent: undefined });
  assert.is(edited, text.replace(/rollout_percent.*\n/, '').replace(/reason: >-\n.*\n.*\n/, ''));
});

test('a percent replaces the ramp at the same place in the file', () => {
  const ramp = `apiVersion: ota.nexmdm/v1
kind: Rollout
current: b42
last_safe: b41
# how fast
ramp:
  steps:
    - {percent: 1, hold: 4h}  # careful
    - {percent: 100}
  # end of ramp
# the rest
rollback: false
`;
  assert.is(
    editRollout(ramp, { rollout_percent: 50, ramp: undefined }),
    `apiVersion: ota.nexmdm/v1
kind: Rollout
current: b42
last_safe: b41
rollout_percent: 50
# how fast
# the rest
rollback: false
`,
  );
});

test('a missing key goes where the reference writes it, also into a file that ends without a newline', () => {
  assert.is(
    editRollout('kind: Rollout\ncurrent: b1', { rollback: true, last_safe: 'b0' }),
    'kind: Rollout\ncurrent: b1\nlast_safe: b0\nrollback: true\n',
  );
});

test('text that looks like something else is quoted, and multi-line text stays one line', () => {
  const edited = editRollout(
    'kind: Rollout\ncurrent: b1\nlast_safe:\nreason: |\n  old\n  words\nwifi_only: true\n',
    {
      current: '1e3',
      last_safe: 'true',
      reason: 'a: b # c\nsecond',
    },
  );
  assert.equal(parse(edited), {
    kind: 'Rollout',
    current: '1e3',
    last_safe: 'true',
    reason: 'a: b # c\nsecond',
    wifi_only: true,
  });
  assert.is(edited.split('\n').length, 6);
});

test('Windows line ends stay', () => {
  const edited = editRollout(text.replaceAll('\n', '\r\n'), {
    current: 'b43',
    reason: 'why',
    force_downgrade: true,
  });
  assert.is(edited.replaceAll('\r\n', '').includes('\n'), false);
  assert.is(parse(edited).reason, 'why');
});

test('flow style and shared values are still written rightly, comments kept', () => {
  const flow = editRollout('# top\n{kind: Rollout, current: b1, last_safe: b0}\n', { current: 'b2' });
  assert.equal(parse(flow), { kind: 'Rollout', current: 'b2', last_safe: 'b0' });
  assert.match(flow, /^# top/);
  const shared = editRollout('kind: Rollout\ncurrent: &b b1 # c\nlast_safe: *b\n', { current: 'b2' });
  assert.equal(parse(shared), { kind: 'Rollout', current: 'b2', last_safe: 'b1' });
  assert.match(shared, /# c/);
});

test('a nested value is changed where it differs, in block and in flow', () => {
  const nested = `current: b1
ramp:
  # the lab goes first
  steps:
    - {percent: 1, hold: 4h}   # a morning
    - percent: 10              # written out
      hold: 24h
    - {percent: 100}
  gate: {min_reports: 20}      # small fleet
canary: {tags: [qa], devices: [ kiosk-7 ,kiosk-8 ]}
`;
  const ramp = (last: object[], gate: object) => ({
    steps: [{ percent: 1, hold: '6h' }, { percent: 10, hold: '24h' }, ...last],
    gate,
  });
  const edited = editRollout(nested, {
    ramp: ramp([{ percent: 50, hold: '1d' }, { percent: 100 }], { min_reports: 30, max_wait: '2d' }) as never,
    canary: { tags: ['qa', 'lab: 1'], devices: ['kiosk-8'] },
  });
  assert.is(
    edited,
    nested
      .replace('hold: 4h', 'hold: 6h')
      .replace('- {percent: 100}', '- {percent: 50, hold: 1d}\n    - {percent: 100}')
      .replace('{min_reports: 20}      #', '{min_reports: 30, max_wait: 2d}      #')
      .replace('[qa]', '[qa, "lab: 1"]')
      .replace('[ kiosk-7 ,kiosk-8 ]', '[ kiosk-8 ]'),
  );
});

test('what is not a mapping is refused with a code', () => {
  for (const bad of ['', '- a\n', 'a: [', 'a: 1\na: 2\n'])
    assert.throws(
      () => editRollout(bad, { current: 'b2' }),
      (error: { code?: string }) => error.code === 'edit_impossible',
    );
});

test('changing nothing changes no byte', () => {
  assert.is(editRollout(text, { current: 'b42', rollback: true, rollout_percent: 10 }), text);
  assert.is(editRollout(text, {}), text);
});

test.run();
