import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { DEFAULT_GATE } from '../../controller/domain/gate/gate.ts';
import { MAX_FILE_BYTES, MAX_FILES } from '../../controller/domain/layout.ts';
import type { Problem } from '../../controller/domain/problem.ts';
import type { Build } from '../../controller/domain/release.ts';
import type { Standing } from '../../controller/domain/standing.ts';
import { parseState, parseTree } from '../../controller/yaml/parse.ts';
import { type ReleaseFiles, releaseFiles, sourceFiles } from '../support/releases.ts';
import {
  aBuild,
  aCohort,
  aPolicy,
  aRamp,
  aRollout,
  aState,
  HOUR_MS,
  hexOf,
  NOW_MS,
  OTHER_SIGNER,
  SIGNER,
} from '../support/state.ts';

const ROLLOUT = `apiVersion: ota.nexmdm/v1
kind: Rollout
current: b42
last_safe: b41
rollout_percent: 10
`;
const GOOD: ReleaseFiles = { ...releaseFiles(), 'rollout.yaml': ROLLOUT };
const B42 = GOOD['builds/b42.yaml'] ?? '';
const POLICY = 'apiVersion: ota.nexmdm/v1\nkind: Policy\n';
const COHORT = 'apiVersion: ota.nexmdm/v1\nkind: Cohort\nname: lab\n';
const LAB_CANARY = 'canary: {cohorts: [lab]}\n';

const parse = (files: ReleaseFiles, base?: Standing, nowMs = NOW_MS) =>
  parseState({ files: sourceFiles(files) }, base, { nowMs, reviewing: true });

const where = (p: Problem): string =>
  `${p.file}:${p.line}:${p.column} ${p.code}${p.path === '' ? '' : ` ${p.path}`}`;

/** With `text` in place of the file; every problem and nothing else, at exactly these places. */
function finds(name: string, file: string, text: string, ...expected: string[]): void {
  test(name, () => {
    const { state, problems } = parse({ ...GOOD, [file]: text });
    assert.equal(problems.map(where), expected);
    assert.is(state, undefined);
    for (const { message, hint } of problems) assert.ok(message.length < 300 && hint !== '', message);
  });
}

const rollout = (...lines: string[]): string => `${ROLLOUT}${lines.join('\n')}\n`;
const rolloutFinds = (name: string, lines: string[], ...expected: string[]): void =>
  finds(name, 'rollout.yaml', rollout(...lines), ...expected.map(e => `rollout.yaml:${e}`));
const replaced = (from: string | RegExp, to: string): string => ROLLOUT.replace(from, to);

// ---------------------------------------------------------------- what is well

test('a state written out as YAML and parsed is the same state', () => {
  const state = aState({
    rollout: {
      exposure: aRamp(NOW_MS, [1, 4], [10.25, 24], [100]),
      cohortSeed: 'b42:7',
      canary: { tags: ['qa'], devices: ['kiosk-7'], cohorts: ['lab'] },
      mustInstall: true,
      deadlineMs: 72 * HOUR_MS,
      wifiOnly: false,
      minBatteryPercent: 15,
      suspend: { reason: 'a storm', sinceMs: NOW_MS, untilMs: NOW_MS + HOUR_MS },
      reason: 'faster boot: "really"',
    },
    builds: [
      aBuild(40, { withdrawn: { reason: 'crash loop on API 29', atMs: NOW_MS } }),
      aBuild(41),
      aBuild(42, {
        signers: [{ minSdk: 33, fingerprint: OTHER_SIGNER }],
        signerLineage: [SIGNER],
        notes: 'first line\nsecond # line',
      }),
    ],
    cohorts: [aCohort('lab', { tags: ['bench'], devices: ['a:1', 'b'] })],
    policy: aPolicy({
      allowedPercents: [1, 10.25, 100],
      maxJumpPercent: 90,
      pinnedSigners: [SIGNER],
      freezeWindows: [
        { reason: 'night', timeZone: 'Europe/Berlin', days: ['fri', 'sat'], fromMinute: 60, toMinute: 1440 },
      ],
      approvals: [{ abovePercent: 25, approvals: 2 }],
    }),
  });
  const parsed = parse(releaseFiles(state));
  assert.equal(parsed.problems, []);
  assert.equal(parsed.state, state);
});

test('what is left out has its default', () => {
  const { state, problems } = parse(GOOD);
  assert.equal(problems, []);
  assert.equal(state?.rollout, aRollout(10));
});

test('fingerprints and hashes are normalised, with colons and in any case', () => {
  const colons = (SIGNER.match(/../g) ?? []).join(':').toUpperCase();
  const text = B42.replace(SIGNER, `"${colons}"`).replace(hexOf('apk 42'), hexOf('apk 42').toUpperCase());
  const { state, problems } = parse({ ...GOOD, 'builds/b42.yaml': text });
  assert.equal(problems, []);
  assert.equal(state?.builds.get('b42'), aBuild(42));
});

test('times keep their offset and durations their unit', () => {
  const { state, problems } = parse({
    ...GOOD,
    'rollout.yaml': rollout(
      'must_install: true',
      'deadline: 30m',
      'suspend: {reason: x, since: 2026-06-01T14:00:00+02:00, until: 2026-06-02T00:00:00.500Z}',
    ),
  });
  assert.equal(problems, []);
  assert.is(state?.rollout.deadlineMs, 1_800_000);
  assert.equal(state?.rollout.suspend, {
    reason: 'x',
    sinceMs: NOW_MS,
    untilMs: NOW_MS + 12 * HOUR_MS + 500,
  });
});

test('README.md and dotfiles are no part of the state', () => {
  const { state, problems } = parse({
    ...GOOD,
    'README.md': '# Releases',
    'builds/README.md': 'x',
    '.gitkeep': '',
    'builds/.b42.yaml.swp': 'b0VIM',
  });
  assert.equal(problems, []);
  assert.ok(state);
});

test('CRLF, a byte order mark, comments and a document start change nothing', () => {
  const text = `\ufeff# a comment\r\n---\r\n${ROLLOUT.replaceAll('\n', '\r\n')}`;
  const { state, problems } = parse({ ...GOOD, 'rollout.yaml': text });
  assert.equal(problems, []);
  assert.equal(state?.rollout, aRollout(10));
  const broken = parse({ ...GOOD, 'rollout.yaml': `${text}wifi: true\r\n` });
  assert.equal(broken.problems.map(where), ['rollout.yaml:8:1 unknown_key wifi']);
});

test('a few aliases are read', () => {
  const text = `${COHORT}devices: &all [a, b]\n`;
  const canary = 'canary: {cohorts: [lab], tags: &t [qa], devices: [x]}\n';
  assert.equal(parse({ ...GOOD, 'rollout.yaml': rollout(canary), 'cohorts/lab.yaml': text }).problems, []);
});

// ---------------------------------------------------------------- the files

test('releases_missing: no files are never "no release"', () => {
  const { state, problems } = parse({});
  assert.equal(problems.map(where), ['rollout.yaml:1:1 releases_missing']);
  assert.is(state, undefined);
});

test('releases_empty: nothing but notes', () => {
  assert.equal(parse({ 'README.md': 'x', '.gitkeep': '' }).problems.map(where), [
    'rollout.yaml:1:1 releases_empty',
  ]);
});

test('rollout_missing', () => {
  const { 'rollout.yaml': _, ...rest } = GOOD;
  assert.equal(parse(rest).problems.map(where), ['rollout.yaml:1:1 rollout_missing']);
});

for (const [file, hint] of [
  ['builds/b43.yml', 'rename it to builds/b43.yaml'],
  ['builds/old/b43.yaml', 'expected'],
  ['builds/b 43.yaml', 'not a valid build_id'],
  ['cohorts/Lab.yaml', 'not a valid cohort name'],
  ['rollout.yaml~', 'expected'],
  ['rollout.json', 'expected'],
] as const)
  test(`unexpected_file: ${file}`, () => {
    const { problems } = parse({ ...GOOD, [file]: 'x: 1' });
    assert.equal(problems.map(where), [`${file}:1:1 unexpected_file`]);
    assert.match(problems[0]?.hint ?? '', hint);
  });

for (const [refused, code] of [
  ['symlink', 'symlink'],
  ['file_too_large', 'file_too_large'],
  ['not_a_file', 'unexpected_file'],
] as const)
  test(`${code}: a file that the source refused to read (${refused})`, () => {
    const files = [...sourceFiles(GOOD), { path: 'builds/b43.yaml', refused }];
    const { state, problems } = parseState({ files }, undefined, { nowMs: NOW_MS });
    assert.equal(problems.map(where), [`builds/b43.yaml:1:1 ${code}`]);
    assert.is(state, undefined);
  });

test('file_too_large: one byte over the limit, not one below', () => {
  const pad = (size: number) => B42.padEnd(size, '#\n');
  assert.equal(parse({ ...GOOD, 'builds/b42.yaml': pad(MAX_FILE_BYTES) }).problems, []);
  assert.equal(parse({ ...GOOD, 'builds/b42.yaml': pad(MAX_FILE_BYTES + 1) }).problems.map(where), [
    'builds/b42.yaml:1:1 file_too_large',
  ]);
});

test('too_many_files: one over the limit, and none of them is read', () => {
  const many = Object.fromEntries(
    Array.from({ length: MAX_FILES + 1 }, (_, n) => [`builds/b${n}.yaml`, 'x']),
  );
  assert.equal(parse(many).problems.map(where), ['rollout.yaml:1:1 too_many_files']);
});

test('not_utf8: placed at the first bad byte', () => {
  const content = Buffer.concat([
    Buffer.from(`${ROLLOUT}reason: "gr`),
    Buffer.from([0xfc]),
    Buffer.from('n"\n'),
  ]);
  const files = [
    ...sourceFiles(GOOD).filter(f => f.path !== 'rollout.yaml'),
    { path: 'rollout.yaml', content },
  ];
  const { problems } = parseState({ files }, undefined, { nowMs: NOW_MS });
  assert.equal(problems.map(where), ['rollout.yaml:6:12 not_utf8']);
});

const TOKEN = `ghp_${'a1B2'.repeat(9)}`;
for (const [what, secret] of [
  ['a private key', '-----BEGIN RSA PRIVATE KEY-----'],
  ['a private key', '-----BEGIN OPENSSH PRIVATE KEY-----'],
  ['a private key', '-----BEGIN PRIVATE KEY-----'],
  ['a private key', '-----BEGIN PGP PRIVATE KEY BLOCK-----'],
  ['a GitHub token', TOKEN],
  ['a GitHub token', `github_pat_${'11ABCDEFG0'.repeat(3)}`],
  ['a Google API key', `AIza${'x'.repeat(35)}`],
  ['a Google OAuth token', `ya29.${'x'.repeat(30)}`],
  ['a Google service account', '"private_key_id": "0123"'],
  ['an AWS access key', 'AKIAIOSFODNN7EXAMPLE'],
  ['a Slack token', 'xoxb-0123456789-abcdef'],
  ['a JSON Web Token', `eyJ${'hbGciOi'.repeat(3)}.eyJ${'zdWIiOi'.repeat(3)}.${'sig'.repeat(9)}`],
  ['a device token', `v1.k1.kiosk-7.3.${'A'.repeat(43)}`],
  ['an admin token', `ota_admin_${'A'.repeat(43)}`],
] as const)
  test(`secret_found: ${what} (${secret.slice(0, 14)}…), in any file, never echoed`, () => {
    for (const file of ['rollout.yaml', 'builds/b42.yaml', 'README.md', '.env', 'oops.txt']) {
      const text = `${GOOD[file] ?? 'notes\n'}# key: ${secret}\nunknown_key: ${secret}\n`;
      const { state, problems } = parse({ ...GOOD, [file]: text });
      const line = (GOOD[file] ?? 'notes\n').split('\n').length;
      assert.equal(problems.map(where), [
        `${file}:${line}:8 secret_found`,
        `${file}:${line + 1}:14 secret_found`,
      ]);
      assert.match(problems[0]?.message ?? '', what);
      assert.is(state, undefined);
      assert.not.ok(JSON.stringify(problems).includes(secret));
    }
  });

test('fingerprints, hashes and prose are not taken for secrets', () => {
  const reason = `reason: "see v1.2.3, key rotated; ${hexOf('x')} sk-learn ota_admin gho AIza eyJ"`;
  assert.equal(parse({ ...GOOD, 'rollout.yaml': rollout(reason) }).problems, []);
});

// ---------------------------------------------------------------- the YAML

finds(
  'yaml_syntax',
  'rollout.yaml',
  `${ROLLOUT}canary: {tags: [qa\nreason: x\n`,
  'rollout.yaml:7:1 yaml_syntax',
);
finds(
  'yaml_syntax: a tab for indentation',
  'rollout.yaml',
  'canary:\n\ttags: [qa]\n',
  'rollout.yaml:2:1 yaml_syntax',
);
finds(
  'yaml_syntax: an older YAML',
  'rollout.yaml',
  `%YAML 1.1\n---\n${ROLLOUT}`,
  'rollout.yaml:1:1 yaml_syntax',
);
finds('yaml_syntax: an alias of nothing', 'rollout.yaml', 'reason: *x\n', 'rollout.yaml:1:9 yaml_syntax');
for (const bomb of ['['.repeat(100_000), '{a: '.repeat(50_000), '- '.repeat(100_000)])
  test(`yaml_syntax: nested without end (${bomb.slice(0, 4)}…)`, () => {
    const { problems } = parse({ ...GOOD, 'rollout.yaml': bomb });
    assert.equal(
      problems.map(p => p.code),
      ['yaml_syntax'],
    );
    assert.match(problems[0]?.message ?? '', 'nested too deeply');
  });
rolloutFinds('yaml_duplicate_key', ['reason: a', 'reason: b'], '7:1 yaml_duplicate_key');
rolloutFinds(
  'yaml_duplicate_key: also deeper',
  ['canary:', '  tags: [a]', '  tags: [b]'],
  '8:3 yaml_duplicate_key',
);
finds(
  'yaml_alias_limit: a bomb',
  'rollout.yaml',
  'a: &a [1,1,1,1,1,1,1,1,1]\nb: &b [*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b]\nd: [*c,*c,*c,*c]\n',
  'rollout.yaml:2:8 yaml_alias_limit',
);
finds(
  'yaml_alias_limit: more than twenty',
  'rollout.yaml',
  `a: &a x\nb: [${'*a, '.repeat(20)}*a]\n`,
  `rollout.yaml:2:${5 + 20 * 4} yaml_alias_limit`,
);
finds(
  'yaml_alias_limit: a circle',
  'rollout.yaml',
  'canary: &a\n  tags: *a\n',
  'rollout.yaml:2:9 yaml_alias_limit',
);
finds(
  'yaml_multiple_documents',
  'rollout.yaml',
  `${ROLLOUT}---\n${ROLLOUT}`,
  'rollout.yaml:6:1 yaml_multiple_documents',
);
for (const [what, text] of [
  ['no byte', ''],
  ['comments', '# nothing yet\n'],
  ['a document start', '---\n'],
] as const)
  finds(`yaml_empty: ${what}`, 'rollout.yaml', text, 'rollout.yaml:1:1 yaml_empty');
rolloutFinds('yaml_tag', ['reason: !!binary aGk=', 'canary: !mine {}'], '6:18 yaml_tag', '7:15 yaml_tag');

// ---------------------------------------------------------------- the schema

finds(
  'unknown_kind: another kind than its place holds',
  'rollout.yaml',
  replaced('Rollout', 'Build'),
  'rollout.yaml:2:7 unknown_kind kind',
);
finds(
  'invalid_value: another apiVersion',
  'rollout.yaml',
  replaced('/v1', '/v2'),
  'rollout.yaml:1:13 invalid_value apiVersion',
);
rolloutFinds(
  'unknown_key: placed at the key',
  ['canary: {tag: [qa]}', 'wifiOnly: true', 'status: ok', '<<: {a: 1}', '__proto__: 1'],
  '6:10 unknown_key canary.tag',
  '7:1 unknown_key wifiOnly',
  '8:1 unknown_key status',
  '9:1 unknown_key <<',
  '10:1 unknown_key __proto__',
);

test('unknown_key says what was probably meant', () => {
  const { problems } = parse({
    ...GOOD,
    'rollout.yaml': rollout('canary: {tag: [qa]}', 'wifiOnly: true', 'must-install: true', 'colour: red'),
  });
  assert.equal(
    problems.map(p => p.hint?.slice(0, 26)),
    [
      'did you mean tags?',
      'did you mean wifi_only?',
      'did you mean must_install?',
      'known keys: apiVersion, ki',
    ],
  );
});

test('a mistyped key is one problem, not one more for the key it leaves missing', () => {
  const text = ROLLOUT.replace('current', 'curent').replace('rollout_percent', 'rolloutPercent');
  assert.equal(parse({ ...GOOD, 'rollout.yaml': text }).problems.map(where), [
    'rollout.yaml:3:1 unknown_key curent',
    'rollout.yaml:5:1 unknown_key rolloutPercent',
  ]);
});

finds('missing_key', 'rollout.yaml', replaced(/current.*\n/, ''), 'rollout.yaml:1:1 missing_key current');
rolloutFinds(
  'missing_key: a suspend that would never expire',
  ['suspend:', '  reason: x', '  since: 2026-06-01T00:00:00Z'],
  '7:3 missing_key suspend.until',
);
finds(
  'wrong_type: a build id that YAML reads as something else',
  'rollout.yaml',
  'apiVersion: ota.nexmdm/v1\nkind: Rollout\ncurrent: 42\nlast_safe: null\nrollout_percent: 10\n',
  'rollout.yaml:3:10 wrong_type current',
  'rollout.yaml:4:12 wrong_type last_safe',
);
for (const [line, hint, column] of [
  ['current: 1e3', 'quote it: "1e3"', 10],
  ['current: 0x10', 'quote it: "0x10"', 10],
  ['current: true', 'quote it: "true"', 10],
  ['current: ~', 'quote it: "~"', 10],
  ['current: .inf', 'quote it: ".inf"', 10],
  ['current:', 'give it a value, or remove the key', 1],
  ['current: 4.20', 'quote it: "4.20"', 10],
] as const)
  test(`wrong_type: "${line}" is told how to be quoted`, () => {
    const { problems } = parse({ ...GOOD, 'rollout.yaml': replaced('current: b42', line) });
    assert.equal(problems.map(where), [`rollout.yaml:3:${column} wrong_type current`]);
    assert.is(problems[0]?.hint, hint);
  });

for (const [line, hint] of [
  ['rollback: yes', 'write true, without quotes'],
  ['rollback: "false"', 'write false, without quotes'],
  ['min_battery_percent: 30%', 'write it without the % sign'],
  ['min_battery_percent: "30"', 'write a plain number without quotes'],
  ['canary: qa', undefined],
] as const)
  test(`wrong_type: ${line}`, () => {
    const { problems } = parse({ ...GOOD, 'rollout.yaml': rollout(line) });
    const [key = ''] = line.split(':');
    assert.equal(problems.map(where), [`rollout.yaml:6:${key.length + 3} wrong_type ${key}`]);
    assert.is(problems[0]?.hint, hint);
  });

for (const text of ['[]', '"x"', '3', 'null'])
  finds(`wrong_type: ${text} for a file`, 'rollout.yaml', `${text}\n`, 'rollout.yaml:1:1 wrong_type');

for (const [key, value] of [
  ['rollout_percent', '150'],
  ['rollout_percent', '-1'],
  ['rollout_percent', '12.345'],
  ['rollout_percent', '.nan'],
  ['current', '-rf'],
  ['current', '../b42'],
  ['last_safe', `b${'4'.repeat(64)}`],
] as const)
  test(`invalid_value: ${key}: ${value.slice(0, 12)}`, () => {
    const { problems } = parse({
      ...GOOD,
      'rollout.yaml': replaced(new RegExp(`${key}: .*`), `${key}: ${value}`),
    });
    const line = { current: 3, last_safe: 4, rollout_percent: 5 }[key];
    const code = value === '.nan' ? 'wrong_type' : 'invalid_value';
    assert.equal(problems.map(where), [`rollout.yaml:${line}:${key.length + 3} ${code} ${key}`]);
  });

test('percents may have two decimals, each of them', () => {
  for (let hundredths = 0; hundredths <= 10_000; hundredths += 7) {
    const text = replaced('rollout_percent: 10', `rollout_percent: ${(hundredths / 100).toFixed(2)}`);
    const errors = parse({ ...GOOD, 'rollout.yaml': text }).problems.filter(p => p.severity === 'error');
    assert.equal(errors, [], text);
  }
});

for (const [time, hint] of [
  ['2026-06-01T00:00:00', 'add the offset: Z for UTC, or such as +01:00'],
  ['2026-06-01 00:00', 'add the offset: Z for UTC, or such as +01:00'],
  ['2026-06-01', undefined],
  ['2026-02-30T00:00:00Z', undefined],
  ['2026-13-01T00:00:00Z', undefined],
  ['2026-06-01T25:00:00Z', undefined],
  ['2026-06-30T23:59:60Z', undefined],
  ['tomorrow', undefined],
] as const)
  test(`invalid_value: ${time} is no time`, () => {
    const text = rollout(`suspend: {reason: x, since: ${time}, until: 2026-07-01T00:00:00Z}`);
    const { problems } = parse({ ...GOOD, 'rollout.yaml': text });
    assert.equal(problems.map(where), ['rollout.yaml:6:29 invalid_value suspend.since']);
    assert.is(problems[0]?.hint, hint);
  });

for (const duration of ['72', '72 h', '1.5h', '-1h', '0h', '1w', 'PT1H', '123456h'])
  rolloutFinds(
    `invalid_value: ${duration} is no duration`,
    ['must_install: true', `deadline: "${duration}"`],
    '7:11 invalid_value deadline',
  );

rolloutFinds(
  'invalid_value: bad names and doubles in lists, each at its entry',
  ['canary:', '  tags: [qa, QA, qa]', '  devices:', '    - kiosk 7', '    - ok'],
  '7:14 invalid_value canary.tags[1]',
  '7:18 invalid_value canary.tags[2]',
  '9:7 invalid_value canary.devices[0]',
);

finds(
  'invalid_value: facts of a build',
  'builds/b42.yaml',
  B42.replace(/sha256: .*/, 'sha256: abc')
    .replace('com.nexmdm.agent', 'agent')
    .replace('version_code: 42', 'version_code: 0'),
  'builds/b42.yaml:5:10 invalid_value package',
  'builds/b42.yaml:6:15 invalid_value version_code',
  'builds/b42.yaml:10:9 invalid_value sha256',
);
finds(
  'invalid_value: two signers from one SDK on',
  'builds/b42.yaml',
  `${B42}signers:\n  - {min_sdk: 33, fingerprint: ${SIGNER}}\n  - {min_sdk: 33, fingerprint: ${SIGNER}}\n`,
  'builds/b42.yaml:14:15 invalid_value signers[1].min_sdk',
);
finds(
  'wrong_type: a version name that looks like a number',
  'builds/b42.yaml',
  B42.replace('version_name: 4.2.0', 'version_name: 4.2'),
  'builds/b42.yaml:7:15 wrong_type version_name',
);

test('a broken build is reported once, not also as an unknown build', () => {
  const { problems } = parse({ ...GOOD, 'builds/b42.yaml': B42.replace('min_sdk: 26', 'min_sdk: x') });
  assert.equal(problems.map(where), ['builds/b42.yaml:8:10 wrong_type min_sdk']);
});

const gated = (gate: string, hold = '24h'): string =>
  replaced(
    'rollout_percent: 10\n',
    `ramp:
  start: 2026-06-01T12:00:00Z
  gate: {${gate}}
  approved_percent: 10
  steps:
    - {percent: 2, hold: ${hold}}
    - {percent: 50, hold: 24h, approval: required}
    - {percent: 100}
`,
  );

test('a gate and approvals are read, with every default filled in', () => {
  const { state, problems } = parse({
    ...GOOD,
    'rollout.yaml': gated('min_reports: 20, install_fail_ratio_max: 0.05, max_wait: 2d, on_breach: rollback'),
  });
  assert.equal(problems, []);
  const { exposure } = state?.rollout ?? assert.unreachable() ?? {};
  assert.equal(exposure?.kind === 'ramp' ? exposure.ramp : undefined, {
    startMs: NOW_MS,
    steps: [
      { percent: 2, holdMs: 24 * HOUR_MS },
      { percent: 50, holdMs: 24 * HOUR_MS, approval: true },
      { percent: 100, holdMs: undefined },
    ],
    approvedPercent: 10,
    gate: {
      ...DEFAULT_GATE,
      minReports: 20,
      installFailRatioMax: 0.05,
      maxWaitMs: 48 * HOUR_MS,
      onBreach: 'rollback',
    },
  });
});

for (const [written, problem] of [
  ['install_fail_ratio_max: 0', 'gate_limit ramp.gate.install_fail_ratio_max'],
  ['install_fail_ratio_max: 0.11', 'gate_limit ramp.gate.install_fail_ratio_max'],
  ['install_fail_ratio_max: "2 %"', 'gate_limit ramp.gate.install_fail_ratio_max'],
  ['install_fail_ratio_max: off', 'gate_limit ramp.gate.install_fail_ratio_max'],
  ['silence_max: -1', 'gate_limit ramp.gate.silence_max'],
  ['silence_max: ', 'gate_limit ramp.gate.silence_max'],
  ['silence_after: 11h', 'gate_silence_after ramp.gate.silence_after'],
  ['min_reports: 0', 'invalid_value ramp.gate.min_reports'],
  ['no_data: halt', 'invalid_value ramp.gate.no_data'],
  ['on_breach: nothing', 'invalid_value ramp.gate.on_breach'],
] as const)
  test(`a gate with ${written} is an error and never "off"`, () => {
    const { state, problems } = parse({ ...GOOD, 'rollout.yaml': gated(written) });
    assert.equal(
      problems.filter(p => p.severity === 'error').map(p => `${p.code} ${p.path}`),
      [problem],
    );
    assert.is(state, undefined);
  });

test('gate_scope: a gate without the steps it would judge', () => {
  const of = (text: string) =>
    parse({ ...GOOD, 'rollout.yaml': text }).problems.map(p => `${p.code} ${p.path}`);
  assert.ok(of(rollout('gate: {min_reports: 5}')).includes('gate_scope gate'));
  assert.ok(
    of(replaced('rollout_percent: 10\n', 'ramp: {gate: {min_reports: 5}}\n')).includes(
      'gate_scope ramp.gate',
    ),
  );
});

test('gate_hold_short: the first step may be over before a brick is noticed', () => {
  assert.equal(
    parse({ ...GOOD, 'rollout.yaml': gated('', '4h') }).problems.map(p => `${p.code} ${p.path}`),
    ['gate_hold_short ramp.steps[0].hold'],
  );
});

finds(
  'the SPEC’s own gate words are known, others are not',
  'rollout.yaml',
  replaced('rollout_percent: 10\n', 'ramp:\n  steps: [{percent: 1}]\n  gate: {min_report: 5}\n'),
  'rollout.yaml:7:10 unknown_key ramp.gate.min_report',
);

// ---------------------------------------------------------------- cohorts and policy

test('a cohort holds at most 10,000 entries', () => {
  const devices = Array.from({ length: 10_000 }, (_, n) => `d${n}`).join(',');
  const full = { ...GOOD, 'rollout.yaml': rollout(LAB_CANARY) };
  assert.equal(parse({ ...full, 'cohorts/lab.yaml': `${COHORT}devices: [${devices}]\n` }).problems, []);
  assert.equal(
    parse({ ...full, 'cohorts/lab.yaml': `${COHORT}tags: [x]\ndevices: [${devices}]\n` }).problems.map(where),
    ['cohorts/lab.yaml:5:1 invalid_value devices'],
  );
  assert.equal(
    parse({ ...full, 'cohorts/lab.yaml': `${COHORT}devices: [${devices},x]\n` }).problems.map(where),
    ['cohorts/lab.yaml:4:10 invalid_value devices'],
  );
});

finds(
  'policy: windows that end before they begin, unknown zones and days',
  'policy.yaml',
  `${POLICY}freeze_windows:
  - {reason: night, time_zone: Europe/Berlin, days: [fri], from: "22:00", to: "06:00"}
  - {reason: x, time_zone: Mars/Olympus, days: [fri, freitag]}
  - {reason: x, time_zone: UTC, days: [fri], from: "24:00"}
`,
  'policy.yaml:5:28 invalid_value freeze_windows[1].time_zone',
  'policy.yaml:5:54 invalid_value freeze_windows[1].days[1]',
  'policy.yaml:6:52 invalid_value freeze_windows[2].from',
);
finds(
  'policy: a window across midnight is two',
  'policy.yaml',
  `${POLICY}freeze_windows:\n  - {reason: night, time_zone: UTC, days: [fri], from: 22:00, to: 06:00}\n`,
  'policy.yaml:4:67 invalid_value freeze_windows[0].to',
);
test('policy: a window without times is the whole day', () => {
  const text = `${POLICY}freeze_windows: [{reason: weekend, time_zone: Asia/Kolkata, days: [sat, sun]}]\n`;
  const { state, problems } = parse({ ...GOOD, 'policy.yaml': text });
  assert.equal(problems, []);
  assert.equal(state?.policy?.freezeWindows[0]?.fromMinute, 0);
  assert.equal(state?.policy?.freezeWindows[0]?.toMinute, 1440);
});

// ---------------------------------------------------------------- the rules, at their places

finds(
  'file_name_mismatch: once, and the build it calls itself is not unknown as well',
  'builds/b42.yaml',
  B42.replace('build_id: b42', 'build_id: b43'),
  'builds/b42.yaml:4:11 file_name_mismatch build_id',
);
finds(
  'file_name_mismatch: a cohort',
  'cohorts/labs.yaml',
  COHORT,
  'cohorts/labs.yaml:3:7 file_name_mismatch name',
);
finds(
  'duplicate_version_code and duplicate_sha256',
  'builds/b43.yaml',
  B42.replaceAll('b42', 'b43'),
  'builds/b43.yaml:6:15 duplicate_version_code version_code',
  'builds/b43.yaml:10:9 duplicate_sha256 sha256',
);
finds(
  'package_differs',
  'builds/b41.yaml',
  (GOOD['builds/b41.yaml'] ?? '').replace('com.nexmdm.agent', 'com.nexmdm.other'),
  'builds/b41.yaml:5:10 package_differs package',
);
finds(
  'unknown_build, with a guess',
  'rollout.yaml',
  replaced('b42', 'b43').replace('b41', 'b1'),
  'rollout.yaml:3:10 unknown_build current',
  'rollout.yaml:4:12 unknown_build last_safe',
);
rolloutFinds(
  'unknown_cohort',
  ['canary:', '  cohorts:', '    - lap'],
  '8:7 unknown_cohort canary.cohorts[0]',
);
finds(
  'exposure_missing',
  'rollout.yaml',
  replaced('rollout_percent: 10\n', ''),
  'rollout.yaml:1:1 exposure_missing rollout_percent',
);
rolloutFinds('exposure_both', ['ramp: {steps: [{percent: 1}]}'], '6:1 exposure_both ramp');
finds(
  'ramp_not_rising and ramp_hold_missing',
  'rollout.yaml',
  replaced(
    'rollout_percent: 10\n',
    'ramp:\n  steps:\n    - {percent: 10, hold: 4h}\n    - {percent: 10}\n    - percent: 5\n      hold: 1h\n',
  ),
  'rollout.yaml:8:7 ramp_hold_missing ramp.steps[1].hold',
  'rollout.yaml:8:17 ramp_not_rising ramp.steps[1].percent',
  'rollout.yaml:9:16 ramp_not_rising ramp.steps[2].percent',
);
finds(
  'last_safe_missing',
  'rollout.yaml',
  replaced(/last_safe.*\n/, ''),
  'rollout.yaml:1:1 last_safe_missing last_safe',
);
finds(
  'last_safe_is_current',
  'rollout.yaml',
  replaced('last_safe: b41', 'last_safe: b42'),
  'rollout.yaml:4:12 last_safe_is_current last_safe',
);
finds(
  'current_older',
  'rollout.yaml',
  replaced('current: b42', 'current: b41').replace('last_safe: b41', 'last_safe: b42'),
  'rollout.yaml:3:10 current_older current',
);
finds(
  'signer_not_continued',
  'builds/b42.yaml',
  B42.replace(SIGNER, OTHER_SIGNER),
  'rollout.yaml:3:10 signer_not_continued current',
);
rolloutFinds(
  'force_downgrade_reason and force_downgrade_scope',
  ['force_downgrade: true'],
  '6:18 force_downgrade_reason force_downgrade',
  '6:18 force_downgrade_scope force_downgrade',
);
rolloutFinds('deadline_scope', ['deadline: 72h'], '6:11 deadline_scope deadline');
rolloutFinds(
  'suspend_window',
  ['suspend:', '  reason: x', '  since: 2026-06-03T00:00:00Z', '  until: 2026-06-03T00:00:00Z'],
  '9:10 suspend_window suspend.until',
);
test('signer_differs: a downgrade needs the very same signer', () => {
  const text = rollout('rollback: true', 'force_downgrade: true', 'reason: it loops');
  const files = { ...GOOD, 'rollout.yaml': text, 'builds/b42.yaml': B42.replace(SIGNER, OTHER_SIGNER) };
  assert.equal(parse(files).problems.map(where), ['rollout.yaml:7:18 signer_differs force_downgrade']);
});

const baseOf = (over: Parameters<typeof aState>[0] = {}, former: readonly Build[] = []): Standing => ({
  state: aState(over),
  progress: undefined,
  formerBuilds: new Map(former.map(b => [b.buildId, b])),
});

test('against the base: build_facts_edited, withdrawal_removed, promotes_withdrawn, cohort_seed_changed', () => {
  const base = baseOf({
    builds: [aBuild(40), aBuild(41, { minSdk: 21, withdrawn: { reason: 'x', atMs: NOW_MS } }), aBuild(42)],
  });
  const seed = parse({ ...GOOD, 'rollout.yaml': rollout('cohort_seed: other') }, base);
  assert.equal(seed.problems.map(where), [
    'builds/b41.yaml:2:1 withdrawal_removed withdrawn',
    'builds/b41.yaml:8:10 build_facts_edited min_sdk',
    'rollout.yaml:6:14 cohort_seed_changed cohort_seed',
  ]);
  const withdrawn = `${B42}withdrawn: {reason: crash, at: 2026-06-01T00:00:00Z}\n`;
  const promoted = parse(
    { ...GOOD, 'builds/b42.yaml': withdrawn },
    baseOf({ rollout: { current: 'b41', lastSafe: 'b40' }, builds: [aBuild(40), aBuild(41)] }),
  );
  assert.equal(promoted.problems.map(where), [
    'rollout.yaml:1:1 cohort_seed_reused cohort_seed',
    'rollout.yaml:3:10 promotes_withdrawn current',
    'rollout.yaml:3:10 current_withdrawn current',
  ]);
});

const ramp = (start: string): string =>
  replaced(
    'rollout_percent: 10\n',
    `ramp:\n  start: ${start}\n  steps: [{percent: 1, hold: 4h}, {percent: 10, hold: 4h}, {percent: 100}]\n`,
  );

test('ramp_start_past and ramp_start_far stand at the start, ramp_restarts and ramp_narrows at the ramp', () => {
  const at = (start: string, over: Parameters<typeof aState>[0] = {}) =>
    parse({ ...GOOD, 'rollout.yaml': ramp(start) }, baseOf(over)).problems.map(where);
  const nobody = { rollout: 0 };
  assert.equal(at('2026-06-01T12:00:00Z', nobody), []);
  assert.equal(at('2025-06-01T12:00:00Z', nobody), [
    'rollout.yaml:6:3 ramp_restarts ramp',
    'rollout.yaml:6:10 ramp_start_past ramp.start',
  ]);
  assert.equal(at('2027-06-01T12:00:00Z', nobody), ['rollout.yaml:6:10 ramp_start_far ramp.start']);
  const rolledBack = { exposure: aRamp(NOW_MS, [1]), rollback: true };
  assert.equal(at('2026-06-01T12:00:00Z', { rollout: rolledBack }), ['rollout.yaml:6:3 ramp_restarts ramp']);
  assert.equal(at('2026-06-01T12:00:00Z', { rollout: 50 }), ['rollout.yaml:6:3 ramp_narrows ramp']);
});

test('warnings leave the state standing', () => {
  const { state, problems } = parse({
    ...GOOD,
    'rollout.yaml': rollout('suspend: {reason: x, since: 2026-05-01T00:00:00Z, until: 2026-05-02T00:00:00Z}'),
    'builds/b41.yaml': `${GOOD['builds/b41.yaml']}withdrawn: {reason: x, at: 2026-06-01T00:00:00Z}\n`,
    'cohorts/lab.yaml': COHORT,
  });
  assert.ok(state);
  assert.equal(problems.map(where), [
    'cohorts/lab.yaml:1:1 cohort_unused',
    'rollout.yaml:4:12 last_safe_withdrawn last_safe',
    'rollout.yaml:6:58 suspend_expired suspend.until',
  ]);
  assert.ok(problems.every(p => p.severity === 'warning'));
  const again = parse({
    ...GOOD,
    'rollout.yaml': rollout(
      'rollback: true',
      'suspend: {reason: x, since: 2026-05-01T00:00:00Z, until: 2026-07-02T00:00:00Z}',
    ),
  });
  assert.equal(again.problems.map(where), ['rollout.yaml:7:10 rollback_while_suspended suspend']);
  assert.ok(again.state);
});

// ---------------------------------------------------------------- together

test('all problems of all files come together, sorted by file, line and column', () => {
  const { state, problems } = parse({
    'rollout.yaml': rollout('colour: red', 'rollback: yes', 'curent: b42'),
    'policy.yaml': `${POLICY}max_jump_percent: much\n`,
    'cohorts/lab.yaml': `${COHORT}devices: [kiosk 7]\n`,
    'builds/b41.yaml': 'a: [',
    'builds/b42.yaml': B42.replace('min_sdk: 26', 'min_sdk: 0'),
    'notes.txt': 'hello',
  });
  assert.is(state, undefined);
  assert.equal(problems.map(where), [
    'builds/b41.yaml:1:5 yaml_syntax',
    'builds/b42.yaml:8:10 invalid_value min_sdk',
    'cohorts/lab.yaml:4:11 invalid_value devices[0]',
    'notes.txt:1:1 unexpected_file',
    'policy.yaml:3:19 wrong_type max_jump_percent',
    'rollout.yaml:6:1 unknown_key colour',
    'rollout.yaml:7:11 wrong_type rollback',
    'rollout.yaml:8:1 unknown_key curent',
  ]);
});

test('rules are judged beside a key too many and beside a broken rollout', () => {
  const many = parse({ ...GOOD, 'rollout.yaml': rollout('colour: red', 'deadline: 1h') });
  assert.equal(
    many.problems.map(p => p.code),
    ['unknown_key', 'deadline_scope'],
  );
  const base = baseOf({ builds: [aBuild(41), aBuild(42, { minSdk: 21 })] });
  const broken = parse({ ...GOOD, 'rollout.yaml': 'x: [' }, base);
  assert.equal(
    broken.problems.map(p => p.code),
    ['build_facts_edited', 'yaml_syntax'],
  );
});

test('parseTree judges the files alone and places any path of the data', () => {
  const tree = parseTree(sourceFiles({ ...GOOD, 'rollout.yaml': replaced('b42', 'b99') }));
  assert.equal(tree.problems, []);
  assert.is(tree.state?.rollout.current, 'b99');
  assert.equal(tree.locate('rollout.yaml', ['current']), { line: 3, column: 10 });
  assert.equal(tree.locate('rollout.yaml', ['suspend', 'until']), { line: 1, column: 1 });
  assert.equal(tree.locate('builds/b42.yaml', ['build_id']), { line: 4, column: 11 });
  assert.equal(tree.locate('nope.yaml', ['x', 3]), { line: 1, column: 1 });
});

test.run();
