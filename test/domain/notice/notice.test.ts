/** Which notice a change is, if any. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Reconciled } from '../../../controller/domain/judging/reconciled.ts';
import { courseName, lookAtCourse } from '../../../controller/domain/notice/course.ts';
import { withoutDevices } from '../../../controller/domain/notice/device-free.ts';
import { noticeOf, noticeOfHalt } from '../../../controller/domain/notice/of-change.ts';
import { plan } from '../../../controller/domain/plan/index.ts';
import type { Problem } from '../../../controller/domain/problem.ts';
import type { DesiredState } from '../../../controller/domain/release.ts';
import { aBuild, aRamp, aRollout, aSnapshot, aStanding, aState, NOW_MS } from '../../support/state.ts';

const WITHDRAWN = aBuild(42, { withdrawn: { reason: 'crash loop', atMs: NOW_MS } });

function applied(before: DesiredState | undefined, after: DesiredState): Reconciled {
  const base = before === undefined ? undefined : aStanding(before);
  return {
    kind: 'applied',
    before: before === undefined ? undefined : aSnapshot(before),
    after: aSnapshot(after),
    plan: plan(base, aStanding(after), NOW_MS),
    problems: [],
  };
}
const noticed = (before: DesiredState | undefined, after: DesiredState) =>
  noticeOf(applied(before, after), 'r0');

test('forward is applied: a first state, a promotion, a wider or narrower percent', () => {
  const b41 = aState({
    rollout: { current: 'b41', lastSafe: undefined, exposure: { kind: 'percent', percent: 100 } },
  });
  const first = noticed(undefined, b41);
  assert.equal([first?.kind, first?.kind === 'applied' && first.previousBuildId], ['applied', undefined]);
  const promoted = noticed(b41, aState({ rollout: { ...aRollout(10), reason: 'because' } }));
  assert.equal(promoted, {
    kind: 'applied',
    revision: promoted?.kind === 'applied' ? promoted.revision : '',
    build: { buildId: 'b42', versionName: '4.2.0' },
    previousBuildId: 'b41',
    fromPercent: 0,
    toPercent: 10,
    finalPercent: 10,
    reason: 'because',
  });
  for (const [from, to] of [
    [10, 50],
    [50, 10],
  ] as const) {
    const moved = noticed(aState({ rollout: from }), aState({ rollout: to }));
    assert.is(moved?.kind, 'applied');
    if (moved?.kind === 'applied')
      assert.equal([moved.fromPercent, moved.toPercent, moved.previousBuildId], [from, to, undefined]);
  }
});

test('a way back is reverted: rollback, an older pointer, a withdrawal; what follows it is applied again', () => {
  const standing = aState({ rollout: 50 });
  const b41 = { current: 'b41', lastSafe: undefined, exposure: { kind: 'percent', percent: 100 } } as const;
  const withdrawn = aState({ rollout: 50, builds: [aBuild(41), WITHDRAWN, aBuild(43)] });
  for (const after of [aState({ rollout: { rollback: true } }), aState({ rollout: b41 }), withdrawn]) {
    const notice = noticed(standing, after);
    assert.is(notice?.kind, 'reverted');
    if (notice?.kind === 'reverted') assert.equal([notice.fromBuildId, notice.build.buildId], ['b42', 'b41']);
  }
  const onward = aState({
    rollout: { ...aRollout(10), current: 'b43' },
    builds: [aBuild(41), WITHDRAWN, aBuild(43)],
  });
  assert.is(noticed(withdrawn, onward)?.kind, 'applied', 'the fix that follows a withdrawal');
});

test('what changes nothing in meaning is told to nobody', () => {
  const canary = { tags: ['a', 'b'], devices: [], cohorts: [] };
  const before = aState({ rollout: { ...aRollout(10), canary } });
  const after = aState({ rollout: { ...aRollout(10), canary: { ...canary, tags: ['b', 'a'] } } });
  assert.is(noticed(before, after), undefined);
});

test('a refusal names its errors by code and place, five of them, and no message', () => {
  const problem = (line: number, severity: Problem['severity'] = 'error'): Problem => ({
    severity,
    code: 'unknown_build',
    file: 'rollout.yaml',
    line,
    column: 1,
    path: '',
    message: 'kiosk-7 is named here',
    hint: undefined,
  });
  const problems = [problem(1, 'warning'), ...[2, 3, 4, 5, 6, 7].map(line => problem(line))];
  const notice = noticeOf({ kind: 'rejected', revision: 'r2', problems }, 'r1');
  assert.equal(notice, {
    kind: 'refused',
    revision: 'r2',
    standingRevision: 'r1',
    problems: [2, 3, 4, 5, 6].map(line => ({ code: 'unknown_build', file: 'rollout.yaml', line })),
    problemsTotal: 6,
  });
});

test('a halt says which build, by whom and why', () => {
  const notice = noticeOfHalt({ by: 'gate', mode: 'rollback', reason: 'install_fail' }, aSnapshot(aState()));
  assert.equal(
    { ...notice, revision: '' },
    {
      kind: 'halted',
      revision: '',
      build: { buildId: 'b42', versionName: '4.2.0' },
      by: 'gate',
      mode: 'rollback',
      reason: 'install_fail',
    },
  );
});

test('a course is the same over edits of words, and another with its build, direction, end or ramp', () => {
  const name = (state: DesiredState) => courseName(aSnapshot(state));
  const at10 = name(aState({ rollout: 10 }));
  assert.is(name(aState({ rollout: { ...aRollout(10), reason: 'x', wifiOnly: false } })), at10);
  const others = [
    aState({ rollout: 50 }),
    aState({ rollout: { ...aRollout(10), rollback: true } }),
    aState({ rollout: { ...aRollout(10), current: 'b43' }, builds: [aBuild(41), aBuild(42), aBuild(43)] }),
    aState({ rollout: { exposure: aRamp(undefined, [10]) } }),
  ];
  assert.is(new Set([at10, ...others.map(name)]).size, 5);
});

test('a completion is told once a course, at once or later', () => {
  assert.equal(lookAtCourse(undefined, 'a', false), { keep: { name: 'a', told: false }, tell: false });
  assert.equal(lookAtCourse({ name: 'a', told: false }, 'a', true), {
    keep: { name: 'a', told: true },
    tell: true,
  });
  assert.is(lookAtCourse({ name: 'a', told: true }, 'a', true), undefined);
  assert.is(lookAtCourse({ name: 'a', told: true }, 'a', false), undefined, 'a device that left again');
  assert.is(lookAtCourse({ name: 'a', told: false }, 'a', false), undefined);
  assert.equal(lookAtCourse({ name: 'a', told: true }, 'b', true), {
    keep: { name: 'b', told: true },
    tell: true,
  });
});

test('device ids are found in a sentence, whatever stands beside them', () => {
  const isDevice = (word: string) => ['kiosk-7', 'a:b', 'end.'].includes(word);
  for (const [text, clean] of [
    ['kiosk-7', '[device]'],
    ['kiosk-7.', '[device].'],
    ['(kiosk-7)', '([device])'],
    ['kiosk-7:kiosk-7', '[device]:[device]'],
    ['device:kiosk-7.', 'device:[device].'],
    ['a:b, end. a b', '[device], [device] a b'],
    ['kiosk-77 xkiosk-7 kiosk', 'kiosk-77 xkiosk-7 kiosk'],
    ['…', '…'],
  ] as const)
    assert.is(withoutDevices(text, isDevice), clean, text);
});

test.run();
