import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { pollPaceOf } from '../../agent/backoff.ts';
import type { Effect } from '../../agent/effect.ts';
import type { Fact } from '../../agent/fact.ts';
import type { Offer } from '../../agent/offer.ts';
import type { Conditions, Installed } from '../../agent/readings.ts';
import { type AgentState, newState, PHASES, type PhaseName } from '../../agent/state.ts';
import { step } from '../../agent/step.ts';

const offer = (versionCode: number, more: Partial<Offer> = {}): Offer => ({
  buildId: `b${versionCode}`,
  versionCode,
  versionName: `${versionCode}`,
  url: 'https://ota.example.com/a.apk',
  sha256: String(versionCode % 10).repeat(64),
  signerFingerprint: 'a'.repeat(64),
  signerLineage: [],
  sizeBytes: 1000,
  wifiOnly: true,
  mustInstall: false,
  deadlineMs: undefined,
  stagedRolloutPercent: 100,
  cohortSeed: '',
  eligibleBy: 'rollout',
  forceDowngrade: false,
  minBatteryPercent: 30,
  pollIntervalMs: 21_600_000,
  revision: 'r',
  ...more,
});

const installed = (versionCode: number): Installed => ({
  package: 'p',
  versionCode,
  sdk: 33,
  buildId: undefined,
  signer: 'a'.repeat(64),
});
const moment = fc.record({
  atMs: fc.integer({ min: 0, max: 10 ** 7 }),
  random: fc.double({ min: 0, max: 0.999, noNaN: true }),
  uuid: fc.uuid(),
});
const maybe = fc.option(fc.boolean(), { nil: undefined });
const conditions: fc.Arbitrary<Conditions> = fc.record({
  unmeteredWifi: maybe,
  batteryPercent: fc.option(fc.integer({ min: 0, max: 100 }), { nil: undefined }),
  charging: maybe,
  inCall: maybe,
});
const good: Conditions = { unmeteredWifi: true, batteryPercent: 90, charging: true, inCall: false };
const anyConditions = fc.oneof({ weight: 6, arbitrary: fc.constant(good) }, conditions);
const versions = fc.constantFrom(40, 41, 42, 43);

/** Facts without their moment and epoch: those are added when they are played. */
type Loose = { [K in Fact as K['type']]: Omit<K, 'at' | 'epoch'> }[Fact['type']];

const answer = fc.oneof(
  {
    weight: 4,
    arbitrary: versions.map(v => ({ kind: 'offer', offer: offer(v), pace: pollPaceOf(21_600_000) }) as const),
  },
  {
    weight: 1,
    arbitrary: fc.constant({ kind: 'hold', reason: 'up_to_date', etag: '"none"', pace: undefined } as const),
  },
  {
    weight: 1,
    arbitrary: fc.constant({ kind: 'failed', code: 'http_500', retryAfterMs: undefined } as const),
  },
  {
    weight: 1,
    arbitrary: fc.constant({
      kind: 'invalid',
      reason: 'manifest_invalid',
      detail: 'x',
      buildId: 'b42',
    } as const),
  },
);

const checked = fc.record({
  type: fc.constant('checked' as const),
  answer,
  conditions: anyConditions,
  installed: fc.constantFrom(41, 41, 41, 40, 42, 43).map(installed),
  renewToken: fc.boolean(),
});
const downloaded = fc.record({
  type: fc.constant('downloaded' as const),
  result: fc.constantFrom(
    { kind: 'done', bytes: 1000, ms: 5 } as const,
    { kind: 'done', bytes: 1000, ms: 5 } as const,
    { kind: 'done', bytes: 1000, ms: 5 } as const,
    { kind: 'busy', status: 503, retryAfterMs: 1000 } as const,
    { kind: 'broken', reason: 'download_truncated', detail: '', retryAfterMs: undefined } as const,
    { kind: 'gone', detail: '' } as const,
    { kind: 'refused', reason: 'size_mismatch', detail: '' } as const,
  ),
});
const verified = fc.record({
  type: fc.constant('verified' as const),
  result: fc.constantFrom(...Array.from({ length: 6 }, () => ({ ok: true, ms: 5 }) as const), {
    ok: false,
    reason: 'sha256_mismatch',
    detail: '',
  } as const),
});
const ended = fc.record({
  type: fc.constant('installed' as const),
  result: fc.constantFrom(
    { ok: true } as const,
    { ok: false, code: 'INSTALL_FAILED_ABORTED', detail: '' } as const,
  ),
  installed: versions.map(installed),
  ms: fc.constant(5),
});
const started = fc.record({
  type: fc.constant('started' as const),
  installed: versions.map(installed),
  state: fc.constantFrom('kept' as const, 'recovered' as const, 'lost' as const),
});
const observed = fc.record({
  type: fc.constant('observed' as const),
  conditions: anyConditions,
  installed: fc.constant(installed(41)),
});
const asked = fc.record({
  type: fc.constant('asked' as const),
  trigger: fc.constantFrom('poll' as const, 'manual' as const),
});
const nudged = fc.record({
  type: fc.constant('nudged' as const),
  requestId: fc.uuid(),
  buildId: fc.constant('b42'),
});
const timers = fc.constantFrom(
  { type: 'retry_due' as const },
  { type: 'report_due' as const },
  { type: 'conditions_changed' as const },
);
const broke = fc.constant({ type: 'broke' as const, code: 'internal', message: '' });

const wild: fc.Arbitrary<Loose> = fc.oneof(
  checked,
  downloaded,
  verified,
  ended,
  started,
  observed,
  asked,
  nudged,
  timers,
  broke,
);
/** What a state is most likely to meet; without it few histories would come as far as an install. */
const fitting: Readonly<Record<PhaseName, fc.Arbitrary<Loose>>> = {
  idle: asked,
  checking: checked,
  deferred: fc.oneof(observed, timers),
  downloading: fc.oneof({ weight: 3, arbitrary: downloaded }, timers),
  verifying: verified,
  confirming: fc.oneof({ weight: 4, arbitrary: checked }, timers),
  installing: ended,
  reporting: fc.oneof(asked, nudged, timers),
};
const acknowledged = fc.constantFrom(
  { kind: 'accepted' } as const,
  { kind: 'failed', detail: '', retryAfterMs: undefined } as const,
  { kind: 'refused', detail: '' } as const,
);
const story = fc.array(
  fc.record({
    wild,
    fitting: fc.record(fitting),
    astray: fc.integer({ min: 0, max: 9 }),
    at: moment,
    report: acknowledged,
    stale: fc.integer({ min: 0, max: 14 }),
  }),
  { minLength: 10, maxLength: 60 },
);
type Entry = typeof story extends fc.Arbitrary<(infer E)[]> ? E : never;

function frozen<T>(value: T): T {
  if (value !== null && typeof value === 'object' && !Object.isFrozen(value)) {
    Object.freeze(value);
    Object.values(value).forEach(frozen);
  }
  return value;
}

const WORK = ['check', 'download', 'verify', 'install'];

function play(
  entries: readonly Entry[],
  see: (before: AgentState, fact: Fact, after: AgentState, effects: readonly Effect[]) => void,
): void {
  let state = frozen(newState('kiosk-7'));
  const take = (fact: Fact) => {
    const result = step(state, fact);
    assert.equal(step(state, fact), result, 'the same question has the same answer');
    see(state, fact, result.state, result.effects);
    state = frozen(result.state);
    return result.effects;
  };
  for (const { wild: anything, fitting: fit, astray, at, report, stale } of entries) {
    const fact = astray === 4 ? anything : fit[state.phase.name];
    const epoch = stale === 7 ? state.epoch - 1 : state.epoch;
    const effects = take({ ...fact, at, epoch } as unknown as Fact);
    for (const effect of effects)
      if (effect.type === 'report')
        take({
          type: 'reported',
          at,
          requestId: effect.report.requestId,
          outcome: effect.report.outcome,
          result: report,
        } as unknown as Fact);
  }
}

test('an install is asked for only after verification and confirmation of that very APK, in good conditions', () => {
  let installs = 0;
  fc.assert(
    fc.property(story, entries => {
      let proven: string | undefined;
      play(entries, (before, fact, after, effects) => {
        if (
          fact.type === 'verified' &&
          fact.result.ok &&
          before.phase.name === 'verifying' &&
          fact.epoch === before.epoch
        )
          proven = before.phase.attempt.offer.sha256;
        if (after.phase.name === 'downloading') proven = undefined;
        const install = effects.find(e => e.type === 'install');
        if (install?.type !== 'install') return;
        installs += 1;
        assert.is(before.phase.name, 'confirming');
        assert.is(fact.type, 'checked');
        if (fact.type !== 'checked' || fact.answer.kind !== 'offer')
          throw new Error('installed without an offer');
        assert.is(fact.answer.offer.sha256, install.attempt.offer.sha256);
        assert.is(install.attempt.offer.sha256, proven);
        assert.is(fact.conditions?.inCall, false);
        assert.is(fact.conditions?.unmeteredWifi, true);
        assert.ok(fact.conditions?.charging === true || (fact.conditions?.batteryPercent ?? 0) >= 30);
        assert.ok(install.attempt.offer.versionCode > fact.installed.versionCode);
      });
    }),
    { numRuns: 3_000 },
  );
  assert.ok(installs > 50, `only ${installs} installs were seen`);
});

test('one thing at a time: a step asks for at most one piece of work, and of the new epoch', () => {
  fc.assert(
    fc.property(story, entries => {
      play(entries, (_, __, after, effects) => {
        const work = effects.filter(e => WORK.includes(e.type));
        assert.ok(work.length <= 1);
        for (const effect of work) if ('epoch' in effect) assert.is(effect.epoch, after.epoch);
        assert.ok(after.unsent.length <= 16);
        assert.ok(PHASES.includes(after.phase.name));
      });
    }),
    { numRuns: 1_000 },
  );
});

test('a fact of an older epoch changes nothing', () => {
  fc.assert(
    fc.property(story, entries => {
      play(entries, (before, fact, after, effects) => {
        if (
          'epoch' in fact &&
          ['checked', 'downloaded', 'verified', 'installed', 'retry_due', 'broke'].includes(fact.type) &&
          fact.epoch !== before.epoch
        ) {
          assert.is(after, before);
          assert.equal(effects, []);
        }
      });
    }),
    { numRuns: 500 },
  );
});

test('every state survives being written down and read back', () => {
  fc.assert(
    fc.property(story, entries => {
      play(entries, (_, fact, after) => {
        const again = JSON.parse(JSON.stringify(after)) as AgentState;
        assert.equal(JSON.stringify(step(again, fact)), JSON.stringify(step(after, fact)));
      });
    }),
    { numRuns: 300 },
  );
});

test('an attempt has one final outcome', () => {
  fc.assert(
    fc.property(story, entries => {
      const finals = new Map<string, string>();
      play(entries, (_, __, ___, effects) => {
        for (const effect of effects) {
          if (
            effect.type !== 'emit' ||
            effect.event.type !== 'ota.attempt.end' ||
            effect.event.outcome === 'deferred'
          )
            continue;
          const { requestId, outcome, reason } = effect.event;
          assert.is(finals.get(requestId) ?? `${outcome}/${reason}`, `${outcome}/${reason}`);
          finals.set(requestId, `${outcome}/${reason}`);
        }
      });
    }),
    { numRuns: 1_000 },
  );
});

test.run();
