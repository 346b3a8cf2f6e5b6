import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type JudgeSteps, judge, problemsOf } from '../../../controller/domain/judging/judge.ts';
import type { Finding, Problem } from '../../../controller/domain/problem.ts';
import type { RuleTimes } from '../../../controller/domain/rules/times.ts';
import type { Standing } from '../../../controller/domain/standing.ts';
import {
  aBuild,
  aPolicy,
  aRamp,
  aStanding,
  aState,
  HOUR_MS,
  NOW_MS,
  type StateParts,
} from '../../support/state.ts';

const stand = (parts: StateParts = {}): Standing => ({
  ...aStanding(aState(parts), NOW_MS - 5 * HOUR_MS),
  formerBuilds: new Map([['b40', aBuild(40)]]),
});

const finding = (code: Finding['code'], severity: Finding['severity'] = 'error'): Finding => ({
  severity,
  code,
  file: 'rollout.yaml',
  path: ['current'],
  message: code,
  hint: undefined,
});

const placed = (found: Finding): Problem => ({ ...found, path: found.path.join('.'), line: 7, column: 3 });

/** Steps over a tree that is a desired state already. */
const steps = (over: Partial<JudgeSteps<StateParts>> = {}): JudgeSteps<StateParts> => ({
  parse: tree => ({ state: aState(tree), problems: [] }),
  place: (_tree, findings) => findings.map(placed),
  ...over,
});

const codes = (problems: readonly Problem[]): string[] => problems.map(p => p.code);

test('an invalid tree has its own problems and no plan; no later step is asked', async () => {
  const problem = placed(finding('unknown_build'));
  const never = (): never => {
    throw new Error('asked although the files are invalid');
  };
  const given = steps({ parse: () => ({ problems: [problem] }), admit: never, approve: never, place: never });
  const judgement = await judge(given, {}, stand(), NOW_MS);
  assert.is(judgement.plan, undefined);
  assert.is(judgement.approvalsNeeded, 0);
  assert.equal(problemsOf(judgement), [problem]);
});

test('each problem stays with the step that found it, in the order of the steps, at its place', async () => {
  const policy = aPolicy({ maxJumpPercent: 5, allowedPercents: [1] });
  const warning = placed(finding('cohort_unused', 'warning'));
  const judgement = await judge(
    steps({
      parse: tree => ({ state: aState(tree), problems: [warning] }),
      admit: () => [finding('artifact_missing')],
    }),
    { rollout: 50 },
    stand({ rollout: 10, policy }),
    NOW_MS,
  );
  assert.equal(codes(judgement.problems.files), ['cohort_unused']);
  assert.equal(codes(judgement.problems.policy), ['policy_percent', 'policy_jump']);
  assert.equal(codes(judgement.problems.artifacts), ['artifact_missing']);
  assert.equal(codes(judgement.problems.approval), []);
  assert.equal(codes(problemsOf(judgement)), [
    'cohort_unused',
    'policy_percent',
    'policy_jump',
    'artifact_missing',
  ]);
  assert.ok(problemsOf(judgement).every(p => p.line === 7));
  assert.is(judgement.plan?.exposure.toPercent, 50, 'the plan is made all the same');
});

test('approval is asked for only when the policy wants some and nothing else is wrong', async () => {
  const policy = aPolicy({ approvals: [{ abovePercent: 20, approvals: 2 }] });
  const asked: number[] = [];
  const given = (over: Partial<JudgeSteps<StateParts>> = {}) =>
    steps({
      approve: (_plan, needed) => {
        asked.push(needed);
        return [finding('plan_not_approved')];
      },
      ...over,
    });
  const of = (rollout: number, over = {}) =>
    judge(given(over), { rollout }, stand({ rollout: 10, policy }), NOW_MS);
  assert.equal(codes((await of(50)).problems.approval), ['plan_not_approved']);
  assert.equal(asked, [2]);
  assert.is((await of(15)).approvalsNeeded, 0);
  const unstored = await of(50, { admit: () => [finding('artifact_missing')] });
  assert.is(unstored.approvalsNeeded, 2);
  assert.equal(codes(problemsOf(unstored)), ['artifact_missing']);
  assert.equal(codes(problemsOf(await of(50, { admit: () => [finding('artifact_missing', 'warning')] }))), [
    'artifact_missing',
    'plan_not_approved',
  ]);
  assert.equal(asked, [2, 2]);
});

test('without an approve or admit step nothing is asked and nothing is found', async () => {
  const policy = aPolicy({ approvals: [{ abovePercent: 20, approvals: 2 }] });
  const judgement = await judge(steps(), { rollout: 50 }, stand({ rollout: 10, policy }), NOW_MS);
  assert.equal(problemsOf(judgement), []);
  assert.is(judgement.approvalsNeeded, 2);
});

test('nothing stands: there is no policy to keep to, and everything is new', async () => {
  const policy = aPolicy({ maxJumpPercent: 1, approvals: [{ abovePercent: 0, approvals: 1 }] });
  const judgement = await judge(steps(), { rollout: 50, policy }, undefined, NOW_MS);
  assert.equal(problemsOf(judgement), []);
  assert.is(judgement.approvalsNeeded, 0);
  assert.is(judgement.plan?.base, undefined);
});

test('a ramp that goes on keeps its step; any other begins at its first one, now or when it says', async () => {
  const exposure = aRamp(undefined, [1, 4], [10, 24], [100]);
  const base = stand({ rollout: { exposure } });
  const kept = await judge(steps(), { rollout: { exposure, wifiOnly: false } }, base, NOW_MS);
  assert.equal(kept.plan?.head.progress, base.progress);
  assert.is(kept.plan?.exposure.toPercent, 10);
  const begun = await judge(steps(), { rollout: { exposure } }, stand({ rollout: 5 }), NOW_MS);
  assert.equal([begun.plan?.head.progress?.step, begun.plan?.head.progress?.beginsAtMs], [0, NOW_MS]);
  assert.is(begun.plan?.exposure.toPercent, 1);
  const later = aRamp(NOW_MS + HOUR_MS, [1, 4], [100]);
  const waits = await judge(steps(), { rollout: { exposure: later } }, stand({ rollout: 5 }), NOW_MS);
  assert.equal([waits.plan?.head.progress?.step, waits.plan?.exposure.toPercent], [-1, 0]);
});

test('another rollout in between restarts a ramp, and the rules are told', async () => {
  const times: RuleTimes[] = [];
  const exposure = aRamp(undefined, [1, 4], [10, 24], [100]);
  const base = stand({ rollout: { exposure } });
  const given = steps({
    parse: (tree, _standing, at) => {
      times.push(at);
      return { state: aState(tree), problems: [] };
    },
    broken: () => true,
    reviewing: true,
  });
  const judgement = await judge(given, { rollout: { exposure } }, base, NOW_MS);
  assert.is(judgement.plan?.exposure.fromPercent, 10);
  assert.is(judgement.plan?.exposure.toPercent, 1);
  assert.is.not(judgement.plan?.head.progress?.rampId, base.progress?.rampId);
  await judge(given, { rollout: { exposure } }, undefined, NOW_MS);
  assert.equal(
    times.map(t => [t.reviewing, t.broken]),
    [
      [true, true],
      [true, false],
    ],
  );
});

test('a held clock enters no step', async () => {
  const exposure = aRamp(undefined, [1, 4], [100]);
  const held = await judge(steps({ clockHeld: true }), { rollout: { exposure } }, stand(), NOW_MS);
  assert.is(held.plan?.exposure.toPercent, 0);
});

test('builds whose files go are remembered, and those that come back are former no longer', async () => {
  const head = await judge(steps(), { builds: [aBuild(40), aBuild(42)], rollout: 100 }, stand(), NOW_MS);
  assert.equal([...(head.plan?.head.formerBuilds.keys() ?? [])], ['b41']);
});

test.run();
