/** Faults that people met in the field, each named after what happened to them. */
import { Ajv } from 'ajv';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Problem } from '../../controller/domain/problem.ts';
import type { DesiredState } from '../../controller/domain/release.ts';
import type { Standing } from '../../controller/domain/standing.ts';
import { parseState } from '../../controller/yaml/parse.ts';
import { SCHEMAS } from '../../controller/yaml/validators.ts';
import { type ReleaseFiles, releaseFiles, sourceFiles } from '../support/releases.ts';
import { aBuild, NOW_MS } from '../support/state.ts';

const GOOD = releaseFiles();
const ROLLOUT = GOOD['rollout.yaml'] ?? '';
const B42 = GOOD['builds/b42.yaml'] ?? '';

const parse = (files: ReleaseFiles, base?: Standing) =>
  parseState({ files: sourceFiles(files) }, base, { nowMs: NOW_MS });
const withRollout = (text: string, base?: Standing) => parse({ ...GOOD, 'rollout.yaml': text }, base);
const line = (p: Problem | undefined): string =>
  p === undefined ? '' : `${p.severity} ${p.code} ${p.file}:${p.line} ${p.message} | ${p.hint ?? ''}`;
const standing = (state: DesiredState | undefined): Standing => {
  if (state === undefined) throw new Error('the base must be valid');
  return { state, progress: undefined, formerBuilds: new Map() };
};

test('a number that is infinite is not told to be a number', () => {
  for (const [text, said] of [
    ['.inf', 'infinity'],
    ['-.inf', 'infinity'],
    ['.nan', 'not a number'],
  ] as const) {
    const { problems } = withRollout(ROLLOUT.replace('rollout_percent: 10', `rollout_percent: ${text}`));
    assert.match(line(problems[0]), new RegExp(`must be a number, but is ${said}`));
  }
});

test('an unresolved merge conflict is named as one, where it begins', () => {
  const conflict = ROLLOUT.replace(
    'rollout_percent: 10',
    '<<<<<<< HEAD\nrollout_percent: 10\n=======\nrollout_percent: 25\n>>>>>>> widen',
  );
  const { problems } = withRollout(conflict);
  assert.is(problems.length, 1);
  assert.match(line(problems[0]), /^error yaml_syntax rollout\.yaml:5 unresolved merge conflict \| resolve/);
});

test('text between what look like conflict markers in a block of text is left alone', () => {
  const { problems } = withRollout(`${ROLLOUT}reason: |\n  <<<<<<< HEAD\n  =======\n  >>>>>>> x\n`);
  assert.equal(problems, []);
});

test('a pointer of Git LFS instead of the file is named as one', () => {
  const pointer = `version https://git-lfs.github.com/spec/v1\noid sha256:${'4'.repeat(64)}\nsize 12345\n`;
  const { problems } = parse({ ...GOOD, 'builds/b42.yaml': pointer });
  assert.is(problems.length, 1);
  assert.match(line(problems[0]), /builds\/b42\.yaml:1 this is a Git LFS pointer, not the file \| take/);
});

test('a time with a lower-case z or t is read, as RFC 3339 allows', () => {
  const { state, problems } = withRollout(
    `${ROLLOUT}suspend: {reason: x, since: 2026-06-01t12:00:00z, until: 2026-06-02T12:00:00Z}\n`,
  );
  assert.equal(problems, []);
  assert.is(state?.rollout.suspend?.sinceMs, Date.UTC(2026, 5, 1, 12));
  const moved = withRollout(
    `${ROLLOUT}suspend: {reason: x, since: 2026-02-30T12:00:00Z, until: 2026-06-02T12:00:00Z}\n`,
  );
  assert.match(
    line(moved.problems[0]),
    /error invalid_value .*suspend\.since must be a time with its offset/,
  );
});

test('a number that YAML 1.1 tools read otherwise is refused', () => {
  const base = standing(parse(GOOD).state);
  for (const written of ['010', '0o12', '1e1', '00010', '+010']) {
    const { problems } = withRollout(
      ROLLOUT.replace('rollout_percent: 10', `rollout_percent: ${written}`),
      standing(withRollout(ROLLOUT.replace('rollout_percent: 10', 'rollout_percent: 5')).state),
    );
    assert.match(
      line(problems[0]),
      /^error ambiguous_number rollout\.yaml:5 .*YAML 1\.1.* \| write 10$/,
      written,
    );
  }
  for (const written of ['10', '10.0', '10.5', '0', '0.5', '0x0a'])
    assert.equal(
      withRollout(
        ROLLOUT.replace('rollout_percent: 10', `rollout_percent: ${written}`),
        base,
      ).problems.filter(p => p.severity === 'error'),
      [],
      written,
    );
  const quoted = parse({ ...GOOD, 'rollout.yaml': `${ROLLOUT}reason: "010"\n` }, base);
  assert.equal(quoted.problems, []);
});

test('build ids that differ only in case cannot stand together: many file systems hold one of them', () => {
  const both = {
    ...GOOD,
    'builds/B42.yaml': B42.replace('b42', 'B42')
      .replace('version_code: 42', 'version_code: 43')
      .replace(aBuild(42).sha256, aBuild(43).sha256),
  };
  const { problems } = parse(both, standing(parse(GOOD).state));
  assert.is(problems.length, 1);
  assert.match(
    line(problems[0]),
    /^error build_id_case builds\/B42\.yaml:\d+ build ids B42 and b42 differ only in case/,
  );
});

test('new strictness never traps a repository that breaks a rule already: it is warned, edited and rolled back', () => {
  const old: ReleaseFiles = {
    ...GOOD,
    'rollout.yaml': ROLLOUT.replace('rollout_percent: 10', 'rollout_percent: 010').replace(
      'min_battery_percent: 30',
      'min_battery_percent: 030',
    ),
    'builds/b41.yaml': (GOOD['builds/b41.yaml'] ?? '').replace('version_code: 41', 'version_code: 041'),
    'builds/b42.yaml': B42.replace('version_code: 42', 'version_code: 042'),
    'builds/B42.yaml': B42.replace('b42', 'B42')
      .replace('version_code: 42', 'version_code: 43')
      .replace(aBuild(42).sha256, aBuild(43).sha256),
    'policy.yaml': 'apiVersion: ota.nexmdm/v1\nkind: Policy\nmax_jump_percent: 050\n',
  };
  const text = old['rollout.yaml'] ?? '';
  const first = parse(old);
  assert.equal(first.problems.filter(p => p.severity === 'error').map(line), []);
  const stood = standing(first.state);
  assert.ok(first.problems.every(p => p.severity === 'warning'));
  const same = parse(old, stood);
  assert.equal(
    same.problems.map(p => `${p.severity} ${p.code} ${p.file}`),
    [
      'warning build_id_case builds/B42.yaml',
      'warning ambiguous_number builds/b41.yaml',
      'warning ambiguous_number builds/b42.yaml',
      'warning ambiguous_number policy.yaml',
      'warning ambiguous_number rollout.yaml',
      'warning ambiguous_number rollout.yaml',
    ],
  );
  for (const [what, files] of [
    ['a rollback', { ...old, 'rollout.yaml': text.replace('rollback: false', 'rollback: true') }],
    ['a narrowing', { ...old, 'rollout.yaml': text.replace('rollout_percent: 010', 'rollout_percent: 1') }],
    [
      'a withdrawal',
      {
        ...old,
        'builds/b42.yaml': `${old['builds/b42.yaml']}withdrawn: {reason: crash, at: 2026-06-01T12:00:00Z}\n`,
      },
    ],
  ] as const) {
    const judged = parse(files, stood);
    assert.ok(judged.state !== undefined, `${what} must pass: ${judged.problems.map(line).join('\n')}`);
  }
  const b41 = stood.state.builds.get('b41');
  if (b41 === undefined) throw new Error('b41 stands');
  const left = new Map([...stood.state.builds].filter(([id]) => id !== 'b41'));
  const later = { ...stood, state: { ...stood.state, builds: left }, formerBuilds: new Map([['b41', b41]]) };
  assert.ok(
    parse(old, later).state !== undefined,
    'a build that comes back with its facts comes back as written',
  );
  const edited = parse(
    { ...old, 'rollout.yaml': text.replace('rollout_percent: 010', 'rollout_percent: 020') },
    stood,
  );
  assert.equal(
    edited.problems.filter(p => p.severity === 'error').map(p => `${p.code} ${p.path}`),
    ['ambiguous_number rollout_percent'],
  );
});

test('the schemas are strict for plain ajv, and it accepts every legal percent', () => {
  const ajv = new Ajv({ strict: true, allErrors: true });
  const validate = Object.fromEntries(
    Object.entries(SCHEMAS).map(([kind, schema]) => [kind, ajv.compile(schema)]),
  );
  const rollout = { apiVersion: 'ota.nexmdm/v1', kind: 'Rollout', current: 'b42', last_safe: 'b41' };
  const refused: number[] = [];
  for (let hundredths = 0; hundredths <= 10_000; hundredths++)
    if (validate.Rollout?.({ ...rollout, rollout_percent: hundredths / 100 }) !== true)
      refused.push(hundredths / 100);
  assert.equal(refused, []);
  for (const percent of [10.001, 0.005])
    assert.match(
      line(withRollout(ROLLOUT.replace('rollout_percent: 10', `rollout_percent: ${percent}`)).problems[0]),
      /invalid_value .*rollout_percent may have at most two decimals/,
    );
});

test('editors find by the schema alone what the rules refuse', () => {
  const ajv = new Ajv({ strict: true, allErrors: true });
  const validate = ajv.compile(SCHEMAS.Rollout);
  const rollout = { apiVersion: 'ota.nexmdm/v1', kind: 'Rollout', current: 'b42', last_safe: 'b41' };
  const alone = { apiVersion: 'ota.nexmdm/v1', kind: 'Rollout', current: 'b42' };
  for (const [what, data, ok] of [
    ['a plain rollout', { ...rollout, rollout_percent: 10 }, true],
    ['everything to all', { ...alone, rollout_percent: 100 }, true],
    ['no last_safe below 100', { ...alone, rollout_percent: 99 }, false],
    ['no last_safe in a rollback', { ...alone, rollout_percent: 100, rollback: true }, false],
    ['no last_safe beside a ramp', { ...alone, ramp: { steps: [{ percent: 100 }] } }, false],
    ['neither exposure', rollout, false],
    ['both exposures', { ...rollout, rollout_percent: 1, ramp: { steps: [{ percent: 1 }] } }, false],
    ['a forced downgrade without reason', { ...rollout, rollout_percent: 1, force_downgrade: true }, false],
    [
      'a forced downgrade with a reason',
      { ...rollout, rollout_percent: 1, force_downgrade: true, reason: 'x' },
      true,
    ],
    ['a deadline without must_install', { ...rollout, rollout_percent: 1, deadline: '1h' }, false],
    ['a deadline', { ...rollout, rollout_percent: 1, deadline: '1h', must_install: true }, true],
  ] as const)
    assert.is(validate(data), ok, what);
});

test('a problem that schema and rules both find is reported once', () => {
  for (const [text, code] of [
    [ROLLOUT.replace('last_safe: b41\n', ''), 'last_safe_missing'],
    [`${ROLLOUT.replace('force_downgrade: false', 'force_downgrade: true')}`, 'force_downgrade_reason'],
    [`${ROLLOUT}deadline: 1h\n`, 'deadline_scope'],
  ] as const) {
    const codes = withRollout(text).problems.map(p => p.code);
    assert.is(codes.filter(c => c === code).length, 1, `${code}: ${codes}`);
    assert.not.ok(codes.includes('missing_key'), codes.join());
  }
});

test.run();
