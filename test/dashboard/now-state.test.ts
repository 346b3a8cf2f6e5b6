/** The one word for what is going on, and the sentence that it leads to; for states that no browser test looks at, too. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { InForce, NowFacts } from '../../controller/dashboard/now/facts.ts';
import { heroOf, heroView } from '../../controller/dashboard/now/hero.ts';
import { notesView } from '../../controller/dashboard/now/notes.ts';
import { REASON_WORDS } from '../../controller/dashboard/now/reasons.ts';
import { type NowState, stateOf } from '../../controller/dashboard/now/state.ts';
import type { Snapshot } from '../../controller/domain/decision.ts';
import { REASONS, type Verdict } from '../../controller/domain/gate/verdict.ts';
import type { Halt } from '../../controller/domain/halt.ts';
import { NO_PROGRESS } from '../../controller/domain/progress.ts';
import type { RampProgress } from '../../controller/domain/ramp/progress.ts';
import type { Rollout } from '../../controller/domain/release.ts';
import { aBuild, aHalt, aRamp, aRollout, aSnapshot, aState, HOUR_MS, NOW_MS } from '../support/state.ts';

const RAMP = aRamp(undefined, [1, 24], [10, 24], [100]);
const HALT = aHalt({ atMs: NOW_MS - HOUR_MS });

interface Case {
  readonly rollout?: Partial<Rollout> | number;
  readonly step?: number;
  readonly verdict?: Verdict;
  readonly halts?: readonly Halt[];
  readonly withdrawn?: true;
  readonly offered?: number;
  readonly running?: number;
}

function standing({
  rollout = {},
  step,
  verdict,
  halts = [],
  withdrawn,
  offered = 0,
  running = 0,
}: Case): InForce {
  const b42 = aBuild(42, withdrawn ? { withdrawn: { reason: 'crash loop', atMs: NOW_MS - HOUR_MS } } : {});
  const state = aState({ builds: [aBuild(41), b42], rollout: aRollout(rollout) });
  const progress: RampProgress | undefined =
    step === undefined
      ? undefined
      : {
          rampId: 1,
          beginsAtMs: NOW_MS + (step < 0 ? HOUR_MS : -HOUR_MS),
          step,
          enteredAtMs: NOW_MS - HOUR_MS,
          exposureMs: HOUR_MS,
          servedMs: HOUR_MS,
          judgement:
            verdict === undefined
              ? undefined
              : { verdict, reasons: ['hold_time'], figures: undefined, memory: {} },
        };
  const snapshot: Snapshot = { ...aSnapshot(state), progress, halts };
  const seen = { ...NO_PROGRESS, exposed: offered, seen: offered, offered, running };
  return {
    snapshot,
    counted: { picture: snapshot, atMs: NOW_MS, progress: seen },
    evidence: undefined,
    entered: [],
    running,
    runningSafe: 0,
    suspended: false,
    advice: undefined,
    troubles: undefined,
  };
}

const facts = (it: InForce): NowFacts => ({
  nowMs: NOW_MS,
  status: {
    appliedRevision: 'r1',
    appliedAtMs: NOW_MS,
    attemptedRevision: 'r1',
    problems: [],
    sourceReadAtMs: NOW_MS,
    sourceFault: undefined,
    clockHeld: false,
  },
  counts: { enrolled: 10, active: 10, running: [] },
  lastHour: 3,
  activeWithinMs: 72 * HOUR_MS,
  redirects: false,
  waiting: [],
  hours: [],
  revisions: [],
  inForce: it,
});

const CASES: readonly (readonly [NowState, Case, RegExp])[] = [
  ['fixed', { rollout: 10 }, /b42 4\.2\.0 is offered to 10 % of the fleet.*stays there until a commit/],
  ['closed', { rollout: 0 }, /b42 4\.2\.0 is offered to nobody/],
  [
    'closed',
    { rollout: { ...aRollout(0), canary: { tags: ['qa'], devices: [], cohorts: [] } } },
    /canaries alone/,
  ],
  ['arriving', { rollout: 100, offered: 10, running: 4 }, /whole fleet.*4 of the 10 active devices.*99 %/],
  ['arriving', { rollout: 100 }, /It is not meant for any enrolled device yet/],
  ['completed', { rollout: 100, offered: 10, running: 10 }, /runs on 100 % of the active fleet/],
  [
    'not_begun',
    { rollout: { exposure: RAMP }, step: -1 },
    /has not begun.*begins at 1 % at 13:00 UTC, in 1 h/,
  ],
  ['ramping', { rollout: { exposure: RAMP }, step: 0 }, /step 1 of 3.*offered to 1 %.*goes on to 10 %/],
  ['ramping', { rollout: { exposure: RAMP }, step: 1, verdict: 'hold' }, /offered to 10 %/],
  ['asks', { rollout: { exposure: RAMP }, step: 0, verdict: 'waiting_for_person' }, /waits for a decision/],
  [
    'needs_approval',
    { rollout: { exposure: RAMP }, step: 0, verdict: 'waiting_for_approval' },
    /needs an approval/,
  ],
  ['halted', { rollout: { exposure: RAMP }, step: 0, halts: [HALT] }, /offered to nobody/],
  [
    'rolled_back',
    { halts: [{ ...HALT, mode: 'rollback' }] },
    /Rolled back by the gate.*Everybody is offered b41/,
  ],
  [
    'braked',
    { halts: [{ ...HALT, kind: 'hand', by: 'admin:ops', reason: 'no' }] },
    /Brake pressed by ops.*“no”/,
  ],
  ['rolled_back', { rollout: { rollback: true }, halts: [HALT] }, /Rolled back.*Everybody is offered b41/],
  ['withdrawn', { withdrawn: true }, /never offered again.*“crash loop”/],
];

for (const [state, given, says] of CASES)
  test(`${state}: ${says.source}`, () => {
    const it = standing(given);
    assert.is(stateOf(it), state);
    const view = heroView(heroOf(state, it, facts(it)), undefined).text;
    assert.match(view.replaceAll(/<[^>]+>/g, '').replaceAll(/[\s\u00a0]+/g, ' '), says);
  });

test('a suspend is shown after states that need a person and before the step', () => {
  assert.is(stateOf({ ...standing({ rollout: { exposure: RAMP }, step: 0 }), suspended: true }), 'suspended');
  assert.is(stateOf({ ...standing({ halts: [HALT] }), suspended: true }), 'halted');
});

test('effects that GitHub does not accept for 15 minutes are shown, and no earlier', () => {
  const it = standing({});
  const notes = (agoMs: number): string =>
    notesView({ ...facts(it), waiting: [{ topic: 'github', rows: 3, oldestMs: NOW_MS - agoMs }] })
      .map(note => note.text)
      .join('')
      .replaceAll('\u00a0', ' ');
  assert.is(notes(14 * 60_000), '');
  assert.match(
    notes(16 * 60_000),
    /GitHub does not accept what is sent to it.*3 effects wait, the oldest since/s,
  );
});

test('with redirects to an object store, a halt says which downloads it does not stop', () => {
  const it = standing({ halts: [{ ...HALT, kind: 'hand', by: 'admin:ops', reason: 'no' }] });
  const said = (redirects: boolean): string =>
    heroView(heroOf('braked', it, { ...facts(it), redirects }), undefined).text;
  assert.match(said(true), /from the object store may still finish, but no device installs them/);
  assert.not.match(said(false), /object store/);
});

test('every reason of a verdict has its words', () => {
  for (const reason of REASONS) assert.ok(REASON_WORDS[reason].length > 5, reason);
});

test.run();
