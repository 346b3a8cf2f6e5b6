/** Edges of the rules, and what their messages say. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Finding } from '../../../controller/domain/problem.ts';
import { checkState } from '../../../controller/domain/rules/index.ts';
import type { Standing } from '../../../controller/domain/standing.ts';
import {
  aBuild,
  aCohort,
  aRamp,
  aState,
  DAY_MS,
  HOUR_MS,
  NOW_MS,
  type StateParts,
} from '../../support/state.ts';

const stand = (parts: StateParts = {}): Standing => ({
  state: aState(parts),
  progress: undefined,
  formerBuilds: new Map(),
});
const check = (head: StateParts, base?: StateParts, reviewing = true): Finding[] =>
  checkState(aState(head), base === undefined ? undefined : stand(base), { nowMs: NOW_MS, reviewing });
const said = (findings: readonly Finding[], code: string): string | undefined => {
  const found = findings.find(f => f.code === code);
  return found === undefined ? undefined : `${found.severity}: ${found.message} | ${found.hint}`;
};

test('a start that is a typo is told with its distance in days', () => {
  const at = (days: number): Finding[] =>
    check({ rollout: { exposure: aRamp(NOW_MS + days * DAY_MS, [1, 4], [100]) } }, { rollout: 5 });
  assert.match(said(at(-20), 'ramp_start_past') ?? '', /^error: .*20 days/);
  assert.match(said(at(20), 'ramp_start_far') ?? '', /^error: .*20 days/);
  for (const days of [-14, 0, 14])
    assert.not.ok(
      at(days).some(f => f.severity === 'error'),
      `${days} days are accepted`,
    );
});

test('a ramp that begins anew says at which percent', () => {
  const exposure = aRamp(NOW_MS - DAY_MS, [3, 4], [50, 4], [100]);
  assert.match(
    said(check({ rollout: { exposure } }, { rollout: 5 }), 'ramp_restarts') ?? '',
    /first step, 3 %/,
  );
});

test('a suspend has expired from the moment at which it ends', () => {
  const at = (untilMs: number): string | undefined =>
    said(
      check({ rollout: { suspend: { reason: 'x', sinceMs: NOW_MS - HOUR_MS, untilMs } } }),
      'suspend_expired',
    );
  assert.ok(at(NOW_MS) !== undefined);
  assert.is(at(NOW_MS + 1), undefined);
});

test('a suspended rollback is warned of until the suspend ends, and only a rollback is', () => {
  const at = (rollback: boolean, untilMs: number): string | undefined =>
    said(
      check({ rollout: { rollback, suspend: { reason: 'x', sinceMs: NOW_MS - HOUR_MS, untilMs } } }),
      'rollback_while_suspended',
    );
  assert.ok(at(true, NOW_MS + 1) !== undefined);
  assert.is(at(true, NOW_MS), undefined);
  assert.is(at(false, NOW_MS + 1), undefined);
});

test('a withdrawn current is warned of where it would be offered, and not at 0 % or in a rollback', () => {
  const withdrawn = { reason: 'crash', atMs: NOW_MS };
  const builds = [aBuild(41), aBuild(42, { withdrawn })];
  const at = (rollout: StateParts['rollout']): boolean =>
    said(check({ builds, rollout: rollout ?? {} }), 'current_withdrawn') !== undefined;
  assert.ok(at(1));
  assert.not.ok(at(0));
  assert.not.ok(at({ rollback: true }));
});

test('a blank reason is none, and a forced downgrade needs one', () => {
  const at = (reason: string | undefined): boolean =>
    said(check({ rollout: { rollback: true, forceDowngrade: true, reason } }), 'force_downgrade_reason') !==
    undefined;
  assert.ok(at(undefined));
  assert.ok(at('  '));
  assert.not.ok(at('b42 loses data'));
});

test('at most eight names are listed, the newest, and the others are counted', () => {
  const builds = (n: number) => Array.from({ length: n }, (_, i) => aBuild(100 + i));
  const hint = (n: number): string =>
    said(check({ builds: builds(n), rollout: { current: 'zzzzzzzz', lastSafe: 'b100' } }), 'unknown_build') ??
    '';
  assert.match(hint(8), /declared builds: b100, .*b107$/);
  assert.match(hint(9), /declared builds: b101, .*b108, and 1 more$/);
});

test('ids that differ only in case are told once, at the new one; between those that stand it is a warning', () => {
  const twin = aBuild(43, { buildId: 'B42' });
  const pair = { builds: [aBuild(41), aBuild(42), twin], rollout: { cohortSeed: 'x' } };
  const found = (base?: StateParts): string[] =>
    check(pair, base)
      .filter(f => f.code === 'build_id_case')
      .map(f => `${f.severity} ${f.file}`);
  assert.equal(found({}), ['error builds/B42.yaml']);
  assert.equal(found(pair), ['warning builds/B42.yaml']);
  assert.equal(found(), ['warning builds/B42.yaml']);
  const first = { builds: [aBuild(41), twin], rollout: { current: 'B42' } };
  assert.equal(found(first), ['error builds/b42.yaml'], 'the one that is new');
});

test('builds with one version_code are not older than each other', () => {
  const builds = [aBuild(42, { buildId: 'a42', sha256: aBuild(7).sha256 }), aBuild(42)];
  const found = check({ builds, rollout: { lastSafe: 'a42', forceDowngrade: true, reason: 'x' } });
  assert.ok(found.some(f => f.code === 'force_downgrade_scope'));
  assert.not.ok(found.some(f => f.code === 'current_older'));
});

test('a cohort that is named is used, and one that is not is told at its file', () => {
  const canary = { tags: [], devices: [], cohorts: ['lab'] };
  const found = check({ rollout: { canary }, cohorts: [aCohort('lab'), aCohort('old')] });
  assert.equal(
    found.map(f => `${f.code} ${f.file}`),
    ['cohort_unused cohorts/old.yaml'],
  );
});

test.run();
