/** The Markdown of each state, kept as golden files. `UPDATE_GOLDEN=1 node --import tsx test/github/render.test.ts` writes them anew. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { NO_EVIDENCE } from '../../controller/domain/gate/evidence.ts';
import { DEFAULT_GATE } from '../../controller/domain/gate/gate.ts';
import { proofOf } from '../../controller/domain/gate/proof.ts';
import { countFleet } from '../../controller/domain/plan/fleet.ts';
import { plan } from '../../controller/domain/plan/index.ts';
import { NO_PROGRESS } from '../../controller/domain/progress.ts';
import type { Entry } from '../../controller/github/ledger.ts';
import { renderBrakeBody, renderBrakeEnd, titleOfBrake } from '../../controller/github/render/brake.ts';
import { literal, shareOf } from '../../controller/github/render/markdown.ts';
import {
  renderConflictComment,
  renderInvalidComment,
  renderPlanComment,
  renderUnchangedComment,
  renderUnrelatedComment,
} from '../../controller/github/render/plan.ts';
import { renderNotice, renderProgress } from '../../controller/github/render/progress.ts';
import { renderRejected } from '../../controller/github/render/rejected.ts';
import { headlineOf, type RevisionProgress, statusOf } from '../../controller/github/revision-progress.ts';
import type { FailedDevices, KeptHalt } from '../../controller/ports/index.ts';
import { aBuild, aRamp, aStanding, aState, DAY_MS, HOUR_MS, NOW_MS, OTHER_SIGNER } from '../support/state.ts';

const GOLDEN = path.resolve(import.meta.dirname, '../golden/github');

function golden(name: string, text: string): void {
  const file = path.join(GOLDEN, `${name}.md`);
  if (process.env.UPDATE_GOLDEN === '1') {
    mkdirSync(GOLDEN, { recursive: true });
    writeFileSync(file, `${text}\n`);
  }
  assert.fixture(`${text}\n`, readFileSync(file, 'utf8'));
}

const sha = (digit: string): string => digit.repeat(40);
const REVIEWED = { head: sha('a'), base: sha('b') };
const fleet = Array.from({ length: 200 }, (_, i) => ({
  deviceId: `kiosk-${i}`,
  tags: i < 3 ? ['qa'] : [],
  versionCode: i < 190 ? 41 : undefined,
}));

const stood = {
  state: aState({
    rollout: { current: 'b41', lastSafe: undefined, exposure: { kind: 'percent', percent: 100 } },
  }),
  progress: undefined,
  formerBuilds: new Map(),
};
const ramp = aRamp(NOW_MS + HOUR_MS, [1, 4], [10, 24], [50, 24], [100]);

test('the brake’s own pull request: evidence, curve and how to go on', () => {
  const gate = { ...DEFAULT_GATE };
  const evidence = {
    ...NO_EVIDENCE,
    cohort: { ...NO_EVIDENCE.cohort, taken: 61, ok: 38, fail: 9, verifyFail: 1, takenLongAgo: 20, silent: 2 },
    canary: { taken: 3, fail: 1, verifyFail: 0 },
    control: { devices: 1_143, silent: 37 },
  };
  const figures = { ...proofOf(gate, evidence, undefined), needed: 41, judged: 47, followed: 30 };
  const halt: KeptHalt = {
    id: 7,
    buildId: 'b42',
    kind: 'gate',
    mode: 'halt',
    atMs: NOW_MS + 4 * HOUR_MS,
    by: 'gate',
    reason: 'install_failures',
    declared: false,
    evidence: { reasons: ['install_failures'], figures, evidence, step: 1 },
    ended: undefined,
  };
  const failed: FailedDevices[] = [
    { reason: 'install_failed', sdk: 29, fromVersionCode: 41, devices: 6 },
    { reason: 'install_failed', sdk: 28, fromVersionCode: 40, devices: 2 },
    { reason: 'timeout', sdk: undefined, fromVersionCode: 41, devices: 1 },
  ];
  const before = { ...stood, state: aState({ rollout: { exposure: ramp } }), halts: [halt] };
  const planned = plan(before, { ...before, state: aState({ rollout: 0 }) }, NOW_MS);
  golden('brake-gate', renderBrakeBody({ halt, failed, progress: rolling, plan: planned }));
  const hand: KeptHalt = {
    ...halt,
    kind: 'hand',
    by: 'admin:ruth',
    reason: 'reboots <b>in</b> the lobby @everyone',
    evidence: null,
  };
  golden('brake-hand', renderBrakeBody({ halt: hand, failed: [], progress: undefined, plan: planned }));
  assert.is(titleOfBrake({ ...hand, mode: 'rollback' }), 'roll back b42: the brake was pressed');
  assert.match(renderBrakeEnd(halt, 'closed @everyone'), /`closed @everyone`/);
  const many = Array.from({ length: 40 }, (_, n) => ({
    reason: 'internal' as const,
    sdk: n,
    fromVersionCode: 41,
    devices: 1,
  }));
  const text = renderBrakeBody({ halt, failed: many, progress: undefined, plan: planned });
  assert.match(text, /\| others \| +\| +\| 25 \|/);
});

test('plan: a careful ramp', () => {
  const head = aStanding(
    aState({
      rollout: { exposure: ramp, canary: { tags: ['qa'], devices: ['kiosk-7'], cohorts: [] } },
    }),
  );
  const planned = plan(stood, head, NOW_MS);
  golden(
    'plan-ramp',
    renderPlanComment(REVIEWED, planned, { fleet: countFleet(planned, fleet) }, [], {
      needed: 0,
      count: 0,
      uncounted: [],
    }),
  );
});

test('plan: everything that is dangerous', () => {
  const b43 = aBuild(43, {
    signerFingerprint: OTHER_SIGNER,
    signerLineage: [aBuild().signerFingerprint],
    sizeBytes: 41_873_920,
  });
  const head = {
    state: aState({
      builds: [aBuild(41), aBuild(42), b43],
      rollout: {
        current: 'b43',
        exposure: { kind: 'percent', percent: 100 },
        wifiOnly: false,
        mustInstall: true,
        deadlineMs: 3 * DAY_MS,
        minBatteryPercent: 10,
        reason: 'urgent: see <b>#12</b> @everyone | `rm -rf`\n\n# not a heading',
      },
    }),
    progress: undefined,
    formerBuilds: new Map(),
  };
  const planned = plan(stood, head, NOW_MS);
  const warning = {
    severity: 'warning',
    code: 'last_safe_withdrawn',
    file: 'rollout.yaml',
    line: 4,
    column: 12,
    message: 'last_safe `b41` is withdrawn',
    hint: undefined,
  } as const;
  golden(
    'plan-dangerous',
    renderPlanComment(REVIEWED, planned, { fleet: countFleet(planned, fleet) }, [warning], {
      needed: 2,
      count: 1,
      uncounted: [],
    }),
  );
});

test('plan: a rollback with force_downgrade', () => {
  const head = {
    state: aState({ rollout: { rollback: true, forceDowngrade: true, reason: 'crash loop on API 29' } }),
    progress: undefined,
    formerBuilds: new Map(),
  };
  const planned = plan({ ...stood, state: aState({ rollout: 50 }) }, head, NOW_MS);
  const updated = fleet.map((d, i) => ({ ...d, versionCode: i < 60 ? 42 : 41 }));
  golden(
    'plan-rollback',
    renderPlanComment(REVIEWED, planned, { fleet: countFleet(planned, updated) }, [], {
      needed: 0,
      count: 0,
      uncounted: [],
    }),
  );
});

const problems = [
  {
    severity: 'error',
    code: 'unknown_build',
    file: 'rollout.yaml',
    line: 3,
    column: 10,
    message: 'no build b4x is declared under builds/',
    hint: 'did you mean b42?',
  },
  {
    severity: 'warning',
    code: 'cohort_unused',
    file: 'cohorts/lab.yaml',
    line: 1,
    column: 1,
    message: 'see this place in the file',
    hint: undefined,
  },
] as const;

test('plan: invalid, in conflict, unchanged', () => {
  golden('plan-invalid', renderInvalidComment(REVIEWED, problems));
  golden('plan-conflict', renderConflictComment(REVIEWED));
  golden('plan-unrelated', renderUnrelatedComment(REVIEWED));
  golden('plan-unchanged', renderUnchangedComment(REVIEWED));
});

test('plan: on a base branch that is itself refused, the warning stands above everything', () => {
  const refused = { revision: sha('d'), problems: [...problems, problems[0]] };
  const planned = plan(stood, aStanding(aState({ rollout: 10 })), NOW_MS);
  const none = { needed: 0, count: 0, uncounted: [] };
  const text = renderPlanComment(
    { ...REVIEWED, refused },
    planned,
    { fleet: countFleet(planned, fleet) },
    [],
    none,
  );
  golden('plan-base-refused', text);
  for (const render of [renderConflictComment, renderUnrelatedComment, renderUnchangedComment])
    assert.match(render({ ...REVIEWED, refused }), /^> \[!WARNING\]\n> \*\*The base branch is refused\*\*/);
  assert.match(
    renderInvalidComment({ head: sha('a'), base: undefined, refused }, problems),
    /^> \[!WARNING\](\n> .*)*Until that is fixed, nothing is applied yet/,
  );
});

const rolling: RevisionProgress = {
  revision: sha('c'),
  state: 'rolling_out',
  subject: { buildId: 'b42', versionName: '4.2.0', versionCode: 42, kind: 'rollout' },
  appliedAtMs: NOW_MS,
  percent: 10,
  fleet: {
    enrolled: 1_310,
    active: 1_204,
    exposed: 134,
    seen: 121,
    offered: 121,
    running: 118,
    waiting: 2,
    held: [{ reason: 'signer_mismatch', devices: 1 }],
    staying: 0,
    canaries: { exposed: 3, offered: 3, running: 3 },
    named: { waiting: [], unseen: [] },
  },
  results: {
    ok: 118,
    fail: 1,
    deferred: 5,
    reasons: [
      { outcome: 'deferred', reason: 'battery', devices: 1 },
      { outcome: 'deferred', reason: 'wifi', devices: 4 },
      { outcome: 'fail', reason: 'install_failed', devices: 1 },
    ],
  },
  curve: [0, 1, 4, 8, 9.8].map((percent, i) => ({ atMs: NOW_MS + i * HOUR_MS, percent })),
  exposure: [
    { atMs: NOW_MS, percent: 1 },
    { atMs: NOW_MS + 2 * HOUR_MS, percent: 10 },
  ],
  next: { percent: 50, atMs: NOW_MS + DAY_MS },
  suspend: undefined,
  by: undefined,
};
const report = (over: Partial<RevisionProgress>): string =>
  renderProgress({
    progress: { ...rolling, ...over },
    planHash: 'd'.repeat(64),
    revert: `git revert -m 1 ${sha('c')}`,
    planText: '### Promote `b42` at 10 %\n\n| | Before | After |',
    activeHours: 72,
  });

const states: readonly [string, Partial<RevisionProgress>][] = [
  [
    'pending',
    {
      state: 'pending',
      percent: 0,
      fleet: { ...NO_PROGRESS, enrolled: 1_310, active: 1_204 },
      results: { ok: 0, fail: 0, deferred: 0, reasons: [] },
      curve: [],
      next: { percent: 1, atMs: NOW_MS + HOUR_MS },
    },
  ],
  ['rolling-out', {}],
  [
    'suspended',
    { state: 'suspended', suspend: { reason: 'crash <script> @everyone `x`', untilMs: NOW_MS + DAY_MS } },
  ],
  [
    'completed',
    {
      state: 'completed',
      curve: [0, 22, 61, 93, 99.9].map((percent, i) => ({ atMs: NOW_MS + i * HOUR_MS, percent })),
      exposure: [
        { atMs: NOW_MS, percent: 50 },
        { atMs: NOW_MS + 2 * HOUR_MS, percent: 100 },
      ],
      percent: 100,
      fleet: {
        ...rolling.fleet,
        exposed: 1_310,
        seen: 1_204,
        offered: 1_204,
        running: 1_203,
        waiting: 1,
        held: [],
      },
      next: undefined,
    },
  ],
  ['halted', { state: 'halted', next: undefined, halt: { kind: 'gate', reason: '5 of 50 devices failed' } }],
  [
    'advised',
    { next: undefined, advice: { verdict: 'halt', against: ['install_failures', 'canary_failures'] } },
  ],
  ['reverted', { state: 'reverted', by: sha('e'), next: undefined }],
  ['superseded', { state: 'superseded', by: sha('f'), next: undefined }],
  [
    'rollback',
    {
      state: 'rolling_out',
      percent: 0,
      subject: {
        ...rolling.subject,
        buildId: 'b41',
        versionName: '4.1.0',
        versionCode: 41,
        kind: 'rollback',
      },
      fleet: {
        ...rolling.fleet,
        exposed: 1_310,
        seen: 239,
        staying: 118,
        canaries: NO_PROGRESS.canaries,
      },
      next: undefined,
    },
  ],
  ['inert', { state: 'completed', subject: { ...rolling.subject, kind: 'none' }, next: undefined }],
];
for (const [name, over] of states)
  test(`report: ${name}`, () => {
    golden(`report-${name}`, report(over));
    const { description } = statusOf({ ...rolling, ...over });
    assert.ok(description.length <= 140);
  });

for (const state of ['completed', 'suspended', 'reverted'] as const)
  test(`notice: ${state}`, () => {
    const over = states.find(([name]) => name === state)?.[1];
    golden(`notice-${state}`, renderNotice({ ...rolling, ...over }));
  });

const entry: Entry = {
  revision: sha('c'),
  kind: 'rejected',
  previous: undefined,
  planHash: '',
  planText: '',
  problems,
  progress: { ...rolling, state: 'rejected' },
  notices: [],
  settled: true,
};

test('not applied: rejected, held, skipped', () => {
  golden('report-rejected', renderRejected(entry));
  const why = {
    severity: 'error',
    code: 'plan_not_approved',
    file: 'rollout.yaml',
    line: 1,
    column: 1,
    message: 'plan dddddddddddd has 1 of 2 approvals',
    hint: 'approve #7 again after reading this plan, or revert it',
  } as const;
  golden(
    'report-held',
    renderRejected({
      ...entry,
      planHash: 'd'.repeat(64),
      planText: '### Promote `b42` at 50 %',
      problems: [why],
    }),
  );
  golden(
    'report-skipped',
    renderRejected({ ...entry, kind: 'skipped', progress: { ...rolling, state: 'rejected', by: sha('f') } }),
  );
});

test('the headline of a status', () => {
  assert.is(headlineOf(rolling), '10 % · 118/121 installed · 0.8 % failed');
  assert.is(shareOf(1, 100_000), '< 0.1 %');
  assert.is(shareOf(99_999, 100_000), '> 99.9 %');
});

test('hostile text is shown as plain characters', () => {
  for (const text of [
    '@everyone',
    '#12',
    '<img src=x>',
    '`code`',
    '``a``` b',
    'a|b',
    '](http://evil)',
    'x\u202Egnp',
    'a\nb\r\n# c',
    '',
  ]) {
    const shown = literal(text);
    const fence = /^`+/.exec(shown)?.[0];
    if (text === '') assert.is(shown, '(empty)');
    else {
      assert.ok(fence !== undefined && shown.endsWith(fence), shown);
      assert.not.ok(shown.slice(fence.length, -fence.length).includes(fence), shown);
      assert.not.match(shown, /[\n\r\u202E]|(?<!\\)\|/);
    }
  }
  assert.ok(literal('x'.repeat(5_000)).length < 210);
});

test('no comment reaches 65,536 characters, whatever is in it', () => {
  const builds = Array.from({ length: 1_500 }, (_, i) => aBuild(100 + i, { notes: 'n'.repeat(500) }));
  const head = {
    state: aState({ builds: [aBuild(41), aBuild(42), ...builds], rollout: { reason: 'x'.repeat(10_000) } }),
    progress: undefined,
    formerBuilds: new Map(),
  };
  const planned = plan(stood, head, NOW_MS);
  const many = Array.from({ length: 2_000 }, () => ({
    ...problems[0],
    message: 'm'.repeat(2_000),
    hint: 'h'.repeat(2_000),
  }));
  const text = renderPlanComment(REVIEWED, planned, { fleet: countFleet(planned, fleet) }, many, {
    needed: 2,
    count: 0,
    uncounted: [],
  });
  assert.ok(text.length < 65_000, String(text.length));
  assert.ok(renderInvalidComment(REVIEWED, many).length < 65_000);
  const reasons = Array.from({ length: 26 }, () => ({
    outcome: 'fail' as const,
    reason: 'internal' as const,
    devices: 1e9,
  }));
  const longest = renderProgress({
    progress: { ...rolling, results: { ...rolling.results, reasons } },
    planHash: 'd'.repeat(64),
    planText: 'p'.repeat(40_000),
    revert: 'git revert',
    activeHours: 72,
  });
  assert.ok(longest.length < 65_000);
});

test.run();
